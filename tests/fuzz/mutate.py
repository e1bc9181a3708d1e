"""Damage to bytes: flips, cuts, copies, splices, tokens, numbers; drawn, and drawn again alike."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.fuzz.seeds import IDENTIFYING, Seed

TOKENS = (
    b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"-1", b"0", b"1e308", b"nan", b"inf", b"-", b"<",
    b"99999999999", b"&x;", b"&#0;", b"<![CDATA[", b"<!--", b"]]>", b"\r", b"\n", b"\r\n", b",",
    b";", b"\t", b'"', b"\x80", b"/", b"../", b"V9", b"I", b" ", b":", b"+", b"(", b"~", b"=",
    "µ".encode(), "é".encode("latin-1"), b"2147483648", b"65536", b"-32768", b"1x2",
)  # fmt: skip
NUMBERS = (
    b"0", b"-0", b"1", b"-1", b"2", b"7", b"255", b"256", b"32767", b"32768", b"-32769", b"65535",
    b"2147483647", b"4294967296", b"9223372036854775808", b"1e-300", b"1e300", b"1e999", b"0.0",
    b"0.5", b"nan", b"inf", b"1,5", b"1_000", b"0x10", b"", b" ", b"+", "٣".encode(), b"00000001",
)  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_MARKS = re.compile(rb"[<\n]")
_HEAD = 2048
_TAME = b"ABCDEFGHKLMNPRSTUWXYZabcdefghkmnprstuwxyz0123456789"

Change = Callable[[bytes, int, random.Random, Sequence[bytes]], bytes]


@dataclass(frozen=True, kw_only=True)
class Mutated:
    """A damaged input.

    Attributes:
        files: content by name.
        kinds: what was done, in order.
        file: the file that was changed last.
    """

    files: dict[str, bytes]
    kinds: tuple[str, ...]
    file: str


def _flip(data: bytes, at: int, rng: random.Random, _: Sequence[bytes]) -> bytes:
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def _set(data: bytes, at: int, rng: random.Random, _: Sequence[bytes]) -> bytes:
    return data[:at] + bytes([rng.choice((0, 0xFF, 0x80, 0x7F, 0x20, 0x0A))]) + data[at + 1 :]


def _cut(data: bytes, at: int, rng: random.Random, _: Sequence[bytes]) -> bytes:
    return data[:at]


def _drop(data: bytes, at: int, rng: random.Random, _: Sequence[bytes]) -> bytes:
    return data[:at] + data[at + _length(rng) :]


def _copy(data: bytes, at: int, rng: random.Random, _: Sequence[bytes]) -> bytes:
    piece = data[at : at + _length(rng)]
    return data[:at] + piece * rng.choice((2, 2, 3, 50)) + data[at + len(piece) :]


def _splice(data: bytes, at: int, rng: random.Random, others: Sequence[bytes]) -> bytes:
    other = rng.choice(others)
    start, length = rng.randrange(len(other) + 1), _length(rng)
    return data[:at] + other[start : start + length] + data[at + rng.choice((0, length)) :]


def _token(data: bytes, at: int, rng: random.Random, _: Sequence[bytes]) -> bytes:
    return data[:at] + rng.choice(TOKENS) + data[at + rng.choice((0, 0, 1, 4)) :]


def _noise(data: bytes, at: int, rng: random.Random, _: Sequence[bytes]) -> bytes:
    return data[:at] + rng.randbytes(rng.randrange(1, 17)) + data[at:]


def _number(data: bytes, at: int, rng: random.Random, _: Sequence[bytes]) -> bytes:
    found = _NUMBER.search(data, at, at + 4096) or _NUMBER.search(data)
    if found is None:
        return _token(data, at, rng, ())
    return data[: found.start()] + _tweak(found[0], rng) + data[found.end() :]


def _tweak(number: bytes, rng: random.Random) -> bytes:
    try:
        near = b"%d" % (int(number) + rng.choice((-1, 1, 100, -int(number) * 2)))
    except ValueError:
        near = number + b"9"
    return rng.choice((near, near, number * 2, *NUMBERS))


def _lines(data: bytes, at: int, rng: random.Random, _: Sequence[bytes]) -> bytes:
    lines = data.splitlines(keepends=True)
    first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
    if at % 3 == 0:
        del lines[first]
    elif at % 3 == 1:
        lines.insert(second, lines[first])
    else:
        lines[first], lines[second] = lines[second], lines[first]
    return b"".join(lines)


CHANGES: dict[str, Change] = {
    "flip": _flip, "set": _set, "cut": _cut, "drop": _drop, "copy": _copy, "splice": _splice,
    "token": _token, "noise": _noise, "number": _number, "lines": _lines,
}  # fmt: skip


def _length(rng: random.Random) -> int:
    return int(2 ** rng.uniform(0, 12))


def _place(data: bytes, rng: random.Random) -> int:
    """Return an offset; half of them near the start or at a mark, where the structure is."""
    way = rng.randrange(4)
    if way == 0:
        return rng.randrange(min(len(data), _HEAD))
    start = rng.randrange(len(data))
    mark = _MARKS.search(data, start) if way == 1 else None
    return min(len(data) - 1, mark.start() + rng.randrange(12)) if mark else start


def mutate(seed: Seed, others: Sequence[bytes], rng: random.Random) -> Mutated:
    """Return a damaged copy of a seed.

    Args:
        seed: what is damaged.
        others: contents that pieces are spliced in from.
        rng: draws everything.
    """
    if rng.random() < 0.1:
        tame = rename(seed, rng)
        if tame is not None:
            return tame
    files, kinds, name = dict(seed.files), list[str](), seed.main
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
        name = seed.main if rng.random() < 0.7 else rng.choice(sorted(files))
        kind = rng.choice(tuple(CHANGES))
        if files[name]:
            files[name] = CHANGES[kind](files[name], _place(files[name], rng), rng, others)
            kinds.append(kind)
    return Mutated(files=files, kinds=tuple(kinds), file=name)


def rename(seed: Seed, rng: random.Random) -> Mutated | None:
    """Return the seed with another person in it, or None where none is named.

    The new name is as long as the old one, so that no offset moves: the signal must stay the same.
    """
    content = seed.files[seed.main]
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    there = [text for text in IDENTIFYING if text in content]
    if wide or not there:
        return None
    old = rng.choice(there)
    new = bytes(rng.choice(_TAME) for _ in old)
    files = {**seed.files, seed.main: content.replace(old, new)}
    return Mutated(files=files, kinds=("rename",), file=seed.main)
