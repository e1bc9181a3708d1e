"""Prescriptions: what the severity path calls for, and the vasopressors that count."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from components.ingest.synthetic.icu import sheets
from components.ingest.synthetic.icu.draw import DAY, NEVER, IntArray, Stays
from components.ingest.synthetic.icu.moments import level, planted, scattered
from components.ingest.synthetic.icu.vocabulary import (
    COMFORT,
    COMMON,
    PLANTED_DRUGS,
    SICK,
    WELL,
    Drug,
)
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.streams import stream

_DRUGS: tuple[Drug, ...] = (*WELL, *COMMON, *SICK, *PLANTED_DRUGS.values(), COMFORT)
# Shares of orders that stop before they start, have no start, and a dose that was taken out.
_STOPS_BEFORE, _UNTIMED, _TAKEN_OUT = 0.04, 0.003, 0.01
# Comfort care is ordered by the prediction in those who will die and, rarely, in others.
_COMFORT = (0.6, 0.005)


def write_orders(
    tables: sheets.Sheets, stays: Stays, options: SyntheticOptions, block: int
) -> None:
    """Write one block's `prescriptions`."""
    rng = stream(options.seed, "icu orders", block)
    before = stays.intensity * (7.0 + stays.span / 8.0)
    moments = scattered(rng, stays, before=before, daily=3.0, since=stays.span)
    parts = [(*moments, _chosen(rng, level(stays, moments)))]
    for place, name in enumerate(PLANTED_DRUGS, start=len(_DRUGS) - 1 - len(PLANTED_DRUGS)):
        own = planted(rng, stays, name)
        parts.append((*own, np.full(len(own[0]), place)))
    _write(tables, stays, parts, rng=rng, quirks=options.nuisance)
    if "comfort_care" in options.leaks:
        _write_comfort(tables, stays, options, block)


def _write_comfort(
    tables: sheets.Sheets, stays: Stays, options: SyntheticOptions, block: int
) -> None:
    rng = stream(options.seed, "icu comfort", block)
    chance = np.where(stays.died, *_COMFORT)
    stay = np.flatnonzero(stays.kept & (rng.random(stays.size) < chance))
    part = (stay, rng.uniform(0.3, 6.0, len(stay)), np.full(len(stay), len(_DRUGS) - 1))
    _write(tables, stays, [part], rng=rng, quirks=False)


def _chosen(rng: np.random.Generator, levels: np.ndarray) -> IntArray:
    """Return `[m]` places of drugs: those of the sick are likelier at a high level."""
    draw = rng.random(len(levels))
    sick = 0.6 * expit(levels - 0.5)
    well = 0.4 * expit(-levels)
    groups = [(len(WELL) + len(COMMON), len(SICK)), (0, len(WELL)), (len(WELL), len(COMMON))]
    which = np.select([draw < sick, draw < sick + well], [0, 1], 2)
    first, size = (np.array(each)[which] for each in zip(*groups, strict=True))
    return first + (rng.random(len(levels)) * size).astype(np.int64)


def _write(
    tables: sheets.Sheets,
    stays: Stays,
    parts: list[tuple[IntArray, np.ndarray, IntArray]],
    *,
    rng: np.random.Generator,
    quirks: bool,
) -> None:
    stay, hours, drug = (np.concatenate(each) for each in zip(*parts, strict=True))
    there = sheets.happened(stays, stay, hours)
    stay, hours, drug = stay[there], hours[there], drug[there]
    size, start = len(stay), sheets.moment(stays, stay, hours)
    lasts = np.round(rng.exponential(2.0, size) * DAY / 3600).astype(np.int64) * 3600
    early = (rng.random(size) < _STOPS_BEFORE) & quirks
    stop = np.where(early, start - 3600, start + lasts)
    usual = drug < len(_DRUGS) - 1 - len(PLANTED_DRUGS)
    start = np.where((rng.random(size) < _UNTIMED) & quirks & usual, NEVER, start)
    hidden = (rng.random(size) < _TAKEN_OUT) & quirks
    name, dose, unit, route = (np.array(each, object)[drug] for each in zip(*_DRUGS, strict=True))
    tables.add("hosp/prescriptions", size, {
        "subject_id": sheets.subject_id(stays)[stay],
        "hadm_id": sheets.admission_id(stays)[stay],
        "pharmacy_id": rng.integers(10_000_000, 100_000_000, size),
        "starttime": sheets.stamps(start),
        "stoptime": sheets.stamps(stop),
        "drug_type": "MAIN",
        "drug": name,
        "dose_val_rx": np.where(hidden, "___", dose),
        "dose_unit_rx": unit,
        "route": route,
    })  # fmt: skip
