"""What the stages have in common: identity, MLflow run, atomic folder, reuse.

A stage is named by its component. `FACTS` says which sections of the task file bear on its
result, which stage feeds it and which libraries compute in it; the pipeline and the component work
out the same fingerprint from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from components.core import runs, store
from components.core.config.task import TaskConfig
from components.core.errors import RefusedError
from components.core.patient_key import read_key
from components.core.pretrained import trunk_identity
from components.core.progress import say
from components.core.versions import library_versions

# Settings that never change what comes out: how fast a stage runs, where its key is found.
_NO_BEARING = {"workers", "patient_key_env"}
_TABLES = ("numpy", "pandas", "pyarrow")


@dataclass(frozen=True, kw_only=True)
class StageFacts:
    """What identifies a component's result.

    Attributes:
        sections: of the task file.
        upstream: the component whose run it takes.
        parameter: name of the entry-point parameter that carries that run.
        libraries: distributions whose versions enter the fingerprint.
        code: the component whose source computes it, where that is another one.
    """

    sections: tuple[str, ...]
    upstream: str = ""
    parameter: str = ""
    libraries: tuple[str, ...] = _TABLES
    code: str = ""


FACTS: dict[str, StageFacts] = {
    "ingest": StageFacts(
        sections=("ingest",),
        libraries=(*_TABLES, "h5py", "wfdb", "pydicom", "pillow", "soundfile", "duckdb"),
    ),
    "preprocess": StageFacts(
        sections=("label", "heads", "preprocess"),
        upstream="ingest",
        parameter="ingest_run",
        libraries=(*_TABLES, "scipy", "h5py", "scikit-learn", "pillow", "torch", "torchaudio"),
    ),
    "audit": StageFacts(
        sections=("label", "heads", "audit"),
        upstream="preprocess",
        parameter="preprocess_run",
        libraries=("numpy", "scipy", "pandas", "pyarrow", "scikit-learn"),
    ),
    "search": StageFacts(
        sections=("label", "heads", "model", "fit", "tune"),
        upstream="audit",
        parameter="audit_run",
        libraries=("numpy", "pandas", "torch", "lightning", "scikit-learn", "optuna"),
        code="train",
    ),
    "train": StageFacts(
        sections=("label", "heads", "model", "fit", "tuned"),
        upstream="audit",
        parameter="audit_run",
        libraries=("numpy", "pandas", "torch", "lightning"),
    ),
    "evaluate": StageFacts(
        sections=("task", "title", "label", "heads", "evaluate", "card"),
        upstream="train",
        parameter="run",
        libraries=("numpy", "pandas", "torch", "scikit-learn", "matplotlib"),
    ),
}


def stage_config(component: str, task: TaskConfig) -> dict[str, Any]:
    """Return the part of a task's configuration that bears on a component's result.

    Raises:
        ConfigError: ids are to be keyed and the key is not there.
    """
    plain = _without(task.section(*FACTS[component].sections))
    if component == "search":
        # How many trials there are, and what each comes to; not how many at once, nor where.
        budget = {"trials": task.tune.trials, "minutes": task.tune.minutes}
        plain["tune"] = task.tune.bearing() | budget
    if component == "ingest" and task.ingest.patient_key_env:
        key = read_key(task.ingest.patient_key_env)
        plain["ingest"]["patient_key_fingerprint"] = key.fingerprint()
    if component == "preprocess" and task.preprocess.text.encoder == "huggingface":
        from components.core.text.model_folder import find_model

        # A folder of the same name may hold other weights tomorrow.
        plain["text_revision"] = find_model(task.preprocess.text).revision
    # Of the model, the audit looks at what it starts from, and at nothing else.
    return plain | (trunk_identity(task.model) if component in {"audit", "search", "train"} else {})


def _without(value: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without(inner) if isinstance(inner, dict) else inner
        for key, inner in value.items()
        if key not in _NO_BEARING
    }


def stage_fingerprint(
    component: str, task: TaskConfig, upstream: str, also: dict[str, str] | None = None
) -> str:
    """Return the fingerprint of a component's result.

    Args:
        component: a key of `FACTS`.
        task: the resolved configuration.
        upstream: the upstream stage's fingerprint, or the content hash of the raw files.
        also: further inputs by name, another cohort to be evaluated on.
    """
    facts = FACTS[component]
    libraries = library_versions(facts.libraries)
    if component in {"search", "train"}:
        from components.core.device import resolve  # imports torch

        place = resolve(task.fit.device, task.fit.precision)
        libraries |= {"device": place.device, "precision": place.precision}
    return store.fingerprint(
        component,
        config=stage_config(component, task),
        inputs={facts.upstream or "raw": upstream, **(also or {})},
        libraries=libraries,
        source=store.source_hash(facts.code) if facts.code else None,
    )


@dataclass(frozen=True, kw_only=True)
class StageResult:
    """What a finished stage hands back.

    Attributes:
        stage: the folder.
        run_id: the MLflow run.
        computed: False when it was found finished.
    """

    stage: store.Stage
    run_id: str
    computed: bool


def execute(
    component: str,
    task: TaskConfig,
    *,
    upstream: str,
    compute: Callable[[store.Workspace, runs.Recorder], None],
    publish: Callable[[store.Stage, runs.Recorder], None],
    tags: dict[str, object] | None = None,
    also: dict[str, str] | None = None,
    ahead: Callable[[runs.Recorder], None] | None = None,
) -> StageResult:
    """Run a stage in an MLflow run, or find it finished.

    Args:
        component: a key of `FACTS`.
        task: the resolved configuration.
        upstream: the upstream stage's fingerprint, or the content hash of the raw files.
        compute: fills the workspace.
        publish: logs the finished stage's tables and pictures.
        tags: more tags of the run, set before the work begins.
        also: further inputs by name, as in `stage_fingerprint`.
        ahead: what comes before `compute` where the stage is not finished, and which several
            processes may do at the same time: the folder's lock is not held yet.

    Raises:
        RefusedError: the stage finished and says no (`facts["refused"]`).
    """
    print_ = stage_fingerprint(component, task, upstream, also)
    facts = FACTS[component]
    own: dict[str, object] = {
        runs.TAG_COMPONENT: component,
        runs.TAG_FINGERPRINT: print_,
        "task": task.task,
        f"stage.{component}": print_,
        **(tags or {}),
    }
    with runs.open_run(task.task, component, own) as recorder:
        recorder.text(task.to_yaml(), "config.yaml")
        if ahead is not None and not store.is_finished(component, print_):
            ahead(recorder)
        stage, computed = store.build(
            component,
            print_,
            config=stage_config(component, task),
            inputs={facts.upstream or "raw": upstream, **(also or {})},
            compute=lambda work: compute(work, recorder),
            waiting=say,
        )
        recorder.metrics({f"{component}/{name}": value for name, value in stage.counts.items()})
        recorder.tags({"computed": computed})
        publish(stage, recorder)
        if stage.facts.get("refused"):
            raise RefusedError(str(stage.facts["refused"]))
        return StageResult(stage=stage, run_id=recorder.run_id, computed=computed)
