"""The fuzzer itself: it finds planted faults, tells them apart, and repeats itself exactly."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from components.core.errors import RecordError
from components.core.readers import csv_signal, wfdb_record
from components.core.readers.rawfile import RawFile
from components.core.readers.registry import Declared
from components.core.signals.signal import Signal
from tests.fuzz import __main__ as command
from tests.fuzz import runner
from tests.fuzz.mutate import CHANGES, Mutated, mutate, rename
from tests.fuzz.planted import Planted
from tests.fuzz.runner import Tally, fuzz, save
from tests.fuzz.seeds import PERSON, of_reader
from tests.fuzz.targets import Finding, ReaderTarget, Wrong, check
from tests.fuzz.worker import inputs

PLANTED = {
    "exception": "ValueError at ?",
    "hang": "more than 1 s",
    "crash": "status -11",
    "memory": "MemoryError at ?",
}


@pytest.mark.parametrize(("name", "what"), PLANTED.items())
def test_planted_faults_are_found_and_survived(name: str, what: str) -> None:
    target = Planted(name)
    at = next(number for number, _, found in inputs(target, 3, 0) if found.kinds == ("cut",))
    tally = fuzz(name, seed=3, start=at - 1, count=3, hang_s=1, worker="tests.fuzz.planted")
    assert tally.found == {Finding(kind=name, what=what): [at]}
    assert tally.inputs == 3


def test_the_same_number_is_the_same_damage() -> None:
    target = Planted("exception")
    first = [m for _, _, m in (next(inputs(target, 1, n)) for n in range(50))]
    stream = inputs(target, 1, 0)
    assert first == [next(stream)[2] for _ in range(50)]
    other = [m for _, _, m in (next(inputs(target, 2, n)) for n in range(50))]
    assert first != other
    assert len({str(m.files) for m in first}) > 40


def test_every_kind_of_damage_happens() -> None:
    target, done = ReaderTarget("muse"), set[str]()
    for number in range(300):
        done |= set(next(inputs(target, 0, number))[2].kinds)
    assert done == {*CHANGES, "rename"}


def test_another_name_is_as_long_and_another() -> None:
    for seed in of_reader("muse")[:2]:
        found = rename(seed, random.Random(0))
        assert found is not None
        assert len(found.files["r.xml"]) == len(seed.files["r.xml"])
        assert found.files != seed.files
    nobody = replace(of_reader("muse")[0], files={"r.xml": b"<RestingECG/>"})
    assert rename(nobody, random.Random(0)) is None
    assert mutate(nobody, [b"x"], random.Random(0)).kinds


def _found(monkeypatch: pytest.MonkeyPatch, module: Any, read: Any, kind: str) -> set[Finding]:
    """Return what is found on a reader's first seed when its `read` is replaced."""
    target, rng = ReaderTarget(module.NAME), random.Random(0)
    first = target.seeds[0]
    assert target.reads(first)
    monkeypatch.setattr(module, "read", read)
    damaged = (mutate(first, [b"x"], rng) for _ in range(400))
    found = {target.judge(first, each) for each in damaged}
    return {f for f in found if f is not None and f.kind == kind}


def test_a_reader_that_repeats_a_name_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(raw: RawFile, declared: Declared) -> Signal:
        raise RecordError("odd", "odd", value=f"of {PERSON.surname}")

    assert _found(monkeypatch, csv_signal, read, "leak") == {
        Finding(kind="leak", what="odd names the person")
    }


def test_a_reader_that_takes_a_name_for_a_number_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = wfdb_record.read

    def read(raw: RawFile, declared: Declared) -> Signal:
        found = plain(raw, declared)
        return replace(found, fs=found.fs if PERSON.surname.encode() in raw.data() else 501.0)

    assert _found(monkeypatch, wfdb_record, read, "changed")


def test_a_reader_that_skips_its_checksum_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = wfdb_record.read
    monkeypatch.setattr(wfdb_record, "check_sum", lambda line, found: None)
    assert _found(monkeypatch, wfdb_record, plain, "unseen") >= {
        Finding(kind="unseen", what="a turned bit in the samples, and no checksum error")
    }
    seed = of_reader("wfdb")[0]
    shorter = seed.files["r.hea"].replace(b"500 300", b"500 100")  # 3 and 1 differ in one bit
    damaged = Mutated(files={**seed.files, "r.hea": shorter}, kinds=("flip",), file="r.hea")
    assert ReaderTarget("wfdb").judge(seed, damaged) == Finding(
        kind="unseen", what="a turned bit in the header gives other counts"
    )


def test_a_warning_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(raw: RawFile, declared: Declared) -> Signal:
        np.float32(1e300)
        np.array([1e300]).astype(np.float32)
        raise AssertionError

    found = _found(monkeypatch, csv_signal, read, "exception")
    assert any(f.what.startswith("RuntimeWarning") for f in found)


@pytest.mark.parametrize(
    "wrong",
    [
        {"leads": ("I",)},
        {"lsb": np.array([np.nan, 1.0])},
        {"unit": "V"},
        {"leads": ("I", "X")},
        {"values": np.zeros((2, 4), np.int32)},
        {"meta": {"name": "QUILLFEATHRY"}},
        {"meta": {"age": 130.0}},
        {"meta": {"sex": "QUILLFEATHRY"}},
    ],
)
def test_a_signal_that_does_not_hold_together_is_a_finding(wrong: dict[str, Any]) -> None:
    plain = Signal(
        values=np.arange(8, dtype=np.int16).reshape(2, 4), fs=500.0, leads=("I", "II"), unit="mV",
        lsb=np.full(2, 0.1), offset=np.zeros(2), meta={"age": 60.0, "sex": "male"},
    )  # fmt: skip
    check(plain)
    with pytest.raises(Wrong):
        check(replace(plain, **wrong))


def test_findings_are_saved_with_the_way_back(tmp_path: Path) -> None:
    tally = Tally(inputs=9)
    for number in (4, 5, 6, 7):
        tally.add(Finding(kind="exception", what="ValueError at x.py:1"), number)
    (line,) = save(tmp_path, "csv", 3, tally)
    assert line == (
        "csv: exception: ValueError at x.py:1 (4 inputs); again with "
        "python -m tests.fuzz --reader csv --seed 3 --only 4"
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["csv-3-4", "csv-3-5", "csv-3-6"]
    _, seed, mutated = next(inputs(ReaderTarget("csv"), 3, 4))
    assert (tmp_path / "csv-3-4" / "r.csv").read_bytes() == mutated.files["r.csv"]
    told = (tmp_path / "csv-3-4" / "finding.txt").read_text()
    assert told.startswith(f"exception: ValueError at x.py:1\nseed file: {seed.name}\n")


def test_the_command_ends_with_1_on_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ["--reader", "csv", "--minutes", "0.001", "--save", str(tmp_path)]
    done = CliRunner().invoke(command.main, given)
    assert (done.exit_code, "csv: " in done.output, "0 faults" in done.output) == (0, True, True)
    assert CliRunner().invoke(command.main, ["--reader", "csv", "--only", "3"]).exit_code == 0
    wrong = Tally(inputs=1, found={Finding(kind="slow", what="x"): [0]})
    monkeypatch.setattr(command, "fuzz", lambda *args, **more: wrong)
    done = CliRunner().invoke(command.main, given)
    assert done.exit_code == 1
    assert "csv: slow: x (1 inputs); again with" in done.output
    assert (tmp_path / "csv-0-0" / "finding.txt").is_file()
    done = CliRunner().invoke(command.main, ["--reader", "mus"])
    assert (done.exit_code, "there is no target 'mus'" in done.output) == (2, True)


def test_a_worker_that_cannot_start_is_a_fault_of_the_fuzzer() -> None:
    with pytest.raises(RuntimeError, match="ended with 1 before its first input"):
        fuzz("no such target", seed=0, count=1)
    assert runner.HANG_S > 2
