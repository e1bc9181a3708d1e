"""Many requests to a running service, some of them malformed: what it answers, what it grows by.

`python -m scripts.serving_load URL FOLDER --requests 10000` sends the ECG files of a folder from
eight clients, every fifth request damaged, and prints statuses, times and the memory of the
service's processes after a tenth of the requests and at the end.
"""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import click
import numpy as np
import psutil

CLIENTS = 8
_MALFORMED = 5  # every so many requests
_BOUNDARY = "----------------cardio"
_SMALLEST_FAULT = 500
# Until every process has loaded its models and the allocator its pools.
_WARM = 0.1


@dataclass(eq=False)
class Tally:
    """What came of the requests.

    Attributes:
        statuses: of HTTP → how many.
        seconds: of each well-formed request.
        faults: what was sent where the service failed.
    """

    statuses: Counter[int] = field(default_factory=Counter[int])
    seconds: list[float] = field(default_factory=list[float])
    faults: Counter[str] = field(default_factory=Counter[str])


def multipart(parts: Sequence[tuple[str, str, bytes]]) -> bytes:
    """Return a body of (name, file name or empty, content)."""
    lines: list[bytes] = []
    for name, file, content in parts:
        named = f'; filename="{file}"' if file else ""
        head = f'Content-Disposition: form-data; name="{name}"{named}'
        lines += [f"--{_BOUNDARY}".encode(), head.encode(), b"", content]
    return b"\r\n".join([*lines, f"--{_BOUNDARY}--".encode(), b""])


def damages() -> dict[str, Callable[[random.Random, bytes], bytes]]:
    """Return name → what makes a malformed body of an ECG file."""

    def cut(draw: random.Random, data: bytes) -> bytes:
        return multipart([("ecg", "a.xml", data[: draw.randrange(len(data))])])

    def flipped(draw: random.Random, data: bytes) -> bytes:
        own = bytearray(data)
        for _ in range(20):
            own[draw.randrange(len(own))] = draw.randrange(256)
        return multipart([("ecg", "a.xml", bytes(own))])

    def text(name: str, content: bytes) -> Callable[[random.Random, bytes], bytes]:
        return lambda _, data: multipart([("ecg", "a.xml", data), (name, "", content)])

    return {
        "cut": cut,
        "flipped": flipped,
        "noise": lambda draw, _: multipart([("ecg", "a.xml", draw.randbytes(5000))]),
        "empty": lambda *_: multipart([("ecg", "a.xml", b"")]),
        "no file": lambda *_: multipart([("draw", "", b"true")]),
        "no body": lambda *_: b"",
        "no end": lambda _, data: multipart([("ecg", "a.xml", data)])[:-30],
        "unknown part": text("other", b"1"),
        "unknown field": text("fields", b'{"nobody": 1}'),
        "no JSON": text("fields", b'{"age": NaN}'),
        "no number": text("fields", b'{"age": "old"}'),
        "deep JSON": text("fields", b"[" * 5000),
        "unknown model": text("model", b"nobody"),
        "entities": lambda *_: multipart([("ecg", "a.xml", _ENTITIES)]),
    }


_ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY a%d "%s">' % (i, b"&a;" * 10) for i in range(9))
    + b"]><RestingECG>&a8;</RestingECG>"
)


def client(
    address: str, files: Sequence[bytes], numbers: Iterator[int], tally: Tally, lock: threading.Lock
) -> None:
    """Send requests until there is no number left."""
    host = urlsplit(address).netloc
    kinds = damages()
    names = list(kinds)
    line = http.client.HTTPConnection(host, timeout=120)
    while True:
        with lock:
            number = next(numbers, None)
        if number is None:
            return
        draw = random.Random(number)  # noqa: S311 - no secret
        file, bad = files[number % len(files)], number % _MALFORMED == 0
        name = names[number // _MALFORMED % len(names)] if bad else ""
        body = kinds[name](draw, file) if bad else multipart([("ecg", "a.xml", file)])
        start = time.perf_counter()
        status = _sent(line, body)
        with lock:
            tally.statuses[status] += 1
            if not bad:
                tally.seconds.append(time.perf_counter() - start)
            if status >= _SMALLEST_FAULT:
                tally.faults[name or "well-formed"] += 1


def _sent(line: http.client.HTTPConnection, body: bytes) -> int:
    """Return the status of one request; 599 where there was no answer."""
    kind = f"multipart/form-data; boundary={_BOUNDARY}"
    try:
        line.request("POST", "/predict", body, {"Content-Type": kind})
        answer = line.getresponse()
        answer.read()
    except (http.client.HTTPException, OSError):
        line.close()
        return 599
    return answer.status


def memory(process: int) -> float:
    """Return the megabytes that a process and its children hold alone or share, each page once."""
    root = psutil.Process(process)
    every = [root, *root.children(recursive=True)]
    return sum(each.memory_full_info().pss for each in every) / 1e6


def listening(address: str) -> int:
    """Return the process that listens at an address of this machine."""
    port = urlsplit(address).port
    for each in psutil.net_connections("tcp"):
        if (
            each.status == psutil.CONN_LISTEN
            and each.laddr
            and each.laddr.port == port
            and each.pid
        ):
            return each.pid
    raise click.ClickException(f"nothing listens at {address} on this machine")


@click.command()
@click.argument("address")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--requests", default=10_000, show_default=True)
@click.option("--files", default=200, show_default=True, help="How many of the folder's files.")
def main(address: str, folder: Path, requests: int, files: int) -> None:
    """Send requests to the service at ADDRESS with the ECG files in FOLDER."""
    data = [each.read_bytes() for each in sorted(folder.glob("*.xml"))[:files]]
    process, tally, lock = listening(address), Tally(), threading.Lock()
    warm = round(_WARM * requests)
    grown: list[float] = []
    start = time.perf_counter()
    for part in (range(warm), range(warm, requests)):
        numbers = iter(part)
        threads = [
            threading.Thread(target=client, args=(address, data, numbers, tally, lock))
            for _ in range(CLIENTS)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        grown.append(memory(process))
    spent = time.perf_counter() - start
    p50, p99 = 1000 * np.percentile(tally.seconds, [50, 99])
    click.echo(f"{requests:,} requests in {spent:.0f} s, {requests / spent:.0f} a second")
    click.echo(f"statuses: {dict(sorted(tally.statuses.items()))}; faults: {dict(tally.faults)}")
    click.echo(f"well-formed, with {CLIENTS} clients: p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    growth = grown[1] / grown[0] - 1
    click.echo(f"memory: {grown[0]:.0f} MB after {warm:,}, {grown[1]:.0f} MB at the end "
               f"({growth:+.1%})")  # fmt: skip
    if tally.faults or growth > _MOST_GROWTH:
        raise SystemExit(1)


_MOST_GROWTH = 0.05


if __name__ == "__main__":
    main()
