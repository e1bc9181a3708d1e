"""What a record may hold: the names of modalities, as keys of a batch and as people say them.

A batch holds a modality under its name, its masks under `<name>_…`.
"""

from __future__ import annotations

from typing import Literal, get_args

# Pictures and sounds, read from files of their own.
MediaModality = Literal["ecg_image", "pcg"]
MEDIA: tuple[MediaModality, ...] = get_args(MediaModality)
# Vectors that somebody else's networks or tables made of a patient.
EmbeddingModality = Literal[
    "emb_clinical", "emb_semantic", "emb_temporal", "emb_pathological", "emb_spatial"
]
EMBEDDED: tuple[EmbeddingModality, ...] = get_args(EmbeddingModality)
# Those of one fixed shape a record, which may be absent (`core.data.arrays`).
ArrayModality = Literal[MediaModality, EmbeddingModality]
ARRAYS: tuple[ArrayModality, ...] = (*MEDIA, *EMBEDDED)
Modality = Literal["ecg", "tabular", "text", ArrayModality]
MODALITIES: tuple[Modality, ...] = ("ecg", "tabular", "text", *ARRAYS)
# In a table's cell.
TITLES: dict[str, str] = {
    "ecg": "ECG",
    "tabular": "clinical fields",
    "text": "notes",
    "ecg_image": "ECG image",
    "pcg": "heart sound",
    "emb_clinical": "clinical embedding",
    "emb_semantic": "semantic embedding",
    "emb_temporal": "temporal embedding",
    "emb_pathological": "pathological embedding",
    "emb_spatial": "spatial embedding",
}
# Inside a sentence.
SPOKEN: dict[str, str] = {
    "ecg": "the ECG",
    "tabular": "the table",
    "text": "the notes",
    "ecg_image": "the ECG image",
    "pcg": "the heart sound",
    "emb_clinical": "the clinical embedding",
    "emb_semantic": "the semantic embedding",
    "emb_temporal": "the temporal embedding",
    "emb_pathological": "the pathological embedding",
    "emb_spatial": "the spatial embedding",
}
_EMBEDDED = "emb_"


def modality_of(key: str) -> str | None:
    """Return the modality that a batch's key is of: its tensor or a mask of it; None of none.

    >>> modality_of("ecg_lead_mask"), modality_of("ecg_image_mask"), modality_of("label")
    ('ecg', 'ecg_image', None)
    """
    own = [name for name in MODALITIES if key == name or key.startswith(f"{name}_")]
    return max(own, key=len, default=None)


def short_name(modality: str) -> str:
    """Return the name of an embedding modality as files and settings give it.

    >>> short_name("emb_spatial")
    'spatial'
    """
    return modality.removeprefix(_EMBEDDED)
