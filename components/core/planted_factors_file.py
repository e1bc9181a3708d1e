"""The joint distribution of a synthetic cohort's modalities as HDF5."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import h5py
import numpy as np

from components.core.errors import InputError
from components.core.planted_factors import Floats, NotAtRandom, PlantedFactors, PlantedModality


def write_factors(path: Path, planted: PlantedFactors) -> None:
    """Write the joint distribution as HDF5: a group a modality, a data set an endpoint."""
    with h5py.File(path, "w") as file:
        for name, own in planted.modalities.items():
            group = file.create_group(f"modalities/{name}")
            for field in ("mean", "loadings", "noise"):
                group.create_dataset(field, data=getattr(own, field))
        for endpoint, weights in planted.risks.items():
            file.create_dataset(f"risks/{endpoint}", data=weights)
        if planted.missing is not None:
            made = file.create_dataset("missing", data=planted.missing.weights)
            made.attrs["modality"] = planted.missing.modality
            made.attrs["intercept"] = planted.missing.intercept


def read_factors(path: Path) -> PlantedFactors:
    """Return the joint distribution that `write_factors` wrote.

    Raises:
        InputError: the file is missing or holds something else.
    """
    try:
        with h5py.File(path, "r") as file:
            return _read(file)
    except (OSError, KeyError) as error:
        raise InputError(
            f"the planted factors '{path.name}' cannot be read; ingest the cohort again"
        ) from error


def _read(file: h5py.File) -> PlantedFactors:
    def array(name: str) -> Floats:
        return np.asarray(cast(h5py.Dataset, file[name])[:], np.float64)

    def names(group: str) -> list[str]:
        return [str(name) for name in cast(h5py.Group, file[group])]

    missing = None
    if "missing" in file:
        attributes = file["missing"].attrs
        missing = NotAtRandom(
            modality=str(attributes["modality"]),
            intercept=float(cast(float, attributes["intercept"])),
            weights=array("missing"),
        )
    return PlantedFactors(
        modalities={
            name: PlantedModality(
                mean=array(f"modalities/{name}/mean"),
                loadings=array(f"modalities/{name}/loadings"),
                noise=array(f"modalities/{name}/noise"),
            )
            for name in names("modalities")
        },
        risks={name: array(f"risks/{name}") for name in names("risks")},
        missing=missing,
    )
