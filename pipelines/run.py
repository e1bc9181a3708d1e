"""Walks a task's stages: each is a nested entry-point run, reused when its fingerprint is done."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from components.core import files, runs, stages, store, ui_links
from components.core.config.task import TaskConfig, save_resolved
from components.core.data.raw import raw_digest
from components.core.errors import CardioError, ConfigError, RefusedError, UserError
from components.core.pretrained import resolve
from components.core.progress import duration, say
from components.core.registry import find_version, register
from components.core.versions import code_commit


@dataclass(kw_only=True)
class Walk:
    """How far a pipeline has come.

    Attributes:
        raw: content hash of the raw files.
        executed: stages that were computed now.
        prints: component → fingerprint.
        references: component → run id.
    """

    raw: str
    executed: list[str] = field(default_factory=list[str])
    prints: dict[str, str] = field(default_factory=dict[str, str])
    references: dict[str, str] = field(default_factory=dict[str, str])


def pipeline(task: TaskConfig) -> str:
    """Run every stage of a task and return the id of the parent run.

    Raises:
        UserError: a stage could not do with what it was given.
        RefusedError: a stage refused (the audit).
        CardioError: a stage failed.
    """
    task = checked(task)
    with parent(task, f"train_{task.task}") as (walk, recorder):
        settled(task, recorder)
        walk_stages(task.stages, task, walk, recorder)
        publish(task, walk, recorder)
        return recorder.run_id


def checked(task: TaskConfig) -> TaskConfig:
    """Return the task with its trunk resolved, before anything is recorded.

    Raises:
        ConfigError: an unknown stage, or a key of ids that is not there.
    """
    for component in task.stages:
        if component not in stages.FACTS:
            raise ConfigError(f"stages names '{component}'; known are: {', '.join(stages.FACTS)}")
    if "ingest" in task.stages:
        stages.stage_config("ingest", task)  # a missing key is told before anything is recorded
    return resolve(task)


@contextmanager
def parent(task: TaskConfig, name: str) -> Generator[tuple[Walk, runs.Recorder]]:
    """Open the run above all stages, and say at the end what was done in it."""
    start = time.monotonic()
    own: dict[str, object] = {runs.TAG_COMPONENT: "pipeline", "task": task.task}
    options = task.ingest.options.get(task.ingest.source, {})
    walk = Walk(raw=raw_digest(task.ingest.path, options))
    with runs.open_run(task.task, name, own) as recorder:
        commit, dirty = code_commit()
        recorder.tags({"code.commit": commit, "code.dirty": dirty})
        yield walk, recorder
        took = duration(time.monotonic() - start)
        done = ", ".join(walk.executed) or "none, everything was found finished"
        say(f"{name}: finished in {took}; stages executed: {done}")
        say(f"{name}: run {recorder.run_id}; open the UI with `mlflow ui` at "
            f"{ui_links.runs_table(task.task)}")  # fmt: skip


def settled(task: TaskConfig, recorder: runs.Recorder) -> None:
    """Show on the parent run the settings of the model that it trains."""
    recorder.text(task.to_yaml(), "config.yaml")
    recorder.params(_params(task))


def walk_stages(
    components: Iterable[str], task: TaskConfig, walk: Walk, recorder: runs.Recorder
) -> None:
    """Run the named stages of a task, or find them finished."""
    with files.storage_errors("the data folder"):
        config = save_resolved(task, store.data_root() / "configs")
    for component in components:
        _stage(component, task, config, walk)
        recorder.tags({f"stage.{component}": walk.prints[component]})


def _params(task: TaskConfig) -> dict[str, object]:
    plain = task.model_dump(mode="json")
    found: dict[str, object] = {"model": task.model["name"], "source": task.ingest.source}
    for section in ("model", "fit"):
        found |= {f"{section}.{key}": value for key, value in plain[section].items()}
    return found


def _stage(component: str, task: TaskConfig, config: Path, walk: Walk) -> None:
    upstream = walk.prints.get(stages.FACTS[component].upstream, walk.raw)
    print_ = stages.stage_fingerprint(component, task, upstream)
    run_id = _finished(component, task, print_)
    if run_id is None:
        say(f"── {component}")
        run_id = _start(component, task, config, walk)
        walk.executed.append(component)
    else:
        say(f"── {component}: found finished (run {run_id})")
    walk.prints[component], walk.references[component] = print_, run_id


def _finished(component: str, task: TaskConfig, print_: str) -> str | None:
    if not store.is_finished(component, print_):
        return None
    return runs.find_finished(task.task, print_)


def _start(component: str, task: TaskConfig, config: Path, walk: Walk) -> str:
    """Start the entry point and return its run id."""
    import mlflow
    from mlflow.exceptions import ExecutionException

    _own_python_first()
    parameters = {"task": task.task, "config": str(config)}
    facts = stages.FACTS[component]
    if facts.parameter:
        parameters[facts.parameter] = walk.references.get(facts.upstream, "")
    try:
        done = mlflow.run(
            uri=str(runs.ROOT),
            entry_point=component,
            parameters=parameters,
            experiment_name=task.task,
            run_name=component,
            env_manager="local",
        )
    except ExecutionException as error:
        raise _stage_error(component) from error
    return str(done.run_id)


def _own_python_first() -> None:
    """Let `python` in the entry point's command be the interpreter that runs this."""
    own = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", "")
    if path.split(os.pathsep)[0] != own:
        os.environ["PATH"] = os.pathsep.join([own, path])


def _stage_error(component: str) -> CardioError:
    """Return the failed stage's own error under its own exit status."""
    status, sentence = runs.last_child_error()
    text = f"{component}: {sentence or 'the stage ended without a word; see its lines above'}"
    kinds: dict[int, type[CardioError]] = {2: UserError, 3: RefusedError}
    return kinds.get(status, CardioError)(text)


def publish(task: TaskConfig, walk: Walk, recorder: runs.Recorder) -> None:
    """Put everything one wants to see on the parent run, and register the candidate."""
    if "evaluate" not in walk.prints:
        return
    stage = store.read_stage(store.data_root() / "evaluate" / walk.prints["evaluate"])
    figures: dict[str, float] = stage.facts["figures"]
    recorder.metrics(figures)
    recorder.tags(stage.facts["tags"])
    for name in stage.facts["published"]:
        recorder.artifact(stage.folder / name)
    recorder.tags({"mlflow.note.content": _note(task, stage.facts["headline"])})
    recorder.dataset(store.read_stage(store.data_root() / "preprocess" / walk.prints["preprocess"]))
    for line in stage.facts["headline"]:
        say(line)
    if task.label.shuffle is not None:
        say("the labels were shuffled: a control, which is not registered")
    elif task.register_as.name:
        with store.exclusive(f"register-{task.register_as.name}"):
            _register(task, stage, recorder)


def _note(task: TaskConfig, lines: list[str]) -> str:
    """Return the run's description: what the UI shows above the figures."""
    rest = "\n".join(f"- {line.strip()}" for line in lines[1:])
    head = f"**{lines[0]}**\n\n{task.title}. Not for clinical use."
    return f"{head}\n\n{rest}\n\nThe whole report: artifact `report.html`."


def _register(task: TaskConfig, stage: store.Stage, recorder: runs.Recorder) -> None:
    name, alias = task.register_as.name, task.register_as.alias
    version = find_version(name, stage.fingerprint)
    if version is None:
        tags: dict[str, object] = {
            runs.TAG_FINGERPRINT: stage.fingerprint,
            "task": task.task,
            **stage.facts["tags"],
            **stage.facts["figures"],
        }
        version = register(
            recorder.run_id, stage.folder / "bundle", name=name, alias=alias, tags=tags
        )
        say(f"registered {name} version {version} as @{alias}")
    else:
        say(f"{name} version {version} is this very model already")
    recorder.tags({"registered": f"{name}/{version}"})
