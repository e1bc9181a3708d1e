"""Cultures: most grow nothing, and results come a day or more late; some blood cultures count."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

from components.ingest.synthetic.cohort import FloatArray
from components.ingest.synthetic.icu import sheets
from components.ingest.synthetic.icu.draw import DAY, HOUR, NEVER, IntArray, Stays
from components.ingest.synthetic.icu.moments import planted, scattered
from components.ingest.synthetic.icu.vocabulary import (
    ANTIBIOTICS,
    BLOOD_CULTURE,
    CULTURES,
    ORGANISMS,
)
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.streams import stream

_PLANTED_ORGANISM = "STAPH AUREUS COAG +"
# Hours from specimen to result: usually, and of the cultures that count, known by the prediction.
_RESULT, _SOON = (9.0, 60.0), (6.0, 13.0)
# One that counts was drawn so many hours before the prediction at least, to be known by it.
LEAST = 14.0
_GROWS, _UNTIMED = 0.3, 0.06


def write_cultures(
    tables: sheets.Sheets, stays: Stays, options: SyntheticOptions, block: int
) -> None:
    """Write one block's `microbiologyevents`, a row per specimen or antibiotic tested."""
    rng = stream(options.seed, "icu cultures", block)
    counted = planted(rng, stays, "blood_culture", least=LEAST)
    before = stays.intensity * (0.6 + stays.span / 30.0)
    usual = scattered(rng, stays, before=before, daily=0.7, since=stays.span)
    stay = np.concatenate([counted[0], usual[0]])
    hours = np.concatenate([counted[1], usual[1]])
    first = np.arange(len(stay)) < len(counted[0])
    which = np.where(first, len(CULTURES), rng.integers(0, len(CULTURES), len(stay)))
    delay = np.where(first, rng.uniform(*_SOON, len(stay)), rng.uniform(*_RESULT, len(stay)))
    untimed = (rng.random(len(stay)) < _UNTIMED) & ~first & options.nuisance
    grows = rng.random(len(stay)) < _GROWS
    there = np.flatnonzero(sheets.happened(stays, stay, hours))
    found = [_rows(rng, int(which[place]), grows=bool(grows[place])) for place in there.tolist()]
    specimen, cells = np.repeat(there, [len(rows) for rows in found]), list(chain(*found))
    _write(
        tables, stays, cells, stay=stay[specimen], hours=hours[specimen], delay=delay[specimen],
        untimed=untimed[specimen], block=block,
    )  # fmt: skip


def _rows(rng: np.random.Generator, which: int, *, grows: bool) -> list[dict[str, Any]]:
    """Return the rows of one specimen: one, or one per antibiotic tested on what grew."""
    culture = (*BLOOD_CULTURE[:4], (_PLANTED_ORGANISM,)) if which == len(CULTURES) else (
        CULTURES[which]
    )  # fmt: skip
    organisms = culture[4]
    plain = {"spec_itemid": culture[0], "spec_type_desc": culture[1], "test_itemid": culture[2],
             "test_name": culture[3], "comments": "NO GROWTH."}  # fmt: skip
    if not organisms or not (grows or which == len(CULTURES)):
        return [plain]
    organism = organisms[int(rng.integers(len(organisms)))]
    tested = rng.permutation(list(ANTIBIOTICS))[: int(rng.integers(1, 4))].tolist()
    grown = plain | {"org_itemid": ORGANISMS[organism], "org_name": organism, "isolate_num": 1,
                     "comments": ""}  # fmt: skip
    return [
        grown
        | {"ab_itemid": ANTIBIOTICS[name], "ab_name": name,
           "interpretation": str(rng.choice(["S", "S", "R", "I"]))}
        for name in tested
    ]  # fmt: skip


def _write(
    tables: sheets.Sheets,
    stays: Stays,
    cells: list[dict[str, Any]],
    *,
    stay: IntArray,
    hours: FloatArray,
    delay: FloatArray,
    untimed: np.ndarray,
    block: int,
) -> None:
    chart = sheets.moment(stays, stay, hours)
    store = chart + np.round(delay * HOUR).astype(np.int64) // 60 * 60
    size = len(stay)
    names = sorted({name for row in cells for name in row})
    tables.add("hosp/microbiologyevents", size, {
        **{name: [row.get(name, "") for row in cells] for name in names},
        "microevent_id": sheets.row_ids(block, size),
        "subject_id": sheets.subject_id(stays)[stay],
        "hadm_id": sheets.admission_id(stays)[stay],
        "chartdate": sheets.stamps(chart // DAY * DAY),
        "charttime": sheets.stamps(np.where(untimed, NEVER, chart)),
        "test_seq": 1,
        "storedate": sheets.stamps(store // DAY * DAY),
        "storetime": sheets.stamps(store),
    })  # fmt: skip
