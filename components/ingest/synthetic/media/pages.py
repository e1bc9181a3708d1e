"""The picture of one patient's ECG: rendered, kept, and broken where that is planted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from components.ingest.synthetic.media.render import render
from components.ingest.synthetic.media.scan import draw_scan, kept
from components.ingest.synthetic.recordings import Recorded
from components.ingest.synthetic.vcg import LEADS_8, twelve

# What is left of a truncated file.
_LEFT = 0.4
_TEXT = b"The page could not be scanned.\n"


@dataclass(frozen=True, kw_only=True, eq=False)
class Page:
    """A picture to be written.

    Attributes:
        content: of the file.
        suffix: ending of its name.
        facts: what only the truth may hold.
    """

    content: bytes
    suffix: str
    facts: dict[str, Any]


def make_page(recorded: Recorded, rng: np.random.Generator, *, nuisance: bool, broken: str) -> Page:
    """Return the picture of a recording."""
    scan = draw_scan(recorded.device.site, rng, nuisance=nuisance)
    missing = recorded.nuisance.missing_lead
    picture = render(
        twelve(recorded.signal),
        fs=recorded.device.fs,
        camera=scan.camera,
        absent=(LEADS_8[missing],) if missing >= 0 else (),
    )
    content = kept(picture, scan, rng)
    if broken == "truncated_image":
        content = content[: round(_LEFT * len(content))]
    if broken == "text_as_image":
        content = _TEXT
    facts = {
        "image_px_per_mm": scan.camera.px_per_mm,
        "image_rotation_deg": round(scan.camera.degrees, 4),
        "image_format": f"{scan.format}/{scan.mode}",
    }
    return Page(content=content, suffix=scan.suffix, facts=facts)
