"""Chunks and epochs that take their time, so that a test can kill a stage half-way."""

from __future__ import annotations

import time
from typing import Any

from components.ingest import chunks as ingest_chunks
from components.preprocess import chunks as preprocess_chunks

CHUNK = 5
# Longer than it takes a test to see a file and send the signal.
PAUSE_SECONDS = 0.4


def decode_chunk(*arguments: Any) -> Any:
    """Decode as ingest does, then wait."""
    counts = ingest_chunks.decode_chunk(*arguments)
    time.sleep(PAUSE_SECONDS)
    return counts


def transform_chunk(*arguments: Any) -> Any:
    """Transform as preprocess does, then wait."""
    counts = preprocess_chunks.transform_chunk(*arguments)
    time.sleep(PAUSE_SECONDS)
    return counts


def on_epoch(member: str, epoch: int, figures: dict[str, float]) -> None:
    """Wait before the epoch is saved."""
    del member, epoch, figures
    time.sleep(PAUSE_SECONDS)
