"""What the model's networks, drawn ones and those taught shuffled labels put on the places."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from components.core.attribution.tiles import stored_shape
from components.core.config.explain import ExplainConfig
from components.core.modalities import ArrayModality
from components.core.progress import Advance, progress
from components.core.upstream import Upstream
from components.explain import outputs
from components.explain.against_controls import METHODS
from components.explain.control_subjects import control_subjects
from components.explain.explained import Explained, Fold
from components.explain.faithfulness.examine import Checked, drawn
from components.explain.faithfulness.means import Floats, Ids
from components.explain.faithfulness.randomisation import pooled_measures
from components.explain.lots import lots
from components.explain.method import Attributed, Method, Singles
from components.explain.planted_media.marks import Marks
from components.explain.planted_media.shares import Sums, Told
from components.explain.subject import Subject


def maps(folder: Path, method: str, fold: Fold, name: ArrayModality) -> Singles | None:
    """Return `[n, *stored]` what a method says of a fold's pictures or sounds, from the traces.

    NaN where a record has none; None where the method tells none of the fold's records.

    Args:
        folder: the workspace, with the merged traces.
        method: its name.
        fold: whose records.
        name: of the modality.
    """
    mine = [("method", "==", method), ("modality", "==", name), ("fold", "==", fold.subject.fold)]
    table = pq.read_table(folder / outputs.TRACES, columns=["sample_id", "values"], filters=mine)
    if not table.num_rows:
        return None
    shape = fold.subject.rows.stats.arrays[name].shape
    stored = stored_shape((1, *shape[1:]) if name == "ecg_image" else shape)
    flat = table.column("values").combine_chunks().flatten().to_numpy(zero_copy_only=False)
    place = {str(own): k for k, own in enumerate(fold.records["sample_id"])}
    found = np.full((len(place), *stored), np.nan, np.float32)
    at = [place[str(own)] for own in table.column("sample_id").to_pylist()]
    found[at] = flat.reshape(len(at), *stored)
    return found


def told_of(
    folder: Path,
    explained: Explained,
    marks: Sequence[Marks],
    *,
    checked: Checked,
    taught: Sequence[Sums],
) -> Told:
    """Return what one method says of the places.

    Args:
        folder: the workspace.
        explained: all of it.
        marks: of each of its folds.
        checked: the method's checks, in which drawn networks were measured.
        taught: of each network trained on shuffled labels.
    """
    own: list[Sums] = []
    again: list[Sums] = []
    patients: list[Ids] = []
    for fold, places in zip(explained.folds, marks, strict=True):
        if checked.method not in fold.said:
            continue
        found = _own(folder, checked.method, fold, places)
        index = drawn(len(fold.subject), explained.config)
        own.append(found)
        again.append({place: sums[index] for place, sums in found.items()})
        patients.append(fold.records["patient_id"].to_numpy(object))
    some = checked.randomised
    return Told(
        own=pooled_measures([[each] for each in own])[0],
        patients=np.concatenate(patients),
        checked=pooled_measures([[each] for each in again])[0],
        drawn=[] if some is None else some.measured,
        drawn_patients=np.zeros(0, object) if some is None else some.patients,
        taught=taught,
    )


def _own(folder: Path, method: str, fold: Fold, places: Marks) -> dict[str, Floats]:
    values = {name: maps(folder, method, fold, name) for name in fold.subject.arrays}
    known = {str(name): own for name, own in values.items() if own is not None}
    said = Attributed(grouped=fold.said[method].grouped, values=known)
    return places.measure(np.arange(len(fold.subject)), said)


def taught_sums(
    explained: Explained, behind: Upstream, controls: Sequence[Upstream], marks: Sequence[Marks]
) -> dict[str, list[dict[str, Floats]]]:
    """Return method → of each network trained on shuffled labels, by those of `METHODS` that ran.

    Args:
        explained: all of it.
        behind: the stages behind the model.
        controls: those behind the trainings; none gives no networks.
        marks: of each fold.
    """
    taught = [control_subjects(fold.subject, behind, controls) for fold in explained.folds]
    methods = [each for each in explained.methods if each.NAME in METHODS]
    return {
        each.NAME: _by_network(taught, marks, method=each, config=explained.config)
        for each in methods
    }


def _by_network(
    taught: Sequence[Sequence[Subject]],
    marks: Sequence[Marks],
    *,
    method: Method,
    config: ExplainConfig,
) -> list[dict[str, Floats]]:
    total = sum(len(subject) for own in taught for subject in own)
    if not total:
        return []
    with progress(f"explain: controls by {method.NAME}", total, "records") as advance:
        by_fold = [
            [_measured(each, places, method=method, config=config, advance=advance) for each in own]
            for own, places in zip(taught, marks, strict=True)
        ]
    return pooled_measures(by_fold)


def _measured(
    subject: Subject, places: Marks, *, method: Method, config: ExplainConfig, advance: Advance
) -> dict[str, Floats]:
    parts: list[dict[str, Floats]] = []
    for lot in lots(subject, np.arange(len(subject))):
        parts.append(places.measure(lot, method.explain(subject, lot, config)))
        advance(len(lot))
    return pooled_measures([[each] for each in parts])[0]
