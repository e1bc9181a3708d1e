"""Files that keep their shape and lose their sense: fields, cells and lines replaced one by one."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.core.errors import RecordError
from components.core.readers.rawfile import MemoryFile
from components.core.readers.registry import read_signal, readers_by_name
from tests.fuzz import seeds
from tests.fuzz.mutate import NUMBERS, TOKENS, Mutated
from tests.fuzz.targets import Target, check, targets

FUZZ = settings(
    max_examples=60, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
# Fields of text: words between blanks, commas, tags. Longer ones are waveforms.
FIELD = re.compile(rb"[^\s,;<>=\"]{1,40}")
_FIELDS = 400
values = (
    st.sampled_from([*NUMBERS, *TOKENS])
    | st.integers().map(lambda n: b"%d" % n)
    | st.floats().map(lambda x: repr(x).encode())
    | st.text(max_size=12).map(lambda text: text.encode("utf-8", "replace"))
    | st.dates().map(lambda day: day.isoformat().encode())
)
edits = st.lists(
    st.tuples(st.booleans(), st.integers(0, _FIELDS - 1), values), min_size=1, max_size=5
)


@cache
def made(name: str) -> Target:
    return targets()[name]()


def _replaced(content: bytes, changes: list[tuple[bool, int, bytes]]) -> bytes:
    """Return the content with some of its first fields replaced, also by one another."""
    spans = [m.span() for m, _ in zip(FIELD.finditer(content), range(_FIELDS), strict=False)]
    wanted = (
        {number % len(spans): (swap, value) for swap, number, value in changes} if spans else {}
    )
    for number in sorted(wanted, reverse=True):
        swap, value = wanted[number]
        start, stop = spans[number]
        other = slice(*spans[len(value) * 7 % len(spans)])
        content = content[:start] + (content[other] if swap else value) + content[stop:]
    return content


@pytest.mark.parametrize("name", sorted(targets().keys() - {"zip"}))
def test_any_field_may_be_anything(name: str) -> None:
    target = made(name)

    @FUZZ
    @given(st.integers(0, len(target.seeds) - 1), edits)
    def attempt(number: int, changes: list[tuple[bool, int, bytes]]) -> None:
        seed = target.seeds[number]
        changed = {**seed.files, seed.main: _replaced(seed.files[seed.main], changes)}
        assert target.judge(seed, Mutated(files=changed, kinds=("field",), file=seed.main)) is None

    attempt()


@settings(FUZZ, max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes_are_no_signal_or_a_sound_one(content: bytes) -> None:
    for name in (None, *readers_by_name()):
        try:
            found = read_signal(MemoryFile("a", content), seeds.DECLARED, format=name)
        except RecordError:
            continue
        check(found)
