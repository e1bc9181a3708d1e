"""A table of heads with planted truth, and a context that holds it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd

from components.core.config.heads import (
    BinaryHead,
    ClassesHead,
    ConfidenceHead,
    HeadMap,
    SurvivalHead,
)
from components.core.metrics.resampling import Plan
from components.evaluate.analysis import Context

DAYS = (30.0, 91.0, 182.0, 365.0)
CLASSES = ("low", "moderate", "high")
HEADS: HeadMap = {
    "lvef": BinaryHead(target="lvef", below=50),
    "survival": SurvivalHead(),
    "risk": ClassesHead(target="risk_category", classes=CLASSES),
    "confidence": ConfidenceHead(of="lvef"),
}


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def table(
    seed: int = 0, *, patients: int = 400, repeats: int = 1, noise: float = 0.7
) -> pd.DataFrame:
    """Return a table of heads: two records a patient, two folds a repeat.

    The survival head gives the true cumulative incidence of constant hazards; the confidence head
    knows the noise of the judged head's logit, which the logit itself does not show.
    """
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=patients)
    hazard, death = 0.0012 * np.exp(latent), np.full(patients, 0.0004)
    total = hazard + death
    time = rng.exponential(1 / total)
    code = np.where(rng.random(patients) < hazard / total, 1.0, 2.0)
    lost = rng.uniform(20, 900, patients)
    code, time = np.where(lost < time, 0.0, code), np.minimum(lost, time)
    severity = latent + rng.normal(0, 0.3, patients)
    risk = np.digitize(severity, np.quantile(severity, [0.5, 0.85])).astype(float)
    y = (rng.random(patients) < sigmoid(1.5 * latent - 1)).astype(float)
    frames: list[pd.DataFrame] = []
    for repeat in range(repeats):
        who = np.repeat(np.arange(patients), 2)
        fold = np.repeat(rng.permutation(patients) % 2, 2)
        spread = np.where(rng.random(who.size) < 0.3, 4 * noise, 0.3 * noise)
        seen = latent[who] + rng.normal(0, spread)
        logit = 1.5 * seen - 1
        right = ((logit >= -0.3) == (y[who] == 1)).astype(float)
        near = -((seen[:, None] - np.array([-0.8, 0.5, 1.6])) ** 2) * 1.5
        probs = np.exp(near) / np.exp(near).sum(axis=1, keepdims=True)
        frame = pd.DataFrame(
            {
                "sample_id": [f"s{i}" for i in range(who.size)],
                "patient_id": [f"p{i:04d}" for i in who],
                "repeat": repeat,
                "fold": fold,
                "time_days": time[who],
                "event_code": code[who],
                "y.lvef": y[who],
                "y.risk": risk[who],
                "y.survival": np.nan,
                "y.confidence": right,
                "out.lvef.logit": logit,
                "out.lvef.p": sigmoid(logit),
                "out.confidence.p": sigmoid(np.abs(logit + 0.3) * np.where(spread > 1, 0.3, 1.3)),
            }
        )
        for day in DAYS:
            share = hazard / total * (1 - np.exp(-total * day))
            frame[f"out.survival.{day:g}"] = share[who]
            dead = death / total * (1 - np.exp(-total * day))
            frame[f"out.survival.death.{day:g}"] = dead[who]
        for column, name in enumerate(CLASSES):
            frame[f"out.risk.{name}"] = probs[:, column]
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def variants(seed: int = 0, *, patients: int = 400, folds: int = 2) -> pd.DataFrame:
    """Return a table of variants in which the ECG carries the label, and the notes nothing."""
    rng = np.random.default_rng(seed)
    ecg, notes = rng.normal(size=patients), rng.normal(size=patients)
    label = (rng.random(patients) < sigmoid(2 * ecg - 1)).astype(float)
    label[0] = np.nan
    base = pd.DataFrame(
        {
            "head": "lvef",
            "sample_id": [f"s{i}" for i in range(patients)],
            "patient_id": [f"p{i:04d}" for i in range(patients)],
            "repeat": 0,
            "fold": np.arange(patients) % folds,
            "label": label,
            "weight": 1.0,
        }
    )
    logits = {
        "whole": ecg + 0.05 * notes,
        "without:ecg": notes,
        "without:text": ecg + rng.normal(0, 0.02, patients),
        "alone:lvef": ecg + rng.normal(0, 1.0, patients),
    }
    parts = [base.assign(variant=name, logit=logit) for name, logit in logits.items()]
    # Rows come in any order.
    return pd.concat(parts).sample(frac=1, random_state=0).reset_index(drop=True)


def context(folder: Path | None = None, **changes: Any) -> Context:
    """Return what the analyses of heads look at, and nothing else."""
    heads = changes.pop("all_heads", HEADS)
    settings: dict[str, Any] = {
        "task": SimpleNamespace(all_heads=lambda: heads),
        "heads": None,
        "variants": None,
        "plan": Plan(draws=100),
        "external": False,
        "stages": SimpleNamespace(cohort=SimpleNamespace(folder=folder)),
        "predictions": None,
        "tables": None,
    }
    return cast(Context, SimpleNamespace(**(settings | changes)))
