"""Why a bundle gave one answer: Integrated Gradients of the mean over its networks.

Needs nothing but the bundle: what its networks' clinical fields are compared with lies in it
(`core.attribution.reference`).
"""

from __future__ import annotations

import numpy as np

from components.core.attribution.baseline import stated
from components.core.attribution.groups import BLOCKS, KIND_NAMES, SEGMENTS
from components.core.bundle import Predictor
from components.core.bundle_attributed import Attributed, attributed, beats_of, mean_of
from components.core.bundle_attributed_drawings import Drawn, drawings
from components.core.bundle_explanation import METHOD, Explanation, Share, Shares
from components.core.bundle_ready import Ready
from components.core.errors import InputError
from components.core.modalities import SPOKEN, TITLES
from components.core.report.attributed.facts import facts, risk_words

# What a reader who sees no table calls the groups.
_TITLES = {
    **KIND_NAMES,
    "variable": "clinical variables",
    **{kind: f"entries of {SPOKEN[name]}" for name, kind in BLOCKS.items()},
}


def explained(predictor: Predictor, ready: Ready, *, steps: int = 32) -> Explanation:
    """Return what one answer rests on, an abstaining one too.

    The log-odds of the bundle's primary head are attributed, network by network from that
    network's own baseline, and averaged. A modality that the record lacks has no attribution.
    float32, on the CPU.

    Args:
        predictor: the bundle.
        ready: row of it.
        steps: of each path.

    Raises:
        InputError: the row could not be read, so that there is no answer; or the bundle was
            written before explanations of single answers.
        ConfigError: `steps` is below 1.
    """
    if not ready.batches:
        raise InputError(f"there is no answer that could be explained: {ready.answer.error}")
    beats = beats_of(ready.batches[0], predictor.facts)
    each = [
        attributed(member, raw, predictor.facts, predictor.head, beats=beats, steps=steps)
        for member, raw in zip(predictor.members, ready.batches, strict=True)
    ]
    found = mean_of(each)
    drawn = Drawn(
        raw=ready.batches[0], facts=predictor.facts, attributed=found, beats=beats,
        lines=_lines(predictor, ready, found),
    )  # fmt: skip
    moved = found.grouped["modality"]
    return Explanation(
        method=METHOD,
        quantity=f"log-odds of {predictor.facts.label}",
        baseline={name: stated(name, unit=_unit(predictor)) for name in moved},
        log_odds=found.log_odds,
        baseline_log_odds=found.baseline,
        error=sum(moved.values()) - (found.log_odds - found.baseline),
        modalities=tuple(
            Share(name=name, title=TITLES[name], value=value) for name, value in moved.items()
        ),
        groups=_groups(found),
        drawings=drawings(drawn),
    )


def _unit(predictor: Predictor) -> str:
    return "mV" if predictor.facts.ecg is None else predictor.facts.ecg.unit


def _groups(found: Attributed) -> tuple[Shares, ...]:
    return tuple(
        Shares(kind=kind, title=_TITLES[kind], names=tuple(own), values=tuple(own.values()))
        for kind, own in found.grouped.items()
        if own and kind != "modality"
    )


def _lines(predictor: Predictor, ready: Ready, found: Attributed) -> tuple[str, ...]:
    """Return what stands below a picture's title; the risk only where the model gives one."""
    risk = ""
    if not ready.answer.abstain:
        calibrated = float(predictor.calibrated(np.array([found.log_odds]))[0])
        risk = risk_words(calibrated)
    sums = {TITLES[name]: value for name, value in found.grouped["modality"].items()}
    sums |= {name: found.grouped["segment"][name] for name in SEGMENTS
             if name in found.grouped.get("segment", {})}  # fmt: skip
    return facts(found.log_odds, found.baseline, sums, risk=risk)
