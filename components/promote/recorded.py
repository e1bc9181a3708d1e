"""A promotion or rollback as an MLflow run: verdict, page, metrics, tags."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from components.core import aliases, runs
from components.core.errors import InputError, RefusedError
from components.core.progress import say
from components.promote.gate import Gate
from components.promote.loading import chosen, load_candidate
from components.promote.page import render_page, terminal_table
from components.promote.promotion import completed, decide
from components.promote.rollback import ROLLED_BACK, planned, roll_back
from components.promote.run import Verdict

PAGE, FACTS, GATE = "gate.html", "gate.json", "gate.yaml"


def promote(model: str, number: str, gate: Gate, *, dry: bool) -> None:
    """Judge a version and make it champion if it meets the gate.

    Args:
        model: registered name.
        number: of the version; empty for `@candidate`.
        gate: the numbers that decide.
        dry: leave the registry as it is.

    Raises:
        InputError: an unknown model or version, or one whose evaluation or files are gone.
        RefusedError: a criterion is not met.
    """
    version = chosen(model, number)
    if completed(version, write=not dry):
        say(f"promote: {version.words} became champion before, and only its record was missing")
        return
    with tempfile.TemporaryDirectory() as scratch:
        candidate = load_candidate(version, Path(scratch))
        tags = _tags(candidate.judged.task, f"{model}/{version.number}", dry=dry)
        with runs.open_run(candidate.judged.task, "promote", tags) as recorder:
            title = str(candidate.judged.stage.config.get("title") or candidate.judged.task)
            verdict = decide(
                version,
                candidate,
                gate,
                run_id="" if dry else recorder.run_id,
                announce=lambda found: _publish(recorder, found, title=title, dry=dry),
            )
            recorder.tags({"gate": "promoted" if verdict.promoted else "refused"})
            if not verdict.promoted:
                raise RefusedError(verdict.sentence)
            say(f"promote: {verdict.sentence}{_unchanged(dry=dry)}")


def rolled_back(model: str, *, dry: bool) -> None:
    """Put `@previous` back into the champion's place.

    Args:
        model: registered name.
        dry: say what would happen, and leave the registry as it is.

    Raises:
        InputError: there is nothing to go back to.
    """
    way = planned(model)
    restored = aliases.version_of(model, way.restored)
    task = restored.tags.get("task", "")
    if not task:
        raise InputError(f"{restored.words} does not say its task; move the alias in the UI")
    tags = _tags(task, f"{model}/{way.restored}", dry=dry)
    with runs.open_run(task, "promote", {**tags, "rollback": "yes"}) as recorder:
        if not dry:
            roll_back(way, run_id=recorder.run_id)
            recorder.tags({"gate": ROLLED_BACK})
        recorder.tags({"mlflow.note.content": way.sentence})
        say(f"promote: {way.sentence}{_unchanged(dry=dry)}")


def _unchanged(*, dry: bool) -> str:
    return " (a dry run: nothing was changed)" if dry else ""


def _tags(task: str, version: str, *, dry: bool) -> dict[str, object]:
    own: dict[str, object] = {runs.TAG_COMPONENT: "promote", "task": task, "promotes": version}
    return own | ({"dry_run": "yes"} if dry else {})


def _publish(recorder: runs.Recorder, verdict: Verdict, *, title: str, dry: bool) -> None:
    from rich.console import Console

    Console().print(terminal_table(verdict))
    recorder.metrics(verdict.metrics())
    note = f"{verdict.sentence}\n\nNot for clinical use."
    recorder.tags({**verdict.tags(), "mlflow.note.content": note})
    recorder.text(json.dumps(verdict.plain(), indent=1), FACTS)
    recorder.text(render_page(verdict, title=title, dry=dry), PAGE)
    recorder.text(verdict.gate.to_yaml(), GATE)
