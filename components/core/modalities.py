"""What a record may hold: the names of modalities, as keys of a batch and as people say them.

A batch holds a modality under its name, its masks under `<name>_…`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
# Sequences of clinical events, each of its own length (`core.data.event_input`).
EVENTS = "events"
Modality = Literal["ecg", "tabular", "text", ArrayModality, "events"]
MODALITIES: tuple[Modality, ...] = ("ecg", "tabular", "text", *ARRAYS, EVENTS)
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
    "events": "event sequence",
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
    "events": "the event sequence",
}
_EMBEDDED = "emb_"
# Of all embeddings at once.
_EACH, _ALL = "each embedding", "the embeddings"


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


def told_once(said: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """Return name → text, what is the same of several embeddings under one name for them all.

    Args:
        said: modality → text.
        names: modality → what people call it, `SPOKEN` or `TITLES`.

    >>> told_once({"ecg": "a", "emb_clinical": "b", "emb_spatial": "b"}, SPOKEN)
    {'the ECG': 'a', 'each embedding': 'b'}
    >>> told_once({"emb_clinical": "a", "emb_spatial": "b"}, TITLES)
    {'clinical embedding': 'a', 'spatial embedding': 'b'}
    """
    own = [text for name, text in said.items() if name in EMBEDDED]
    alike = len(own) > 1 and len(set(own)) == 1
    return {
        _EACH if alike and name in EMBEDDED else names[name]: text for name, text in said.items()
    }


def listed(modalities: Iterable[str]) -> str:
    """Return modalities inside a sentence, each once and several embeddings in a word.

    >>> listed(["ecg", "emb_clinical", "emb_spatial"]), listed(["emb_spatial"] * 2)
    ('the ECG and the embeddings', 'the spatial embedding')
    """
    own = list(dict.fromkeys(modalities))
    several = sum(name in EMBEDDED for name in own) > 1
    spoken = [_ALL if several and name in EMBEDDED else SPOKEN[name] for name in own]
    return enumerated(dict.fromkeys(spoken))


def enumerated(words: Iterable[str]) -> str:
    """Return words as a sentence lists them; nothing of none.

    >>> enumerated(["leads", "segments", "bands"]), enumerated(["leads"])
    ('leads, segments and bands', 'leads')
    """
    own = list(words)
    return " and ".join([*([", ".join(own[:-1])] if own[1:] else []), *own[-1:]])
