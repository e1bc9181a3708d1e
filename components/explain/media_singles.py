"""Single records on the page: the picture of the ECG and the heart sound, attribution over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.attribution.tiles import stored_shape
from components.core.modalities import EMBEDDED, MEDIA, ArrayModality
from components.core.report.attributed import paper_page, spectrogram
from components.core.report.attributed.colour import limit_of, smoothed
from components.core.report.attributed.paper_page import Page, draw_page, grey_page
from components.core.report.attributed.spectrogram import Spectrogram, draw_sound
from components.core.report.section import Plot
from components.explain import outputs
from components.explain.explained import Explained, Fold
from components.explain.page import Record
from components.explain.pictures.means import spoken
from components.explain.pictures.overlay import Answer, shown

Floats = npt.NDArray[np.float64]
# The methods whose values at the inputs' own resolution are drawn: signed, and where positive.
SIGNED, POSITIVE = "ig", "grad_cam"


@dataclass(frozen=True, kw_only=True, eq=False)
class _Told:
    """A record and what was said of its picture and its sound."""

    fold: Fold
    at: int
    name: str
    signed: dict[str, Floats]
    positive: Floats | None


def media_records(folder: Path, explained: Explained, names: pd.Series) -> tuple[Record, ...]:
    """Return records of high, low and middle risk among those with a picture or a sound.

    Of what a record lacks nothing is drawn.

    Args:
        folder: the workspace, with the merged traces.
        explained: all of it; `config.overlays` of the records are drawn.
        names: `sample_id` → `row-N`.
    """
    arrays = [name for name in explained.folds[0].subject.arrays if name not in EMBEDDED]
    run = [each.NAME for each in explained.methods]
    if not arrays or not {SIGNED, POSITIVE} & set(run):
        return ()
    places = [
        (fold, at)
        for fold in explained.folds
        for at in range(len(fold.records))
        if any(fold.subject.rows.arrays[name].there[at] for name in MEDIA if name in arrays)
    ]
    log_odds = np.array([fold.records["log_odds"].iloc[at] for fold, at in places], np.float64)
    picked = [places[k] for k in shown(log_odds, explained.config.overlays)]
    every = [_told(folder, fold, at, names=names) for fold, at in picked]
    sigma = {"ecg_image": paper_page.SIGMA, "pcg": spectrogram.SIGMA}
    limits = {name: _limit(every, name, sigma[name]) for name in arrays}
    return tuple(_record(each, limits, explained.head.name) for each in every)


def _told(folder: Path, fold: Fold, at: int, *, names: pd.Series) -> _Told:
    sample = str(fold.records["sample_id"].iloc[at])
    stats = fold.subject.rows.stats.arrays
    signed: dict[str, Floats] = {}
    for name in MEDIA:
        own = outputs.dense(folder, SIGNED, sample, name)
        if own.size:
            signed[name] = own.reshape(_blocks(name, stats[name].shape)).astype(np.float64)
    positive = outputs.dense(folder, POSITIVE, sample, "ecg_image")
    return _Told(
        fold=fold,
        at=at,
        name=str(names[sample]),
        signed=signed,
        positive=positive.reshape(_blocks("ecg_image", stats["ecg_image"].shape)[1:]).astype(
            np.float64
        )
        if positive.size
        else None,
    )


def _blocks(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape in which a record's attribution is stored."""
    return stored_shape((1, *shape[1:]) if name == "ecg_image" else shape)


def _limit(every: Sequence[_Told], name: str, sigma: float) -> float:
    """Return one scale of colour for all records."""
    return limit_of(
        [smoothed(own, sigma) for each in every if name in each.signed for own in each.signed[name]]
    )


def _record(told: _Told, limits: dict[str, float], event: str) -> Record:
    own = told.fold.records.iloc[told.at]
    answer = Answer(
        name=told.name,
        log_odds=float(own["log_odds"]),
        baseline=float(own["baseline"]),
        sums=_sums(told),
    )
    return Record(name=answer.name, facts=answer.facts(), plots=_plots(told, limits, event))


def _plots(told: _Told, limits: dict[str, float], event: str) -> tuple[Plot, ...]:
    subject = told.fold.subject
    batch = subject.batch(np.array([told.at]))
    found: list[Plot] = []
    if "ecg_image" in told.signed or told.positive is not None:
        pixels = _as_recorded(told, "ecg_image", batch["ecg_image"][0].cpu().numpy())
        signed = told.signed.get("ecg_image")
        page = Page(
            grey=grey_page(pixels),
            signed=None if signed is None else signed[0],
            positive=told.positive,
            limit=limits["ecg_image"],
        )
        found.append(draw_page(page, name=told.name, event=event))
    if "pcg" in told.signed:
        valid = batch.get("pcg_valid")
        windows = len(batch["pcg"][0])
        there = np.arange(windows) if valid is None else np.flatnonzero(valid[0].cpu().numpy())
        levels = _as_recorded(told, "pcg", batch["pcg"][0].cpu().numpy())
        sound = Spectrogram(
            levels=levels[there],
            signed=told.signed["pcg"][there],
            windows=tuple(int(k) + 1 for k in there),
            limit=limits["pcg"],
            sound=subject.sound,
        )
        found.append(draw_sound(sound, name=told.name, event=event, method="Integrated Gradients"))
    return tuple(found)


def _as_recorded(told: _Told, name: ArrayModality, values: npt.NDArray[np.float32]) -> Floats:
    """Return pixels or dB of a record's z-scores."""
    stats = told.fold.subject.rows.stats.arrays[name]
    shape = [-1 if axis == stats.axis else 1 for axis in range(len(stats.shape))]
    mean, sd = (np.asarray(own).reshape(shape) for own in (stats.mean, stats.sd))
    return values.astype(np.float64) * sd + mean


def _sums(told: _Told) -> dict[str, float]:
    """Return the record's modalities by the signed method, in log-odds."""
    said = told.fold.said.get(SIGNED)
    if said is None:
        return {}
    own = said.grouped["modality"]
    row = own.values[told.at]  # noqa: PD011 - an array
    return dict(zip([spoken(name) for name in own.names], row.tolist(), strict=True))
