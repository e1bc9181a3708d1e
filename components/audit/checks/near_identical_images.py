"""A picture that comes again in another part, turned, darkened, coded anew or as it is."""

from __future__ import annotations

from components.audit.copies import Search, find_copies
from components.audit.finding import Audited, Finding, Severity
from components.audit.similarity import pictures

NAME = "near_identical_images"
SEVERITY: Severity = "block"
# Sketches of copies turned by up to two degrees, darkened and coded anew meet at 0.66 or more,
# those of two people below 0.46 in 99 of 100 pairs (134 pages).
_LEAST_COSINE = 0.5


def check(audited: Audited) -> Finding:
    """Return the pictures that lie in two parts, as files or as copies of one another."""
    return find_copies(
        audited,
        Search(
            modality="ecg_image",
            noun="ECG images",
            sketch=pictures.sketch,
            compare=pictures.compare,
            least_cosine=_LEAST_COSINE,
            bound=audited.config.copy_picture,
        ),
    )
