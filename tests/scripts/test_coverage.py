"""The coverage script makes the project's intervals, goes on where it stopped, and counts right."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from components.core.metrics.bootstrap import bootstrap
from components.core.metrics.resampling import Plan
from scripts import coverage, resumable
from scripts.coverage import BINARY, METHODS, Job, bounds, simulate, write
from scripts.simulation import Scenario, draw, truths

SMALL = Scenario(120, 30)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "DRAWS", 50)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("level", coverage.LEVELS)
def test_the_bounds_are_those_of_the_bootstrap(level: coverage.Level) -> None:
    job = Job(SMALL, 7)
    found = bounds(job)
    data = draw(SMALL, level, np.random.default_rng((1, *job.key)))
    prob = 1 / (1 + np.exp(-data.logit))
    for method in METHODS:
        plan = Plan(draws=50, seed=7, corrected=method == "corrected")
        wanted = bootstrap(data.y, prob, data.patient, metrics=BINARY, plan=plan)
        for name, interval in wanted.items():
            assert found[f"{name}/{level}/{method}"] == (interval.lo, interval.hi)
    assert found["harrell_c/patient/corrected"][0] <= found["harrell_c/patient/plain"][0]


@pytest.mark.usefixtures("quick")
def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    jobs = [Job(SMALL, number) for number in range(3)]
    simulate(jobs[:2], file, processes=1)
    first = file.read_text()
    # The run was killed while writing the third line.
    file.write_text(first + '{"key": [120, 3')
    simulate(jobs, file, processes=1)
    assert file.read_text().startswith(first)
    assert [row["key"][2] for row in resumable.read(file)] == [0, 1, 2]


def test_the_table_counts_what_is_covered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = truths(SMALL, "patient") | {"harrell_c": 0.7}
    monkeypatch.setattr(coverage, "true_concordance", lambda scenario: 0.7)
    monkeypatch.setattr(coverage, "SCENARIOS", (SMALL,))
    page = tmp_path / "coverage.md"
    page.write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n")
    monkeypatch.setattr(coverage, "DOC", page)
    names = [f"{n}/{level}/{m}" for n in BINARY for level in coverage.LEVELS for m in METHODS]
    names += [f"harrell_c/patient/{m}" for m in METHODS]
    rows = []
    for number in range(40):
        # Of 40 patient-level AUROCs two lie below the truth and one above.
        found = dict.fromkeys(names, (-9.0, 9.0))
        at = truth["auroc"]
        wrong = {0: (0.0, at - 0.1), 1: (0.0, at - 0.1), 2: (at + 0.1, 1.0)}
        found["auroc/patient/corrected"] = wrong.get(number, (at - 0.1, at + 0.1))
        rows.append({"key": [120, 30, number], "bounds": found})
    write(json.loads(json.dumps(rows)))
    text = page.read_text()
    assert text.startswith("before\n<!-- figures -->\n")
    assert text.endswith("<!-- /figures -->\nafter\n")
    assert "old" not in text
    line = next(each for each in text.splitlines() if each.startswith("| AUROC | patient"))
    # Three of 40 missed: 92.5 ± 4.2 %, outside what is accepted.
    assert "| 100.0 ± 0.0 % (!) | 92.5 ± 4.2 % (!) | 5.0 % | 2.5 % |" in line
