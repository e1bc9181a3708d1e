"""A recording that comes again in another part with another gain, offset, rate, filter or start."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from components.audit.finding import Audited, Finding, Severity
from components.audit.parts import MOST_ROWS, Apart, part_codes
from components.audit.similarity.banding import Pairs, candidates
from components.audit.similarity.records import Signals, Sketches, compare, nearest, sketch
from components.core.data.cohort import open_shards
from components.core.schemas import PARTS

NAME = "near_identical_signals"
SEVERITY: Severity = "block"
# Whitened sketches of copies meet at 0.92 and more (filtered, cropped and noisy copies of 230
# public recordings); of different people a few per record come as near.
_LEAST_COSINE = 0.85
# From here on nothing but filters and rates tells two recordings apart. Below, regular rhythms of
# the same rate make two people's recordings correlate by 0.97 (7 of 7.6 million pairs of the
# embedded cohort), but what differs then lies in the complexes: `concentration` 6 and more, while
# noise added to a copy gives 1.0. Of 230 public recordings each altered in five ways, two copies
# with gain, noise, filter and rate changed at once are no longer found for it.
_CERTAIN, _MOST_PEAKED = 0.98, 2.5
# Records of the test part whose nearest neighbour is drawn.
_DRAWN = 300


def check(audited: Audited) -> Finding:
    """Return the pairs of recordings that correlate above the bound across parts.

    Only pairs of different patients count: several recordings of one patient belong in one part,
    which `patient_overlap` sees to; pairs with the same samples are `identical_waveforms`.
    """
    frame = audited.manifest[audited.manifest["shard"].notna()].reset_index(drop=True)
    reader = open_shards(audited.stage, frame) if len(frame) else None
    if reader is None:
        return Finding(passed=True, sentence="the cohort has no signals")
    signals = Signals(frame, reader, float(audited.stage.facts["ecg"]["fs"]))
    sketches = sketch(signals)
    pairs = candidates(
        sketches.vectors, sketches.record, Apart(frame, same="ecg_sha256"), least=_LEAST_COSINE
    )
    correlation, peaked = compare(signals, sketches, pairs)
    copies = correlation >= audited.config.copy_correlation
    copies &= (correlation >= _CERTAIN) | (peaked <= _MOST_PEAKED)
    return _finding(
        frame, pairs.take(copies), correlation[copies],
        bound=audited.config.copy_correlation,
        counted={
            "compared": int(np.unique(sketches.record).size),
            "too_short_or_without_beats": len(frame) - int(np.unique(sketches.record).size),
            "candidate_pairs": len(pairs),
        },
        nearest_correlation=_nearest(frame, signals, sketches),
    )  # fmt: skip


def _nearest(frame: pd.DataFrame, signals: Signals, sketches: Sketches) -> list[float]:
    """Return the correlation of test records with their nearest record of another part."""
    part = part_codes(frame)[:, 0]
    test = np.flatnonzero(part == PARTS.index("test"))
    test = test[:: max(1, -(-len(test) // _DRAWN))]
    found = nearest(signals, sketches, test, np.flatnonzero(part == PARTS.index("train")))
    return [round(float(r), 3) for r in np.sort(found)]


def _finding(
    frame: pd.DataFrame,
    pairs: Pairs,
    correlation: np.ndarray[tuple[int], np.dtype[np.float32]],
    *,
    bound: float,
    counted: dict[str, int],
    nearest_correlation: list[float],
) -> Finding:
    row = frame["row"].to_numpy(np.int64)
    order = np.argsort(-correlation)[:MOST_ROWS]
    listed: list[dict[str, Any]] = [
        {"row": int(row[pairs.left[k]]), "of_row": int(row[pairs.right[k]]),
         "correlation": round(float(correlation[k]), 3)}
        for k in order
    ]  # fmt: skip
    compared = counted["compared"]
    return Finding(
        passed=not len(pairs),
        sentence=f"{len(pairs)} pair(s) of recordings of different patients in different parts are "
        f"copies of one another (correlation {bound} or more)"
        if len(pairs)
        else f"no recording of {compared} comes again in another part; "
        f"{counted['too_short_or_without_beats']} could not be compared",
        evidence=counted
        | {"pairs": len(pairs), "bound": bound, "listed": listed, "nearest": nearest_correlation},
    )
