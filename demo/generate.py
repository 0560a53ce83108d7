#!/usr/bin/env python3
"""Writes the demo snapshot: `python3 demo/generate.py`.

Everything is derived from names and seeds, so that each run writes the same bytes. The world is invented; only list
prices, version dates and the texts of Kubernetes are real.
"""

import shutil
import sys
from pathlib import Path

sys.dont_write_bytecode = True

from generator import aws, checks, cloudwatch_logs, dev, healthy_logs, metrics, payments, storefront  # noqa: E402

ROOT = Path(__file__).resolve().parent


def main():
    for name in ("clusters", "aws"):
        shutil.rmtree(ROOT / name, ignore_errors=True)
    worlds = [storefront.build(), payments.build(), dev.build()]
    healthy_logs.add(worlds[0], worlds[2])
    aws.write(ROOT, worlds)
    for world in worlds:
        world.series = metrics.build(world)
        world.write(ROOT)
        metrics.write(world, ROOT)
    cloudwatch_logs.write(worlds[1], ROOT)
    checks.run(ROOT)
    size = sum(path.stat().st_size for name in ("clusters", "aws") for path in (ROOT / name).rglob("*") if path.is_file())
    print(f"{sum(len(world.pods) for world in worlds)} pods, {size / 1e6:.2f} MB, all checks passed")


if __name__ == "__main__":
    main()
