"""Pictures, sounds and embeddings of a cohort's records, prepared as a bundle prepares a row's."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, cast

import numpy as np
import pandas as pd

from components.core.bundle_embeddings import one_embedding
from components.core.bundle_files import BundleFacts
from components.core.bundle_media import image_batch, sound_batch
from components.core.data.arrays import ArrayPart, Arrays, open_arrays, shard_folder
from components.core.data.batches import Batch, array_batch
from components.core.data.media import MediaReader
from components.core.data.stored_embeddings import stored_embedding
from components.core.media.config import ImageConfig, SoundConfig
from components.core.media.sound import usable
from components.core.modalities import ArrayModality, EmbeddingModality, MediaModality
from components.core.schemas import MANIFEST, QUALITY_PREFIX, ROW_PREFIX, SHARD_PREFIX
from components.core.store import Stage


class StoredMedia:
    """What ingest kept of files and embeddings; of a source that it keeps none of, the arrays.

    Args:
        cohort: a prepared cohort.
        ingest: the stage that it was prepared from.
        frame: manifest of that stage, by `sample_id`.
    """

    def __init__(self, cohort: Stage, ingest: Stage, frame: pd.DataFrame) -> None:
        self._cohort, self._ingest, self._frame = cohort, ingest, frame
        self._readers: dict[MediaModality, MediaReader] = {}

    def batch(self, row: Mapping[str, Any], facts: BundleFacts) -> Batch:
        """Return the array modalities of one record as a raw batch.

        Args:
            row: of the prepared manifest.
            facts: of the bundle.
        """
        batch: Batch = {}
        for name in facts.media:
            kept = f"{SHARD_PREFIX}{name}" in self._frame
            batch |= self._raw(name, row, facts) if kept else self._array(name, row)
        for name in facts.embeddings:
            kept = f"{SHARD_PREFIX}{name}" in self._frame
            batch |= self._embedding(name, row, facts) if kept else self._array(name, row)
        return batch

    def _embedding(
        self, name: EmbeddingModality, row: Mapping[str, Any], facts: BundleFacts
    ) -> Batch:
        given, place = facts.embeddings[name], row[f"{SHARD_PREFIX}{name}"]
        if pd.isna(place):
            return one_embedding(name, given, None, 0.0)
        cells: dict[str, Any] = self._frame.loc[row["sample_id"]].to_dict()
        shard, own = (int(cells[f"{each}{name}"]) for each in (SHARD_PREFIX, ROW_PREFIX))
        values = stored_embedding(shard_folder(self._ingest.folder, name), shard, own)
        return one_embedding(name, given, values, float(row[f"{QUALITY_PREFIX}{name}"]))

    def _raw(self, name: MediaModality, row: Mapping[str, Any], facts: BundleFacts) -> Batch:
        taken = not pd.isna(row[f"{SHARD_PREFIX}{name}"])
        cells: dict[str, Any] = self._frame.loc[row["sample_id"]].to_dict()
        place = (cells[f"{SHARD_PREFIX}{name}"], cells[f"{ROW_PREFIX}{name}"])
        if name == "ecg_image":
            pictures = [self._reader(name).picture(*map(int, place))] if taken else []
            return image_batch(pictures, cast(ImageConfig, facts.image))
        config = cast(SoundConfig, facts.sound)
        sounds = self._reader(name).sounds(*map(int, place)) if taken else []
        # Preprocess refuses one of several by itself, and its reject row says so.
        places, _ = usable(sounds, config)
        return sound_batch([sounds[place] for place in places], config)

    def _reader(self, name: MediaModality) -> MediaReader:
        return self._readers.setdefault(name, MediaReader(shard_folder(self._ingest.folder, name)))

    def _array(self, name: ArrayModality, row: Mapping[str, Any]) -> Batch:
        arrays, places = self._arrays
        own: dict[ArrayModality, ArrayPart] = {name: arrays[name]}
        return array_batch(own, np.array([places[row["sample_id"]]]))

    @cached_property
    def _arrays(self) -> tuple[Arrays, dict[str, int]]:
        """Return the cohort's arrays, and the place of each record in them."""
        frame = pd.read_parquet(self._cohort.folder / MANIFEST)
        places = {str(name): place for place, name in enumerate(frame["sample_id"])}
        return open_arrays(self._cohort.folder, frame), places
