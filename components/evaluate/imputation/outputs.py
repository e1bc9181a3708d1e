"""Imputed embeddings and patients' embeddings as files, for everyone of the test part.

`imputed.h5` and one Parquet file a modality: mean and SD in the units of the source's files,
patches pooled. What is recorded stands as it is, with SD 0; an entry of it that is missing is NaN.
A record of several repeats of a cross-validation has several rows, told apart by `fold`.
`patients.h5` and `patients.parquet`: what the heads answer from, one vector a model (`seed<k>`).
Axes of different folds and seeds have nothing to do with each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from components.core.data.cohort import Rows
from components.core.imputation.answers import ready_batches
from components.core.imputation.fold import FoldImputer
from components.core.modalities import EmbeddingModality, short_name
from components.core.row_names import row_names
from components.core.store import Stage
from components.core.trained import members_of
from components.evaluate.imputation.best import native

Singles = npt.NDArray[np.float32]
IMPUTED, PATIENTS = "imputed", "patients"


@dataclass(frozen=True, kw_only=True, eq=False)
class Given:
    """What is given out of `n` test records.

    Attributes:
        keys: `sample_id` and `fold`, `[n]` each.
        mean: modality → `[n, W]`.
        sd: modality → `[n, W]`.
        recorded: modality → `[n]`.
        patients: `seed<k>` → `[n, D]`.
    """

    keys: pd.DataFrame
    mean: dict[EmbeddingModality, Singles]
    sd: dict[EmbeddingModality, Singles]
    recorded: dict[EmbeddingModality, npt.NDArray[np.bool_]]
    patients: dict[str, Singles]


def given_of(imputer: FoldImputer, rows: Rows, train: Stage, fold: str) -> Given:
    """Return what is given out of a fold's test part.

    Args:
        imputer: of the fold.
        rows: everyone of its test part.
        train: the training, whose seeds name the models.
        fold: its name.
    """
    truth, said = imputer.read(rows), imputer.answers(rows)
    mean: dict[EmbeddingModality, Singles] = {}
    sd: dict[EmbeddingModality, Singles] = {}
    for name in imputer.names:
        there, stats = truth.column(name)[:, None], rows.stats.arrays[name]
        own = np.where(there, truth.entries[name], said.mean[name])
        mean[name] = native(own, stats).astype(np.float32)
        spread = said.sd[name] * np.asarray(stats.sd)
        sd[name] = np.where(there, 0.0, spread).astype(np.float32)
    seeds = [f"seed{member.seed}" for member in members_of(train, fold)]
    return Given(
        keys=rows.frame[["sample_id"]].assign(fold=fold),
        mean=mean,
        sd=sd,
        recorded={name: truth.column(name) for name in imputer.names},
        patients=dict(zip(seeds, _embedded(imputer, rows), strict=True)),
    )


def _embedded(imputer: FoldImputer, rows: Rows) -> list[Singles]:
    """Return of each model `[n, D]`."""
    parts: list[list[Singles]] = [[] for _ in imputer.models]
    for _, _, ready in ready_batches(rows, imputer.place):
        with torch.no_grad():
            for own, model in zip(parts, imputer.models, strict=True):
                own.append(model.embed(ready).float().cpu().numpy())
    return [np.concatenate(own) for own in parts]


def together(parts: list[Given]) -> Given:
    """Return what is given out of all folds."""
    first = parts[0]
    return Given(
        keys=pd.concat([each.keys for each in parts], ignore_index=True),
        mean={name: np.concatenate([each.mean[name] for each in parts]) for name in first.mean},
        sd={name: np.concatenate([each.sd[name] for each in parts]) for name in first.sd},
        recorded={
            name: np.concatenate([each.recorded[name] for each in parts]) for name in first.mean
        },
        patients={
            name: np.concatenate([each.patients[name] for each in parts]) for name in first.patients
        },
    )


def write(folder: Path, given: Given) -> None:
    """Write both kinds of embeddings, as HDF5 and as Parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / f"{IMPUTED}.h5", "w") as file:
        _write_keys(file, given.keys)
        for name, mean in given.mean.items():
            group = file.create_group(short_name(name))
            group.create_dataset("mean", data=mean)
            group.create_dataset("sd", data=given.sd[name])
            group.create_dataset("recorded", data=given.recorded[name])
    with h5py.File(folder / f"{PATIENTS}.h5", "w") as file:
        _write_keys(file, given.keys)
        for name, values in given.patients.items():
            file.create_dataset(name, data=values)
    for name, mean in given.mean.items():
        there = given.recorded[name]
        given.keys.assign(
            recorded=there, imputed=~there, mean=_cells(mean), sd=_cells(given.sd[name])
        ).to_parquet(folder / f"{IMPUTED}_{short_name(name)}.parquet", index=False)
    columns = {name: _cells(values) for name, values in given.patients.items()}
    given.keys.assign(**columns).to_parquet(folder / f"{PATIENTS}.parquet", index=False)


def _write_keys(file: h5py.File, keys: pd.DataFrame) -> None:
    for name in keys.columns:
        cells = keys[name].astype(str).to_list()
        file.create_dataset(str(name), data=cells, dtype=h5py.string_dtype())


def _cells(values: Singles) -> pd.Series:
    """Return one list a row."""
    return pd.Series(list(values), dtype=object)


def under_row_names(given: Given, manifest: pd.DataFrame) -> Given:
    """Return the same under row numbers instead of ids, to be shown outside the data folder.

    Args:
        given: with ids.
        manifest: `sample_id` and `row` of the whole cohort.
    """
    names = given.keys["sample_id"].astype(str).map(row_names(manifest))
    return Given(
        keys=given.keys.assign(sample_id=names), mean=given.mean, sd=given.sd,
        recorded=given.recorded, patients=given.patients,
    )  # fmt: skip
