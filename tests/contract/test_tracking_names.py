"""docs/tracking.md against itself, the links to the UI and the parameters of every task file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from components.core import ui_links
from components.core.config.task import load_task
from pipelines.run import _params
from tests.tracking_names import DOCUMENT, PRIMARY, table, uncovered

TASKS = sorted(file.stem for file in (DOCUMENT.parents[1] / "pipelines").glob("*.yaml"))


@pytest.mark.parametrize(
    "name",
    [
        "test/auroc", "test/auroc_lo", "test/time_auc/180", "test/head/lv.ef/time_auc/30_hi",
        "baseline/cox/time_auc/365_diff", "subgroup/site/St._Mary_s/auroc_gap_lo",
        "robustness/muscle_6db/auroc_diff", "compare/B/subgroup/sex/F/auroc_diff_lo",
        "compare/C/net_benefit/20_diff", "r0f1/val/loss", "ingest/records", "system/cpu",
        "contrib/ecg_image", "r0f1/contrib_perm/pcg", "best/contrib/tabular", "val/accuracy",
    ],
)  # fmt: skip
def test_names_that_the_table_has_are_covered(name: str) -> None:
    assert uncovered([name]) == []


@pytest.mark.parametrize(
    "name",
    [
        "test/AUROC", "test/auroc_low", "auroc", "test/roc", "test/time_auc/soon",
        "ingest/New Name",
        "elsewhere/records", "test/head/lvef/unheard_of", "compare/A/auroc_diff", "val/recall",
        "subgroup/sex/auroc", "baseline/cox/auroc_gap/x", "test/auroc_lo_hi", "test/x/auroc",
    ],
)  # fmt: skip
def test_a_name_that_no_row_covers_is_named(name: str) -> None:
    assert uncovered([name, "test/auroc"]) == [name]


def test_the_main_figures_are_in_the_table() -> None:
    assert uncovered(PRIMARY) == []
    assert {name for name in PRIMARY if not name.endswith(("_lo", "_hi"))} <= set(table("Metrics"))


def test_the_columns_and_axes_of_the_ui_are_names_of_the_tables() -> None:
    settings, figures = ui_links.AXES
    assert uncovered([*ui_links.FIGURES, *figures]) == []
    assert uncovered([*ui_links.SETTINGS, *settings], "Parameters") == []


@pytest.mark.parametrize("task", TASKS)
def test_every_parameter_of_a_task_has_a_row(task: str) -> None:
    found = _params(load_task(task, config="", overrides=""))
    assert uncovered(found, "Parameters") == []
    assert set(ui_links.SETTINGS) <= set(found)


def test_a_parameter_that_neither_table_nor_entry_point_has_is_named() -> None:
    assert uncovered({"model.x", "fit.y.z", "path"}, "Parameters") == []
    assert uncovered({"other.x", "fit"}, "Parameters") == ["fit", "other.x"]


def test_a_tag_that_no_row_covers_is_named() -> None:
    assert uncovered({"stage.train", "audit.pairing", "mlflow.user", "exit_status"}, "Tags") == []
    assert uncovered({"stage.other", "status"}, "Tags") == ["stage.other", "status"]


def test_task_files_are_found() -> None:
    stems = {yaml.safe_load(Path(file).read_text())["task"] for file in _files()}
    assert stems == set(TASKS)


def _files() -> list[Path]:
    return sorted((DOCUMENT.parents[1] / "pipelines").glob("*.yaml"))
