"""Five small HDF5 files of embeddings with their outcomes, and the stages made from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from components.core.modalities import EMBEDDED, short_name
from components.core.store import Stage
from tests.chain import ingest_config, ingested, prepared, write_table

Floats = npt.NDArray[np.float32]
# Width of each modality, and the share of patients who have it.
WIDTHS = {"clinical": 6, "semantic": 8, "temporal": 5, "pathological": 7, "spatial": 4}
SHARES = {"clinical": 1.0, "semantic": 0.7, "temporal": 0.8, "pathological": 0.6, "spatial": 0.5}
PATCHES = 5
FACTORS = 3
LABEL: dict[str, Any] = {
    "name": "survival",
    "definition": "death within five years",
    "negative": "alive after five years",
    "prediction_time": "first treatment",
    "horizon_days": 1826,
}
HEADS: dict[str, Any] = {
    "survival": {"kind": "binary"},
    "recurrence": {"kind": "binary", "endpoint": "recurrence", "horizon_days": 730},
}
OPTIONS: dict[str, Any] = {
    "files": {
        **{name: f"{name}.h5" for name in WIDTHS},
        "spatial": {"file": "spatial.h5", "patches": True, "quality": "quality"},
    },
    "outcome": {"event_time_days": "death_days", "followup_days": "followup_days"},
    "endpoints": {
        "recurrence": {
            "event_time_days": "recurrence_days",
            "followup_days": "followup_days",
            "death_days": "death_days",
        }
    },
    "site": "site",
}
SPLIT: dict[str, Any] = {"method": "holdout", "fractions": [0.6, 0.2, 0.2]}


def factors(patients: int, *, seed: int = 0) -> Floats:
    """Return `[patients, FACTORS]` what all modalities and both outcomes come from."""
    drawn = np.random.default_rng(seed).normal(size=(patients, FACTORS))
    return drawn.astype(np.float32)


def write_modality(
    path: Path,
    ids: list[str] | npt.NDArray[np.bytes_],
    values: npt.NDArray[Any],
    quality: npt.NDArray[Any] | None = None,
) -> None:
    """Write one file in the layout `rows` under the names that are the defaults."""
    with h5py.File(path, "w") as file:
        kind = h5py.string_dtype() if isinstance(ids, list) else ids.dtype
        file.create_dataset("patient_ids", data=ids, dtype=kind)
        file.create_dataset("embeddings", data=values)
        if quality is not None:
            file.create_dataset("quality", data=quality)


def write_embedding_cohort(folder: Path, *, patients: int = 60, seed: int = 0) -> Path:
    """Write five files and `outcomes.csv` of patients `p000`, `p001`, …; return the table.

    Each embedding is a linear image of the patient's factors with noise. The first factor hastens
    death, the second recurrence; some are censored, some die before they recur.
    """
    rng = np.random.default_rng(seed + 1)
    hidden = factors(patients, seed=seed)
    names = [f"p{i:03d}" for i in range(patients)]
    for name, width in WIDTHS.items():
        there = np.flatnonzero(rng.random(patients) < SHARES[name])
        place = (
            np.repeat(there, rng.integers(1, PATCHES + 1, len(there)))
            if name == "spatial"
            else there
        )
        values = hidden[place] @ rng.normal(size=(FACTORS, width)) + rng.normal(
            0, 0.3, (len(place), width)
        )
        quality = rng.uniform(0.2, 1, patients)[place] if name == "spatial" else None
        write_modality(
            folder / f"{name}.h5", [names[i] for i in place], values.astype(np.float32), quality
        )
    return write_table(folder / "outcomes.csv", _outcomes(rng, names, hidden))


def _outcomes(
    rng: np.random.Generator, names: list[str], hidden: Floats
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for i, (name, own) in enumerate(zip(names, hidden, strict=True)):
        death = rng.exponential(2200 * np.exp(-own[0]))
        recurrence = rng.exponential(900 * np.exp(-own[1]))
        last = rng.uniform(400, 4000)
        end = min(death, last)
        rows.append(
            {
                "patient_id": name,
                "followup_days": round(end),
                "recurrence_days": round(recurrence) if recurrence < end else None,
                "death_days": round(death) if death <= last else None,
                "site": "ab"[i % 2],
            }
        )
    return rows


def ingested_embeddings(
    table: Path, options: Mapping[str, Any] | None = None, **more: Any
) -> Stage:
    """Return the ingest stage of `write_embedding_cohort`'s files."""
    own = {**OPTIONS, **(options or {})}
    return ingested(
        ingest_config("hdf5_embeddings", table, own, **{"max_reject_rate": 0.5, **more})
    )


def prepared_embeddings(source: Stage, **more: Any) -> Stage:
    """Return the prepared cohort of all five modalities; settings replace their defaults."""
    settings: dict[str, Any] = {
        "label": LABEL, "heads": HEADS, "modalities": list(EMBEDDED), "split": SPLIT,
    }  # fmt: skip
    return prepared(source, **{**settings, **more})


def short_names() -> list[str]:
    """Return the modalities as files and options call them."""
    return [short_name(name) for name in EMBEDDED]
