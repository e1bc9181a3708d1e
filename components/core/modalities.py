"""What a record may hold: the names of modalities, as keys of a batch and as people say them.

A batch holds a modality under its name, its masks under `<name>_…`.
"""

from __future__ import annotations

from typing import Literal, get_args

Modality = Literal["ecg", "tabular", "text", "ecg_image", "pcg"]
MODALITIES: tuple[Modality, ...] = get_args(Modality)
# Those of one fixed shape a record, which may be absent (`core.data.arrays`).
ArrayModality = Literal["ecg_image", "pcg"]
ARRAYS: tuple[ArrayModality, ...] = get_args(ArrayModality)
# In a table's cell.
TITLES: dict[str, str] = {
    "ecg": "ECG",
    "tabular": "clinical fields",
    "text": "notes",
    "ecg_image": "ECG image",
    "pcg": "heart sound",
}
# Inside a sentence.
SPOKEN: dict[str, str] = {
    "ecg": "the ECG",
    "tabular": "the table",
    "text": "the notes",
    "ecg_image": "the ECG image",
    "pcg": "the heart sound",
}


def modality_of(key: str) -> str | None:
    """Return the modality that a batch's key is of: its tensor or a mask of it; None of none.

    >>> modality_of("ecg_lead_mask"), modality_of("ecg_image_mask"), modality_of("label")
    ('ecg', 'ecg_image', None)
    """
    own = [name for name in MODALITIES if key == name or key.startswith(f"{name}_")]
    return max(own, key=len, default=None)
