"""Addresses of pages of the MLflow UI that show what is wanted, for terminals and tags.

The UI keeps the state of its runs page (filter, order, columns, charts) in a tag of the experiment
that its button Share writes; a link names the tag. Ours is written the same way, under one name per
experiment, so a link opens the table with the columns that matter. Tried with MLflow 3.17, whose
page reads the tag as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from components.core import runs
from components.core.store import Stage

VIEW, VIEW_TAG = "cardio", "mlflow.sharedViewState.cardio"
TAG_COMPARE = "compare_page"
PARENTS = "tags.component = 'pipeline'"
# The columns that the table opens with; what a run lacks stays empty there.
FIGURES = (
    "test/auroc", "test/auroc_lo", "test/auroc_hi", "test/auprc", "test/prevalence",
    "test/patients", "test/events", "test/calibration_slope", "test/ece", "val/auroc",
)  # fmt: skip
SETTINGS = ("model", "source", "fit.lr", "fit.epochs")
# Axes of the parallel coordinates, settings at the left and figures at the right. A run that lacks
# one of them is not drawn, so settings that only some models have cannot be among them.
AXES = (("model", "fit.lr", "fit.epochs"), ("val/auroc", "test/auroc", "test/auprc"))
_SECTION = "cardio-figures"
# The UI opens in its GenAI view otherwise.
_TRAINING = "workflowType=machine_learning"


def runs_table(experiment: str) -> str:
    """Return the address of the table of an experiment's pipeline runs with their figures.

    Writes the page's state as a tag of the experiment, which is created where it is not there.
    """
    return _runs_page(experiment, "TABLE")


def runs_charts(experiment: str) -> str:
    """Return the address of the same runs as charts: figures as bars, parallel coordinates."""
    return _runs_page(experiment, "CHART")


def compare_page(run_ids: Sequence[str]) -> str:
    """Return the address of the page that puts these runs side by side.

    Args:
        run_ids: of the tracking store, in the order of their columns; experiments may differ.
    """
    client = runs.connect()
    homes = {client.get_run(run_id).info.experiment_id for run_id in run_ids}
    words = {
        "runs": json.dumps(list(run_ids), separators=(",", ":")),
        "experiments": json.dumps(sorted(homes), separators=(",", ":")),
    }
    asked = urlencode(words, quote_via=quote)
    return f"{runs.ui_address()}/#/compare-runs?{asked}&{_TRAINING}"


def side_by_side(evaluated: Sequence[tuple[str, Stage]]) -> tuple[str, str]:
    """Return the address of the compare page of evaluated models, or an empty one and why.

    Args:
        evaluated: what the user named, a run or a stage folder, and the stage behind it.
    """
    found: list[str] = []
    for reference, stage in evaluated:
        run_id = _run_of(reference, stage)
        if run_id is None:
            return "", f"no finished run in the tracking store holds the evaluation '{reference}'"
        found.append(run_id)
    return compare_page(found), ""


def _run_of(reference: str, stage: Stage) -> str | None:
    """Return the run that holds the work: the one named, the one it leads to, or a folder's."""
    if Path(reference).is_dir():
        return runs.find_finished(str(stage.config.get("task", "")), stage.fingerprint)
    return runs.run_tag(reference, "leads_to_run") or reference


def version_page(name: str, version: str) -> str:
    """Return the address of a registered model's version."""
    return f"{runs.ui_address()}/#/models/{name}/versions/{version}?{_TRAINING}"


def run_page(run_id: str, artifact: str = "") -> str:
    """Return the address of a run's own page, or of one of its artifacts there."""
    home = runs.connect().get_run(run_id).info.experiment_id
    under = f"/artifacts/{artifact}" if artifact else ""
    return f"{runs.ui_address()}/#/experiments/{home}/runs/{run_id}{under}?{_TRAINING}"


def view_state() -> dict[str, Any]:
    """Return the state of the runs page: pipelines only, best first, columns and charts set."""
    return {
        "searchFilter": PARENTS,
        "orderByKey": "metrics.`test/auroc`",
        "orderByAsc": False,
        "isAccordionReordered": True,  # else the section below goes by its name, to the middle
        "selectedColumns": _columns(),
        "columnOrder": _columns(),
        "compareRunSections": [{
            "uuid": _SECTION, "name": "Figures", "display": True, "isReordered": True,
            "deleted": False, "isGenerated": False, "columns": 2,
        }],
        "compareRunCharts": [_parallel(), *(_bar(name) for name in FIGURES[:1] + FIGURES[3:5])],
    }  # fmt: skip


def _columns() -> list[str]:
    return [*(f"params.`{n}`" for n in SETTINGS), *(f"metrics.`{n}`" for n in FIGURES)]


def _parallel() -> dict[str, Any]:
    settings, figures = AXES
    return {
        "uuid": "cardio-parallel", "type": "PARALLEL", "runsCountToCompare": 100,
        "metricSectionId": _SECTION, "deleted": False, "isGenerated": False, "showAllRuns": True,
        "displayName": "Settings and figures", "selectedParams": list(settings),
        "selectedMetrics": list(figures),
    }  # fmt: skip


def _bar(metric: str) -> dict[str, Any]:
    return {
        "uuid": f"cardio-{metric}", "type": "BAR", "runsCountToCompare": 100,
        "metricSectionId": _SECTION, "deleted": False, "isGenerated": False, "metricKey": metric,
    }  # fmt: skip


def _runs_page(experiment: str, mode: str) -> str:
    page = runs.run_url(experiment)
    home = runs.experiment_id(experiment)
    state = json.dumps(view_state(), separators=(",", ":"))
    client = runs.connect()
    if client.get_experiment(home).tags.get(VIEW_TAG) != state:
        client.set_experiment_tag(home, VIEW_TAG, state)
    return f"{page}&compareRunsMode={mode}&viewStateShareKey={VIEW}"
