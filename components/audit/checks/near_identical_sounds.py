"""A heart sound that comes again in another part with another gain, start, coding or as it is."""

from __future__ import annotations

from components.audit.copies import Search, find_copies
from components.audit.finding import Audited, Finding, Severity
from components.audit.similarity import sounds

NAME = "near_identical_sounds"
SEVERITY: Severity = "block"
# Excerpts of shifted, filtered, noisy and newly coded copies meet at 0.97 or more, those of
# different patients of CirCor reach 0.89 (1,770 pairs).
_LEAST_COSINE = 0.9


def check(audited: Audited) -> Finding:
    """Return the heart sounds that lie in two parts, as files or as copies of one another."""
    return find_copies(
        audited,
        Search(
            modality="pcg",
            noun="heart sounds",
            sketch=sounds.sketch,
            compare=sounds.compare,
            least_cosine=_LEAST_COSINE,
            bound=audited.config.copy_sound,
        ),
    )
