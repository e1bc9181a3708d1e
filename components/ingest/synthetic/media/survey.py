"""Everything of a block that its probabilities depend on, before any file is made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from components.ingest.synthetic.block import draw
from components.ingest.synthetic.mechanism import substrate_estimate
from components.ingest.synthetic.media.disease import (
    MURMUR_LOADING,
    S3_LOADING,
    Condition,
    Disease,
    draw_condition,
)
from components.ingest.synthetic.media.presence import Presence, draw_presence
from components.ingest.synthetic.media.probability import Seen
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.recordings import Drawn
from components.ingest.synthetic.streams import stream


@dataclass(frozen=True, kw_only=True, eq=False)
class Examined:
    """A block of patients.

    Attributes:
        drawn: latents, ECG scores and course, those of the therapy part.
        condition: valve, sound scores and label.
        presence: what each patient has.
    """

    drawn: Drawn
    condition: Condition
    presence: Presence

    def seen(self) -> Seen:
        """Return what the true probabilities rest on."""
        third = self.condition.s3 / S3_LOADING
        murmur = self.condition.murmur / MURMUR_LOADING
        ecg = substrate_estimate(self.drawn.scores, self.drawn.loadings)
        return Seen(
            cohort=self.drawn.cohort,
            estimates=np.column_stack([ecg, third, murmur]),
            there=self.presence.there,
        )


def examine(options: SyntheticOptions, block: int) -> Examined:
    """Draw a block."""
    seed, drawn = options.seed, draw(options, block)
    condition = stream(seed, "media condition", block)
    return Examined(
        drawn=drawn,
        condition=draw_condition(drawn.cohort, disease_of(options), condition),
        presence=draw_presence(drawn.cohort, options, stream(seed, "media presence", block)),
    )


@lru_cache(maxsize=4)
def _disease(prevalence: float, dominant: str | None) -> Disease:
    return Disease.of(
        SyntheticOptions.model_validate(
            {"media": True, "media_prevalence": prevalence, "dominant": dominant}
        )
    )


def disease_of(options: SyntheticOptions) -> Disease:
    """Return the mechanism of `options`; its threshold is found once."""
    return _disease(options.media_prevalence, options.dominant)
