"""An embedding that comes again, nearly, in another part under another patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.audit.finding import Audited, Finding, Severity
from components.audit.parts import MOST_ROWS, Apart
from components.audit.similarity.banding import candidates
from components.audit.similarity.basis import fit_basis
from components.core.errors import InputError
from components.core.schemas import EMBEDDINGS

NAME = "near_identical_embeddings"
SEVERITY: Severity = "block"
# Sketches keep 32 of the embedding's components: copies stay closer than this.
_LEAST_COSINE = 0.8


def check(audited: Audited) -> Finding:
    """Return the pairs of embeddings that point the same way across parts.

    Each column is standardised first: what all records share would bring them near one another.

    Raises:
        InputError: an embedding file has not one row per record.
    """
    files = sorted((audited.stage.folder / EMBEDDINGS).glob("*.npy"))
    if not files:
        return Finding(passed=True, sentence="the cohort has no embeddings")
    listed: list[dict[str, object]] = []
    compared = 0
    for file in files:
        frame, values = _read(file, audited.manifest)
        compared += len(frame)
        listed += _copies(frame, values, file.stem, audited.config.copy_cosine)
    return Finding(
        passed=not listed,
        sentence=f"{len(listed)} pair(s) of embeddings of different patients in different parts "
        f"are copies of one another (cosine {audited.config.copy_cosine} or more)"
        if listed
        else f"no embedding of {compared} comes again in another part",
        evidence={"compared": compared, "pairs": len(listed), "listed": listed[:MOST_ROWS]},
    )


def _read(file: Path, manifest: pd.DataFrame) -> tuple[pd.DataFrame, npt.NDArray[np.float32]]:
    values = np.load(file, allow_pickle=False)
    if values.ndim != 2 or len(values) != len(manifest):
        raise InputError(
            f"'{EMBEDDINGS}/{file.name}' has shape {values.shape}, the cohort {len(manifest)} "
            "records; write one row per record of the manifest, in its order"
        )
    known = np.isfinite(values).all(axis=1)
    return manifest[known].reset_index(drop=True), values[known].astype(np.float32)


def _copies(
    frame: pd.DataFrame, values: npt.NDArray[np.float32], name: str, bound: float
) -> list[dict[str, object]]:
    if len(values) < 2:
        return []
    sd = values.std(axis=0)
    z = (values - values.mean(axis=0)) / np.where(sd > 0, sd, 1)
    z /= np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)
    owner = np.arange(len(z))
    pairs = candidates(fit_basis(z).sketch(z), owner, Apart(frame), least=_LEAST_COSINE)
    cosine = np.einsum("pd,pd->p", z[pairs.left], z[pairs.right])
    row = frame["row"].to_numpy(np.int64)
    return [
        {"embedding": name, "row": int(row[pairs.left[k]]), "of_row": int(row[pairs.right[k]]),
         "cosine": round(float(cosine[k]), 4)}
        for k in np.flatnonzero(cosine >= bound)
    ]  # fmt: skip
