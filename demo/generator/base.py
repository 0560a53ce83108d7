"""Time, seeded identity and number formats shared by all modules."""

import hashlib
import random
from datetime import datetime, timedelta, timezone

ACCOUNT = "111122223333"
TAKEN_AT = datetime(2026, 11, 23, 9, 30, tzinfo=timezone.utc)

# The alphabet of Kubernetes' random suffixes: no vowels, so that no words appear.
SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"

MI = 1024 * 1024


def at(text: str) -> datetime:
    """A time: `09:12:03` (the day of the snapshot) or `2026-11-20 09:12:03`; seconds may be left out."""
    if " " not in text:
        text = f"{TAKEN_AT:%Y-%m-%d} {text}"
    if text.count(":") == 1:
        text += ":00"
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)


def after(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=seconds)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def precise(moment: datetime) -> str:
    """With milliseconds, as applications write it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def digest(*parts: object) -> str:
    return hashlib.sha256("/".join(str(part) for part in parts).encode()).hexdigest()


def seeded(*parts: object) -> random.Random:
    """A generator of its own for each subject: adding one object does not change the others."""
    return random.Random(int(digest("seed", *parts)[:16], 16))


def uid(*parts: object) -> str:
    h = digest("uid", *parts)
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[int(h[16], 16) % 4]}{h[17:20]}-{h[20:32]}"


def suffix(length: int, *parts: object) -> str:
    rng = seeded("suffix", *parts)
    return "".join(rng.choice(SUFFIX_ALPHABET) for _ in range(length))


def instance_id(*parts: object) -> str:
    return "i-0" + digest("instance", *parts)[:16]


def millicores(quantity: str) -> int:
    return int(quantity[:-1]) if quantity.endswith("m") else round(float(quantity) * 1000)


def size(quantity: str) -> int:
    for unit, factor in (("Ki", 1024), ("Mi", MI), ("Gi", 1024 * MI)):
        if quantity.endswith(unit):
            return int(quantity[: -len(unit)]) * factor
    return int(quantity)


def restart_delays(count: int) -> list[int]:
    """Seconds the kubelet waits before each of the first `count` restarts."""
    return [0, 10, 20, 40, 80, 160][:count] + [300] * max(0, count - 6)


def crash_runs_until(last_end: datetime, lengths: list[float]) -> list[tuple[datetime, datetime]]:
    """Start and end of each run of a crash loop, the newest ending at `last_end`, back-off in between."""
    runs = []
    delays = restart_delays(len(lengths) - 1)
    end = last_end
    for index in range(len(lengths) - 1, -1, -1):
        start = after(end, -lengths[index])
        runs.insert(0, (start, end))
        if index:
            end = after(start, -delays[index - 1] - 1)
    return runs


def crash_runs_from(start: datetime, length) -> list[tuple[datetime, datetime]]:
    """As above, forward from the first start, as many runs as end by the time of the snapshot."""
    runs = []
    while True:
        end = after(start, length(len(runs)))
        if end > TAKEN_AT:
            return runs
        runs.append((start, end))
        delay = restart_delays(len(runs))[-1]
        # A restart happens at the first pod sync after the delay, a second or two late.
        start = after(end, delay + 1 + len(runs) % 2)
