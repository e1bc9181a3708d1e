"""Which columns of a hospital's table name pictures and sounds, and what their cells say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from components.core.modalities import MediaModality

# The column whose cells name a modality's files, relative to the table's folder.
MEDIA_COLUMNS: dict[MediaModality, str] = {"ecg_image": "ecg_image", "pcg": "pcg_audio"}
# Where a cell may name several files, split at `;`: one page, but a sound per auscultation site.
_LISTS: frozenset[MediaModality] = frozenset({"pcg"})
# A site is a short word (AV, PV, TV, MV, Phc, apex); `./a=b.wav` is a file with a sign in its name.
_SITED = re.compile(r"([A-Za-z]{1,8})=(.+)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class NamedFile:
    """One file that a cell names.

    Attributes:
        name: relative to the table's folder.
        site: where it was taken; empty where the cell does not tell.
    """

    name: str
    site: str = ""


def named_files(modality: MediaModality, cell: str | None) -> list[NamedFile]:
    """Return the files that a cell names, in its order; none where it is empty.

    >>> [(f.site, f.name) for f in named_files("pcg", "AV=a.wav; b.wav;")]
    [('AV', 'a.wav'), ('', 'b.wav')]
    """
    parts = (cell or "").split(";") if modality in _LISTS else [cell or ""]
    return [_named(modality, part) for each in parts if (part := each.strip())]


def patient_column(modality: MediaModality) -> str:
    """Return the column that says whose recording the modality's files are."""
    return f"{MEDIA_COLUMNS[modality]}_patient_id"


def _named(modality: MediaModality, part: str) -> NamedFile:
    sited = _SITED.fullmatch(part) if modality in _LISTS else None
    return NamedFile(name=sited[2].strip(), site=sited[1]) if sited else NamedFile(name=part)
