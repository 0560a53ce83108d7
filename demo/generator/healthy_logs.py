"""A few container logs of the healthy clusters."""

import json

from .base import TAKEN_AT, after, at, precise, seeded
from .payments_logs import pods_of, requests, write


def add(storefront, dev):
    web(storefront, "shop", "web", "09:27:50", 90)
    web(dev, "sandbox", "web-preview", "07:02:00", 40)
    catalog(storefront)
    database(storefront)


def web(world, namespace, workload, since, count):
    rng = seeded("web log", workload)
    pod = pods_of(world, namespace, workload)[0]
    paths = ["/", "/c/outdoor", "/c/kitchen", "/p/%d" % rng.randrange(10_000, 99_999), "/search?q=lamp", "/cart"]

    def line(moment):
        return json.dumps({
            "time": precise(moment), "level": "info", "method": "GET", "path": rng.choice(paths),
            "status": rng.choice([200, 200, 200, 200, 304]), "ms": rng.randrange(12, 148),
        }, separators=(",", ":"))

    write(world, pod, requests(rng, at(since), TAKEN_AT, count, line))


def catalog(world):
    rng = seeded("catalog log")
    pod = pods_of(world, "shop", "catalog")[0]

    def line(moment):
        return (f"{precise(moment)}  INFO 1 --- [nio-8080-exec-{rng.randrange(1, 9)}] c.e.catalog.ProductController : "
                f"GET /products/{rng.randrange(10_000, 99_999)} 200 {rng.randrange(3, 40)}ms")

    write(world, pod, requests(rng, at("09:26:00"), TAKEN_AT, 70, line))


def database(world):
    pod = pods_of(world, "orders", "orders-db")[0]
    rng = seeded("orders-db log")
    lines, moment = [], at("06:41:08")
    while after(moment, 45) < TAKEN_AT:
        buffers, took = rng.randrange(180, 900), rng.randrange(18_000, 44_000) / 1000
        done = after(moment, took)
        lines += [
            f"{moment:%Y-%m-%d %H:%M:%S}.{rng.randrange(1000):03d} UTC [27] LOG:  checkpoint starting: time",
            f"{done:%Y-%m-%d %H:%M:%S}.{rng.randrange(1000):03d} UTC [27] LOG:  checkpoint complete: wrote {buffers} buffers "
            f"({buffers / 163.84:.1f}%); write={took - 0.02:.3f} s, sync=0.006 s, total={took:.3f} s",
        ]
        moment = after(moment, 300)
    write(world, pod, lines)
