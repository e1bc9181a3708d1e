"""Laboratory results: panels that follow severity, and lactates, of which abnormal ones count."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.ingest.synthetic.cohort import BoolArray, FloatArray
from components.ingest.synthetic.icu import sheets
from components.ingest.synthetic.icu.draw import HOUR, NEVER, IntArray, Stays
from components.ingest.synthetic.icu.moments import Moments, level, planted, scattered
from components.ingest.synthetic.icu.vocabulary import LACTATE, PANELS, Lab
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.streams import stream

_LABS: tuple[Lab, ...] = (*(lab for _, labs in PANELS for lab in labs), LACTATE)
_LACTATE = len(_LABS) - 1
# Minutes from chart to store: median and SD of the log, as in the public demo.
_STORED = (65.0, 0.6)
# Shares of results without a store time, taken out as `___`, without an admission, and without a
# time at all.
_UNSTORED, _TAKEN_OUT, _NO_ADMISSION, _UNTIMED = 0.01, 0.06, 0.26, 0.002
# A lactate drawn shortly before the prediction and stored after it: how often in those who will die
# and in others, and how often it is abnormal.
_LATE, _LATE_ABNORMAL = (0.9, 0.35), (0.85, 0.10)
Drawn = tuple[IntArray, FloatArray, IntArray, FloatArray, FloatArray]


def write_labs(tables: sheets.Sheets, stays: Stays, options: SyntheticOptions, block: int) -> None:
    """Write one block's `labevents`."""
    rng = stream(options.seed, "icu labs", block)
    parts = [_panels(rng, stays), *_lactates(rng, stays)]
    stay, hours, lab, value, delay = (np.concatenate(each) for each in zip(*parts, strict=True))
    there = sheets.happened(stays, stay, hours)
    _write(
        tables, stays, (stay[there], hours[there], lab[there], value[there], delay[there]),
        rng=rng, quirks=options.nuisance, block=block,
    )  # fmt: skip


def _panels(rng: np.random.Generator, stays: Stays) -> Drawn:
    before = stays.intensity * (2.0 + stays.span / 16.0)
    moments = scattered(rng, stays, before=before, daily=1.5, since=stays.span)
    which = rng.choice(len(PANELS), len(moments[0]), p=[share for share, _ in PANELS])
    sizes = np.array([len(labs) for _, labs in PANELS])
    first = np.cumsum(sizes) - sizes
    of = np.repeat(np.arange(len(which)), sizes[which])
    ends = np.cumsum(sizes[which])
    lab: IntArray = first[which][of] + np.arange(len(of)) - (ends - sizes[which])[of]
    column = {name: np.array([getattr(each, name) for each in _LABS]) for name in
              ("mean", "sd", "slope", "low")}  # fmt: skip
    noise = rng.standard_normal(len(of))
    score = column["slope"][lab] * level(stays, moments)[of] + noise
    value = column["mean"][lab] + column["sd"][lab] * score
    # No result is below a twentieth of what is normal.
    value = np.where(column["low"][lab] >= 0, np.maximum(value, column["low"][lab] / 20), value)
    delay = rng.lognormal(np.log(_STORED[0]), _STORED[1], len(which)) / 60.0
    return moments[0][of], moments[1][of], lab, value, delay[of]


def _lactates(rng: np.random.Generator, stays: Stays) -> tuple[Drawn, Drawn, Drawn]:
    abnormal = planted(rng, stays, "lactate", least=1.5)
    normal = np.flatnonzero(rng.random(stays.size) < 0.45)
    often = np.where(stays.died, *_LATE)
    late = np.flatnonzero(stays.kept & (rng.random(stays.size) < often))
    raised = rng.random(len(late)) < np.where(stays.died[late], *_LATE_ABNORMAL)

    def drawn(moments: Moments, high: BoolArray, low_delay: float, high_delay: float) -> Drawn:
        size = len(moments[0])
        value: FloatArray = np.where(high, rng.uniform(2.1, 8.0, size), rng.uniform(0.7, 1.9, size))
        delay = rng.uniform(low_delay, high_delay, size)
        lab = np.full(size, _LACTATE, np.int64)
        return moments[0], moments[1], lab, np.round(value, 1), delay

    calm = (normal, rng.uniform(1.5, stays.span[normal] - 0.1))
    return (
        drawn(abnormal, np.ones(len(abnormal[0]), np.bool_), 0.2, 1.2),
        drawn(calm, np.zeros(len(normal), np.bool_), 0.2, 1.2),
        drawn((late, rng.uniform(0.1, 0.9, len(late))), raised, 1.2, 3.0),
    )


def _write(
    tables: sheets.Sheets,
    stays: Stays,
    drawn: Drawn,
    *,
    rng: np.random.Generator,
    quirks: bool,
    block: int,
) -> None:
    stay, hours, lab, value, delay = drawn
    size, chart = len(stay), sheets.moment(stays, stay, hours)
    counted = lab == _LACTATE

    def some(share: float) -> BoolArray:
        return (rng.random(size) < share) & quirks

    # A lactate's times and range decide on the label, and have no gaps.
    store = chart + np.round(delay * HOUR).astype(np.int64) // 60 * 60
    store = np.where(some(_UNSTORED) & ~counted, NEVER, store)
    chart = np.where(some(_UNTIMED) & ~counted, NEVER, chart)
    texts, numbers, flags = _results(lab, value)
    ids, taken_out = sheets.row_ids(block, size), some(_TAKEN_OUT)
    admissions = sheets.admission_id(stays)[stay].astype(object)
    admissions[some(_NO_ADMISSION)] = ""
    tables.add("hosp/labevents", size, {
        "labevent_id": ids,
        "subject_id": sheets.subject_id(stays)[stay],
        "hadm_id": admissions,
        "specimen_id": ids + 1,
        "itemid": _of(lab, "item"),
        "charttime": sheets.stamps(chart),
        "storetime": sheets.stamps(store),
        "value": np.where(taken_out, "___", texts),
        "valuenum": numbers,
        "valueuom": _of(lab, "unit"),
        "ref_range_lower": _of(lab, "low"),
        "ref_range_upper": _of(lab, "high"),
        "flag": flags,
        "priority": np.where(rng.random(size) < 0.5, "STAT", "ROUTINE"),
        "comments": np.where(taken_out, "New reference range as of ___.", ""),
    })  # fmt: skip


def _of(lab: IntArray, name: str) -> npt.NDArray[np.object_]:
    return np.array([getattr(each, name) for each in _LABS], object)[lab]


def _results(
    lab: IntArray, value: FloatArray
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.str_], npt.NDArray[np.str_]]:
    """Return values as written, as numbers, and whether they are outside their range."""
    digits = [each.digits for each in _LABS]
    # No minus before a zero.
    texts = [
        f"{round(v, digits[k]) + 0.0:.{digits[k]}f}"
        for k, v in zip(lab.tolist(), value.tolist(), strict=True)
    ]
    written = np.array(texts, dtype=np.str_)
    read = written.astype(np.float64) if len(texts) else value
    low, high = (_of(lab, name).astype(np.float64) for name in ("low", "high"))
    flags = np.where((read < low) | (read > high), "abnormal", "")
    return written, written, flags


def write_lab_items(tables: sheets.Sheets) -> None:
    """Write `d_labitems`."""
    found = {each.item: each for each in _LABS}
    tables.add("hosp/d_labitems", len(found), {
        "itemid": list(found),
        "label": [each.label for each in found.values()],
        "fluid": "Blood",
        "category": [each.category for each in found.values()],
    })  # fmt: skip
