"""Whether a bundle answers for a recording at all: poor quality, or unlike those of training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from components.core import out_of_distribution as ood
from components.core.bundle_files import BundleFacts
from components.core.bundle_prediction import Prediction
from components.core.errors import RecordError
from components.core.out_of_distribution import EcgDistribution
from components.core.signals.prepare import Prepared
from components.core.signals.quality import refuse
from components.core.signals.quantise import quantise


def judged(
    answer: Prediction,
    prepared: Prepared,
    facts: BundleFacts,
    distribution: EcgDistribution | None,
) -> Prediction:
    """Return the answer with quality, flags, and whether the model abstains, and why.

    Args:
        answer: so far.
        prepared: the recording.
        facts: of the bundle: what it abstains from.
        distribution: of the training recordings; None does not look at it.
    """
    quality = prepared.quality
    answer = replace(answer, quality=quality.score, flags=quality.raised)
    try:
        refuse(quality, reject=facts.reject, min_quality=facts.min_quality)
    except RecordError as error:
        return replace(answer, abstain=True, abstain_reason=error.reason)
    reason = _unlike_training(prepared, facts, distribution)
    return replace(answer, abstain=bool(reason), abstain_reason=reason)


def _unlike_training(
    prepared: Prepared, facts: BundleFacts, distribution: EcgDistribution | None
) -> str:
    limit, config = facts.ood_threshold, facts.ecg
    if distribution is None or limit is None or config is None:
        return ""
    counts, scale = quantise(prepared)
    found = ood.summaries(
        (counts * scale[:, None])[None],
        config.fs,
        config.leads,
        lead_mask=prepared.lead_mask[None],
        start=np.array([prepared.start]),
        stop=np.array([prepared.stop]),
    )
    distance = float(distribution.distance(found)[0])
    if distance <= limit:
        return ""
    return (
        f"the recording is unlike those of training: distance {distance:.2f}, "
        f"above {limit:.2f}, which {facts.ood_rate:.1%} of validation's may pass"
    )
