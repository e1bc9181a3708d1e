"""What the model card says of pictures, heart sounds, embeddings and event sequences."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from components.core.config.events import EventsConfig
from components.core.config.sections import EmbeddingsConfig, PreprocessConfig
from components.core.modalities import EMBEDDED, EVENTS, MEDIA, TITLES

LACKING = (
    "A picture, sound or table that a record lacks is never zeros in its place but a token, "
    "learned from training records without it or with it dropped; the report warns where there "
    "were none, and has the figures without each."
)

_ABSENT = (
    "An embedding that a record lacks is marked as absent, never taken for zeros: the network "
    "imputes it or sets a learned vector in its place; a single missing entry is at the training "
    "mean. The report has the figures of every subset of the inputs."
)
_NO_EVENT = (
    "A record without any event is answered from a vector in place of its sequence, learned only "
    "where training had such records; events that nobody recorded leave no trace."
)
_TIMES = {
    "scalar": "the logarithm of the hours before the prediction",
    "encoding": "sines and cosines of the hours before the prediction",
}


def lacking(there: Collection[str]) -> str:
    """Return what becomes of pictures, sounds, embeddings, events that a record lacks; or nothing.

    Args:
        there: the cohort's modalities.
    """
    told = [LACKING] if any(name in MEDIA for name in there) else []
    told += [_ABSENT] if any(name in EMBEDDED for name in there) else []
    return " ".join([*told, *([_NO_EVENT] if EVENTS in there else [])])


def unreadable(there: Collection[str]) -> str:
    """Return what becomes of pictures, sounds, embeddings and events that are poor; or nothing."""
    told: list[str] = []
    if any(name in MEDIA for name in there):
        told.append("A picture or sound that cannot be read is refused with its reason.")
    if any(name in EMBEDDED for name in there):
        told.append(
            "An embedding of another width than in training, or with a value that is not finite, "
            "is refused with its reason."
        )
    if EVENTS in there:
        told.append(
            "Of a file, an event whose time cannot be read or is not known at the prediction is "
            "left out and counted; of a request, one without a text, of an unknown type or after "
            "the prediction is refused with its reason."
        )
    return " ".join([*told, lacking(there)]) if told else ""


def prepared_media(config: PreprocessConfig, there: Collection[str]) -> str:
    """Return how pictures, sounds, embeddings and events were prepared; empty without any.

    Args:
        config: of preprocessing.
        there: the cohort's modalities.
    """
    found: list[str] = []
    if "ecg_image" in there:
        image = config.ecg_image
        found.append(
            f"ECG image: {image.colour}, {image.height} × {image.width} pixels, its aspect kept, "
            "padded with white."
        )
    if "pcg" in there:
        sound = config.pcg
        found.append(
            f"Heart sound: one channel at {sound.fs:,} Hz, up to {sound.windows} windows of "
            f"{sound.window_s:g} s, {sound.mels} mel filters from {sound.low_hz:g} to "
            f"{sound.high_hz:g} Hz in dB."
        )
    if found:
        found.append("Standardised per channel by mean and SD of the training part.")
    found += _embeddings(config.embeddings, there)
    return " ".join([*found, *([_events(config.events)] if EVENTS in there else [])])


def _events(config: EventsConfig) -> str:
    text = config.text
    read = (
        f"TF-IDF of {text.width} dimensions fitted on the training part"
        if text.encoder == "tfidf"
        else f"the frozen encoder '{Path(text.model).name}'"
    )
    care = {
        "drop": "orders of comfort care and limits of treatment left out",
        "keep": "orders of comfort care left in",
    }[config.comfort_care]
    return (
        "Event sequence: every event known by the prediction (an order, procedure or infusion from "
        "its start, even where it was written down later), in order of time, none cut off; kind "
        f"one-hot, text by {read}, time as {_TIMES[config.time]}; {care}."
    )


def _embeddings(config: EmbeddingsConfig, there: Collection[str]) -> Iterator[str]:
    names = [TITLES[name] for name in EMBEDDED if name in there]
    if not names:
        return
    several = {
        "mean": "several vectors of a patient as their mean",
        "max": "several vectors of a patient as their greatest value in each column",
        "attention": f"up to {config.max_patches} vectors of a patient, weighed by the network",
    }[config.pool]
    least = f"; below quality {config.min_quality:g} absent" if config.min_quality else ""
    yield (
        f"Embeddings made beforehand, as given ({', '.join(names)}): {several}{least}. "
        "Standardised per column by mean and SD of the training part."
    )


def prediction_time(told: str, there: Collection[str]) -> str:
    """Return when the prediction is made, and of event sequences what counts as known by then.

    Args:
        told: by the task.
        there: the cohort's modalities.
    """
    if EVENTS not in there:
        return told
    return (
        f"{told}; a result counts from when it was stored, an order, procedure or infusion from "
        "its start, even where it was written down later"
    )
