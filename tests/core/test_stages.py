"""What the stages have in common: identity, run, reuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mlflow
import pytest

from components.core import runs, stages, store
from components.core.config.task import TaskConfig
from components.core.errors import RefusedError
from components.core.stages import FACTS, execute, stage_config, stage_fingerprint
from tests.conftest import ROOT, Workplace


@pytest.fixture
def task() -> TaskConfig:
    label = {"name": "toy", "definition": "d", "prediction_time": "t"}
    return TaskConfig.model_validate(
        {"task": "toy", "title": "A toy", "label": label, "model": {"name": "ecg", "width": 8}}
    )


def changed(task: TaskConfig, section: str, **values: Any) -> TaskConfig:
    data = task.model_dump()
    data[section] = {**(data[section] or {}), **values}
    return TaskConfig.model_validate(data)


@pytest.mark.parametrize(
    ("section", "values", "stages_changed"),
    [
        ("ingest", {"source": "table"}, {"ingest"}),
        ("label", {"horizon_days": 180.0}, {"preprocess", "audit", "search", "train", "evaluate"}),
        ("preprocess", {"tabular": ["age"]}, {"preprocess"}),
        ("audit", {"label_auroc": 0.9}, {"audit"}),
        ("model", {"width": 16}, {"search", "train"}),
        ("fit", {"lr": 0.5}, {"search", "train"}),
        ("tune", {"seed": 5}, {"search"}),
        ("tune", {"trials": 5}, {"search"}),
        ("tune", {"minutes": 5}, {"search"}),
        ("tune", {"workers": 5, "storage": "postgresql://h/d", "study": "ours"}, set()),
        ("tuned", {"search": "abc"}, {"train"}),
        ("evaluate", {"draws": 500}, {"evaluate"}),
        ("register_as", {"name": "other"}, set()),
        ("ingest", {"workers": 7}, set()),
        ("preprocess", {"workers": 7}, set()),
    ],
)
def test_a_setting_bears_on_its_stages_and_no_other(
    task: TaskConfig, section: str, values: dict[str, Any], stages_changed: set[str]
) -> None:
    other = changed(task, section, **values)
    moved = {c for c in FACTS if stage_config(c, task) != stage_config(c, other)}
    assert moved == stages_changed
    prints = {
        c for c in FACTS if stage_fingerprint(c, task, "u") != stage_fingerprint(c, other, "u")
    }
    assert prints == stages_changed


@pytest.mark.parametrize("component", list(FACTS))
def test_the_upstream_bears_on_the_fingerprint(task: TaskConfig, component: str) -> None:
    assert stage_fingerprint(component, task, "a") != stage_fingerprint(component, task, "b")


@pytest.mark.parametrize("component", list(FACTS))
def test_library_versions_bear_on_the_fingerprint(
    task: TaskConfig, component: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stage_fingerprint(component, task, "a")
    monkeypatch.setattr(stages, "library_versions", lambda names: dict.fromkeys(names, "0.0.1"))
    assert stage_fingerprint(component, task, "a") != before


def test_arithmetic_bears_on_training_alone(task: TaskConfig) -> None:
    exact, half = (changed(task, "fit", device="cpu", precision=p) for p in ("fp32", "bf16"))
    same = {c for c in FACTS if stage_fingerprint(c, exact, "u") == stage_fingerprint(c, half, "u")}
    assert same == set(FACTS) - {"search", "train"}


def test_every_stage_is_a_component_with_its_own_folder() -> None:
    for component, facts in FACTS.items():
        assert (ROOT / "components" / (facts.code or component) / "cli.py").is_file()
        assert not facts.upstream or facts.upstream in FACTS
        assert bool(facts.upstream) == bool(facts.parameter)


def fill(work: store.Workspace, recorder: runs.Recorder) -> None:
    work.path("table").write_text("rows")
    work.counts["records"] = 3
    recorder.metrics({"live": 1.0})


def nothing(stage: store.Stage, recorder: runs.Recorder) -> None:
    """Publish nothing."""


def go(task: TaskConfig, **over: Any) -> stages.StageResult:
    steps: dict[str, Callable[..., None]] = {"compute": fill, "publish": nothing, **over}
    return execute("ingest", task, upstream="raw", tags={"note": "n"}, **steps)


def test_a_stage_is_computed_in_a_run_and_then_found(
    workspace: Workplace, task: TaskConfig
) -> None:
    published: list[store.Stage] = []
    first = go(task, publish=lambda stage, _: published.append(stage))
    assert first.computed
    assert first.stage.inputs == {"raw": "raw"}
    run = mlflow.MlflowClient().get_run(first.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"ingest/records": 3.0, "live": 1.0}
    print_ = stage_fingerprint("ingest", task, "raw")
    expected = {
        "component": "ingest", "fingerprint": print_, "stage.ingest": print_, "task": "toy",
        "note": "n", "computed": "True",
    }  # fmt: skip
    assert expected.items() <= run.data.tags.items()
    text = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/config.yaml")
    assert text == task.to_yaml()

    again = go(
        task,
        compute=lambda work, _: pytest.fail("computed again"),
        publish=lambda stage, _: published.append(stage),
    )
    assert not again.computed
    assert again.stage == first.stage
    assert published == [first.stage, first.stage]
    assert mlflow.MlflowClient().get_run(again.run_id).data.tags["computed"] == "False"


def test_a_stage_that_says_no_is_kept_and_refused_every_time(
    workspace: Workplace, task: TaskConfig
) -> None:
    def refuse(work: store.Workspace, recorder: runs.Recorder) -> None:
        work.facts["refused"] = "the cohort leaks"

    for compute in (refuse, lambda work, _: pytest.fail("computed again")):
        with pytest.raises(RefusedError, match="the cohort leaks"):
            go(task, compute=compute)
    assert runs.find_finished("toy", stage_fingerprint("ingest", task, "raw")) is None


def test_a_stage_of_another_components_code_moves_with_it(
    task: TaskConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stage_fingerprint("search", task, "u")
    plain = store.source_hash
    monkeypatch.setattr(
        store, "source_hash", lambda name: "changed" if name == "train" else plain(name)
    )
    assert stage_fingerprint("search", task, "u") != before


def test_what_comes_ahead_holds_no_lock_and_is_left_out_when_finished(
    workspace: Workplace, task: TaskConfig
) -> None:
    """As a search, on whose study another process may work at the same time."""
    done: list[str] = []

    def ahead(_: runs.Recorder) -> None:
        done.append("ahead")
        print_ = stage_fingerprint("search", task, "u")
        # Would wait for ever for a lock that is held.
        store.build(
            "search", print_, config={}, inputs={}, compute=lambda work: done.append("other writes")
        )

    for _ in range(2):
        execute(
            "search", task, upstream="u", ahead=ahead, publish=lambda stage, recorder: None,
            compute=lambda work, recorder: done.append("own writes"),
        )  # fmt: skip
    assert done == ["ahead", "other writes"]
