"""What nurses chart in the ICU: procedures, and ingredients of infusions and meals."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from components.ingest.synthetic.cohort import BoolArray
from components.ingest.synthetic.icu import sheets
from components.ingest.synthetic.icu.draw import HOUR, IntArray, Stays
from components.ingest.synthetic.icu.mechanism import HOURS
from components.ingest.synthetic.icu.moments import in_icu, level, planted, scattered
from components.ingest.synthetic.icu.vocabulary import (
    BLOOD,
    INGREDIENTS,
    LASTING,
    PLANTED_PROCEDURES,
    TASKS,
    Procedure,
)
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.streams import stream

_PROCEDURES: tuple[Procedure, ...] = (*TASKS, *LASTING, *PLANTED_PROCEDURES.values())
_INGREDIENTS = (*INGREDIENTS, BLOOD)
_AT_ONCE = {"Extubation", *(label for _, label, *_ in TASKS)}
# Hours that lines, ventilation and dialysis last; a row is stored when its procedure ends.
_LASTS = (30.0, 0.9)


def write_procedures(
    tables: sheets.Sheets, stays: Stays, options: SyntheticOptions, block: int
) -> None:
    """Write one block's `procedureevents`."""
    rng = stream(options.seed, "icu procedures", block)
    moments = scattered(rng, stays, before=6.0 * stays.intensity, daily=1.5, since=in_icu(stays))
    sick = rng.random(len(moments[0])) < 0.7 * expit(level(stays, moments))
    picked = rng.random(len(sick))
    chosen = np.where(sick, len(TASKS) + picked * len(LASTING), picked * len(TASKS))
    parts = [(*moments, chosen.astype(np.int64))]
    for place, name in enumerate(PLANTED_PROCEDURES, start=len(TASKS) + len(LASTING)):
        own = planted(rng, stays, name, most=HOURS)
        parts.append((*own, np.full(len(own[0]), place)))
    _write_procedures(tables, stays, _there(stays, parts), rng)


def _there(
    stays: Stays, parts: list[tuple[IntArray, np.ndarray, IntArray]]
) -> tuple[IntArray, np.ndarray, IntArray]:
    stay, hours, which = (np.concatenate(each) for each in zip(*parts, strict=True))
    there = sheets.happened(stays, stay, hours, in_icu=True)
    return stay[there], hours[there], which[there]


def _write_procedures(
    tables: sheets.Sheets,
    stays: Stays,
    drawn: tuple[IntArray, np.ndarray, IntArray],
    rng: np.random.Generator,
) -> None:
    stay, hours, which = drawn
    size, start = len(stay), sheets.moment(stays, stay, hours)
    item, _, location, category = (
        np.array(each, object)[which] for each in zip(*_PROCEDURES, strict=True)
    )
    at_once: BoolArray = np.array([each[1] in _AT_ONCE for each in _PROCEDURES])[which]
    lasts = np.maximum(np.round(rng.lognormal(np.log(_LASTS[0]), _LASTS[1], size) * 60), 2)
    minutes = np.where(at_once, 1, lasts).astype(np.int64)
    end = start + minutes * 60
    late = rng.integers(0, 240, size) * 60
    tables.add("icu/procedureevents", size, sheets.keys(stays, stay) | {
        "caregiver_id": rng.integers(100, 99_999, size),
        "starttime": sheets.stamps(start),
        "endtime": sheets.stamps(end),
        "storetime": sheets.stamps(np.where(at_once, start, end) + late),
        "itemid": item,
        "value": np.where(at_once, 1, minutes),
        "valueuom": np.where(at_once, "None", "min"),
        "location": location,
        "ordercategoryname": category,
        "ordercategorydescription": np.where(at_once, "Task", "ContinuousProcess"),
        "statusdescription": np.where(rng.random(size) < 0.9, "FinishedRunning", "Stopped"),
        "ORIGINALAMOUNT": np.where(at_once, 1, minutes),
        "ORIGINALRATE": np.where(at_once, 0, 1),
    })  # fmt: skip


def write_ingredients(
    tables: sheets.Sheets, stays: Stays, options: SyntheticOptions, block: int
) -> None:
    """Write one block's `ingredientevents`."""
    rng = stream(options.seed, "icu ingredients", block)
    moments = scattered(rng, stays, before=12.0 * stays.intensity, daily=2.0, since=in_icu(stays))
    fed = rng.random(len(moments[0])) < 0.5 * expit(-level(stays, moments))
    chosen = np.where(fed, rng.integers(2, 4, len(fed)), rng.choice([0, 1, 4], len(fed)))
    blood = planted(rng, stays, "transfusion", most=HOURS)
    parts = [(*moments, chosen), (*blood, np.full(len(blood[0]), len(INGREDIENTS)))]
    stay, hours, which = _there(stays, parts)
    size, start = len(stay), sheets.moment(stays, stay, hours)
    item, _, rate = (np.array(each, object)[which] for each in zip(*_INGREDIENTS, strict=True))
    minutes = rng.choice([1, 30, 60, 120, 240], size)
    rates = rate.astype(np.float64) * rng.choice([0.5, 1.0, 2.0], size)
    amount = np.round(rates * minutes / 60.0, 1)
    status = rng.choice(["FinishedRunning", "ChangeDose/Rate", "Stopped"], size, p=[0.7, 0.2, 0.1])
    tables.add("icu/ingredientevents", size, sheets.keys(stays, stay) | {
        "caregiver_id": rng.integers(100, 99_999, size),
        "starttime": sheets.stamps(start),
        "endtime": sheets.stamps(start + minutes * 60),
        "storetime": sheets.stamps(start + rng.integers(0, 2 * HOUR // 60, size) * 60),
        "itemid": item,
        "amount": amount,
        "amountuom": "ml",
        "rate": rates,
        "rateuom": "mL/hour",
        "statusdescription": status,
        "originalamount": 0,
        "originalrate": rates,
    })  # fmt: skip


def write_items(tables: sheets.Sheets) -> None:
    """Write `d_items`."""
    rows = [(item, label, "procedureevents", category) for item, label, _, category in _PROCEDURES]
    rows += [(item, label, "ingredientevents", "Ingredients") for item, label, _ in _INGREDIENTS]
    item, label, table, category = zip(*rows, strict=True)
    tables.add("icu/d_items", len(rows), {
        "itemid": item, "label": label, "abbreviation": label, "linksto": table,
        "category": category,
    })  # fmt: skip
