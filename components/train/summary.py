"""`training.json`: what a training was told and what it came to, on one page for other programs.

All but `seconds` is the same for the same settings, cohort and machine. Epochs count from 0.
"""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from components.core.config.task import TaskConfig
from components.core.heads.registry import to_json
from components.core.members import Member
from components.core.store import Workspace
from components.train.fit import DONE, HISTORY

SUMMARY = "training.json"


def write_summary(work: Workspace, task: TaskConfig, members: list[Member]) -> None:
    """Write the summary into a training's folder, and what was kept into its facts.

    Args:
        work: holds the members' folders.
        task: the resolved configuration.
        members: the trained networks, variants among them.
    """
    networks = [_network(work, member) for member in members]
    seconds = {member.folder: _seconds(work, member) for member in members}
    summary = {
        "options": {
            "model": task.model,
            "fit": task.fit.model_dump(mode="json"),
            "heads": to_json(task.all_heads()),
        },
        "networks": networks,
        "seconds": seconds,
    }
    text = json.dumps(summary, indent=1, allow_nan=False)
    work.path(SUMMARY).write_text(text, encoding="utf-8")
    work.facts["checkpoints"] = {each["folder"]: each["checkpoints"] for each in networks}


def _network(work: Workspace, member: Member) -> dict[str, Any]:
    done = json.loads((work.folder / member.folder / DONE).read_text())
    named = {"fold": member.fold, "seed": member.seed, "variant": member.variant}
    return {
        **named,
        "folder": member.folder,
        "model": member.model,
        "epochs": done["epochs"],
        "pretraining_epochs": done["pretrained"],
        "best_epoch": done["best_epoch"],
        "checkpoints": done["checkpoints"],
    }


def _seconds(work: Workspace, member: Member) -> float:
    history = pd.read_parquet(work.folder / member.folder / HISTORY)
    return round(float(history["seconds"].sum()), 3)
