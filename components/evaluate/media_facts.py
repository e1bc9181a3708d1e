"""What the model card says of pictures and heart sounds."""

from __future__ import annotations

from collections.abc import Collection

from components.core.config.sections import PreprocessConfig

LACKING = (
    "A picture, sound or table that a record lacks is never zeros in its place but a token, "
    "learned from training records without it or with it dropped; the report warns where there "
    "were none, and has the figures without each."
)


def prepared_media(config: PreprocessConfig, there: Collection[str]) -> str:
    """Return how pictures and sounds were prepared; empty where the cohort has none.

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
    return " ".join(found)
