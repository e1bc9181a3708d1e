"""Every benchmark runs, and both of its sides come to the same result; nothing is timed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import __main__ as command
from benchmarks.harness import child, machine, measure, memory, table
from benchmarks.harness.measure import Measured, exponent
from benchmarks.harness.row import Comparison, Outcome, Row, named, rows_by_name
from components.core.errors import CardioError, ConfigError

FILES = {p.stem for p in Path(command.__file__).parent.glob("*.py") if not p.stem.startswith("_")}
# The pipeline with all its stages takes minutes.
SLOW = {"rerun"}
NAMES = [
    pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in sorted(FILES)
]


def test_every_file_is_a_row() -> None:
    assert set(rows_by_name()) == FILES
    assert [row.name for row in named([])] == list(rows_by_name())
    assert [row.name for row in named(["rerun", "bootstrap"])] == ["rerun", "bootstrap"]


def test_an_unknown_row_is_named() -> None:
    with pytest.raises(ConfigError, match=r"there is no benchmark 'bootstrp'; .*bootstrap"):
        named(["bootstrp"])


@pytest.mark.parametrize("name", NAMES)
def test_a_row_compares_sides_it_has_at_1x_4x_16x(name: str) -> None:
    row = rows_by_name()[name]
    assert [size / row.sizes[0] for size in row.sizes] == [1, 4, 16]
    assert list(row.quick) == sorted(set(row.quick))
    for comparison in row.comparisons:
        assert {comparison.ours, comparison.other or comparison.ours} <= set(row.sides)
        assert comparison.ratio is None or comparison.limit_s is None
    assert any(each.ratio or each.limit_s for each in row.comparisons)


@pytest.fixture
def torch_as_it_was() -> Iterator[None]:
    """Put back what the training step switches on for its whole process."""
    yield
    torch.use_deterministic_algorithms(mode=False)


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # wfdb, when it is first imported
@pytest.mark.usefixtures("torch_as_it_was")
@pytest.mark.parametrize("name", NAMES)
def test_both_sides_come_to_the_same_result(name: str, tmp_path: Path) -> None:
    row, size = rows_by_name()[name], rows_by_name()[name].quick[0]
    row.prepare(tmp_path, size)
    found = {side: run(tmp_path, size) for side, run in row.sides.items()}
    for outcome in found.values():
        assert np.isfinite(outcome.seconds)
        assert outcome.seconds > 0
        assert outcome.units > 0
    for comparison in row.comparisons:
        if comparison.other:
            ours, other = found[comparison.ours].result, found[comparison.other].result
            assert ours is not None
            assert other is not None
            assert ours.size > 0
            assert np.ptp(ours) > 0
            np.testing.assert_allclose(ours, other, rtol=0, atol=comparison.tolerance)


def _sleepless(size: int, *, units: int = 1) -> Outcome:
    return Outcome(seconds=size / 100, units=units, facts={"is": "quick"})


ROW = Row(
    name="bootstrap",
    unit="things",
    sizes=(1, 4, 16),
    quick=(1, 2, 3),
    prepare=lambda folder, size: None,
    work=lambda size: size,
    sides={"ours": lambda _, size: _sleepless(size), "peer": lambda _, size: _sleepless(size)},
    comparisons=(Comparison(work="{size} a", ours="ours", other="peer", peer="p", ratio=2),),
    notes=("One note.",),
)


def measured(*seconds: float) -> Measured:
    return Measured(
        seconds=seconds, spread=(0.1, 0.1, 0.25), peak=(10**6, 2 * 10**6, 3 * 10**6), facts={}
    )


def test_the_exponent_is_the_slope_of_log_time_on_log_size() -> None:
    assert exponent((1, 4, 16), (3.0, 12.0, 48.0)) == pytest.approx(1)
    assert exponent((1, 4, 16), (3.0, 48.0, 768.0)) == pytest.approx(2)
    assert exponent((1, 4, 16), (3.0, 3.0, 3.0)) == pytest.approx(0)


def test_a_line_holds_ratio_verdict_growth_and_memory() -> None:
    found = {"ours": measured(1, 1, 1), "peer": measured(1, 4, 16)}
    (line,) = table.lines(ROW, found, quick=False)
    assert line == (
        "16 a (16 things)", "p", "1 s", "16 s", "16.0×", "≥ 2×: met", "0.00 (peer 1.00)",
        "1 / 2 / 3 MB (peer 1 / 2 / 3 MB)",
    )  # fmt: skip
    assert line[0] in table.plain([line])
    assert table.markdown([line]).splitlines()[2].startswith("| 16 a (16 things) | p | 1 s |")
    assert table.notes(ROW, found)[-1].endswith("largest size: ours 25%, peer 25%.")


@pytest.mark.parametrize(
    ("comparison", "seconds", "wanted"),
    [
        (Comparison(work="a", ours="ours", other="peer", ratio=4), (5, 16), "≥ 4×: not met"),
        (Comparison(work="a", ours="ours", other="peer", ratio=4), (4, 16), "≥ 4×: met"),
        (Comparison(work="a", ours="ours", limit_s=10), (10, 1), "≤ 10 s: met"),
        (Comparison(work="a", ours="ours", limit_s=10), (11, 1), "≤ 10 s: not met"),
        (
            Comparison(work="a", ours="ours", other="peer", ratio=4, memory=1),
            (4, 16),
            "≥ 4×: met, memory ≤ 1/1: met",
        ),
        (
            Comparison(work="a", ours="ours", other="peer", memory=2),
            (4, 16),
            "memory ≤ 1/2: not met",
        ),
        (Comparison(work="a", ours="ours", other="peer"), (4, 16), "—"),
    ],
)
def test_the_verdict(comparison: Comparison, seconds: tuple[float, float], wanted: str) -> None:
    ours, other = (measured(each) for each in seconds)
    assert table.verdict(comparison, ours, other) == wanted


def test_a_measurement_takes_the_median_and_extrapolates(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([1.0, 9.0, 2.0, 3.0, 1.0, 4.0])  # ours and peer in turn, three repeats
    calls: list[tuple[str, bool]] = []

    def run_child(
        name: str, side: str, size: int, folder: Path, *, memory: bool = False
    ) -> tuple[str, int]:
        assert (name, folder.is_dir()) == ("bootstrap", True)
        calls.append((side, memory))
        seconds = 1.0 if memory or side == "prepare" else next(answers)
        return f"noise\n{json.dumps({'seconds': seconds, 'units': 2, 'facts': {}})}\n", 7

    monkeypatch.setattr(measure, "run_child", run_child)
    row = replace(ROW, sizes=(4,), work=lambda size: 10 * size)  # type: ignore[arg-type]
    found = measure.measure(row, quick=False, repeats=3, say=lambda _: None)
    assert [side for side, _ in calls] == ["prepare", *["ours", "peer"] * 4]
    assert [memory for _, memory in calls[-2:]] == [True, True]
    assert found["ours"].seconds == (1.0 / 2 * 40,)
    assert found["peer"].seconds == (4.0 / 2 * 40,)
    assert found["peer"].spread == (6 / 4,)
    assert found["ours"].peak == (7,)


def test_a_side_that_fails_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(measure.sys, "executable", "false")
    with pytest.raises(CardioError, match=r"benchmark bootstrap, ours, at 3 ended with status 1"):
        measure.run_child("bootstrap", "ours", 3, tmp_path)


def test_the_child_prints_its_outcome(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import benchmarks.bootstrap

    monkeypatch.setattr(benchmarks.bootstrap, "ROW", ROW)
    child.main("bootstrap", "prepare", "5", str(tmp_path))
    assert capsys.readouterr().out == ""
    child.main("bootstrap", "ours", "5", str(tmp_path))
    expected = {"seconds": 0.05, "units": 1, "facts": {"is": "quick"}}
    assert json.loads(capsys.readouterr().out) == expected


def test_the_peak_is_of_the_whole_tree() -> None:
    # A parent that holds little, and a child that holds 60 MB for as long as a look may take.
    hold = "import time; held = bytearray(b'x') * 60_000_000; time.sleep(0.4)"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    with subprocess.Popen([sys.executable, "-c", start], text=True) as process:
        assert 60e6 < memory.peak_while(process) < 160e6


def test_the_command_prints_and_writes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {"ours": measured(1, 4, 16), "peer": measured(4, 16, 64)}
    monkeypatch.setattr(command, "named", lambda names: [ROW])
    monkeypatch.setattr(command, "measure", lambda row, **_: found)
    monkeypatch.setattr(command, "PAGE", tmp_path / "benchmarks.md")
    assert command.main(["--write"]) == 0
    text = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "| 16 a (16 things) | p | 16 s | 64 s | 4.0× | ≥ 2×: met |" in text
    assert "**bootstrap**\n\n- One note.\n" in text
    assert machine.versions() in text
    assert "ratio        4.0×" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["rerun", "--write"], ["--quick", "--write"]])
def test_the_page_is_one_whole_run(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(arguments) == 2
    assert "--write takes no names and no --quick" in capsys.readouterr().err


def test_the_machine_is_described() -> None:
    assert "cores" in machine.machine()
    assert "torch" in machine.versions()
    assert machine.load().count("and") == 1
