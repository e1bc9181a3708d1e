"""A fixed budget of damaged inputs for every reader, every source and the archives."""

from __future__ import annotations

import pytest

from components.core.readers.registry import readers_by_name
from tests.fuzz import seeds
from tests.fuzz.mutate import Mutated
from tests.fuzz.runner import fuzz
from tests.fuzz.targets import targets

# A few seconds each; `python -m tests.fuzz` goes on for as long as one likes.
INPUTS = 400
# Sources whose every input is a database, opened and asked.
FEWER = {"source:mimic_iv": 80, "source:event_table": 200}
each_target = pytest.mark.parametrize("name", sorted(targets()))


@pytest.mark.parametrize("name", sorted(readers_by_name()))
def test_every_reader_has_a_seed_that_it_reads(name: str) -> None:
    target = targets()[name]()
    readable = [seed.name for seed in target.seeds if target.reads(seed)]
    assert readable, f"the reader '{name}' needs its line in tests/fuzz/seeds.py"


def test_every_seed_has_its_own_name() -> None:
    for name, make in targets().items():
        names = [seed.name for seed in make().seeds]
        assert names, name
        assert len(set(names)) == len(names)


@each_target
def test_undamaged_files_are_no_finding(name: str) -> None:
    target = targets()[name]()
    for seed in target.seeds:
        assert target.judge(seed, Mutated(files=seed.files, kinds=(), file=seed.main)) is None


@each_target
def test_damaged_files_are_refused_or_read(name: str) -> None:
    count = FEWER.get(name, INPUTS)
    tally = fuzz(name, seed=20, count=count)
    assert tally.found == {}
    assert tally.inputs == count


def test_the_sources_that_read_files_are_among_them() -> None:
    assert {"manifest", "table", "array"} <= set(seeds.source_names())
