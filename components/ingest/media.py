"""Pictures and sounds of a record → pieces of a shard, and a reject row per file that cannot be.

A file that is refused takes its record with it only where nothing else of the record is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from components.core.data.growing import written
from components.core.data.media import (
    MediaWriter,
    Piece,
    joint_hash,
    picture_hash,
    sound_hash,
)
from components.core.errors import RecordError
from components.core.media.columns import MEDIA_COLUMNS
from components.core.modalities import SPOKEN, MediaModality
from components.core.parts import part_paths
from components.core.readers.audio import read_audio
from components.core.readers.image import read_image
from components.core.readers.rawfile import DiskFile
from components.core.schemas import (
    FILES_PREFIX,
    HASH_PREFIX,
    PATIENT_PREFIX,
    ROW_PREFIX,
    SHARD_PREFIX,
    SITES_PREFIX,
)
from components.core.store import Workspace
from components.ingest.records import MediaRef, Record, Reject
from components.ingest.rejects import check_rate

DUPLICATE = "exact_duplicate"


@dataclass(frozen=True, kw_only=True)
class _Read:
    """One file that could be read: what is kept, its content's hash, its site."""

    piece: Piece
    sha256: str
    site: str


@dataclass
class MediaShards:
    """The shards of one chunk's pictures and sounds, opened where a record needs them.

    Args:
        folder: the stage's workspace.
        number: of the chunk.
        open_files: closes the shards when its own context ends.
    """

    folder: Path
    number: int
    open_files: ExitStack
    _writers: dict[MediaModality, MediaWriter] = field(default_factory=dict)

    @property
    def modalities(self) -> list[MediaModality]:
        """Return what the chunk's records name files of."""
        return list(self._writers)

    def take(self, record: Record) -> tuple[dict[str, Any], list[Reject]]:
        """Return the manifest cells of a record's pictures and sounds, and the refused files."""
        cells: dict[str, Any] = {}
        refused: list[Reject] = []
        for name, references in record.media.items():
            writer = self._writer(name)
            read, lost = _read_all(name, references, record)
            refused += lost
            if read:
                row = writer.add([each.piece for each in read])
                cells |= {
                    f"{SHARD_PREFIX}{name}": self.number,
                    f"{ROW_PREFIX}{name}": row,
                    f"{HASH_PREFIX}{name}": joint_hash([each.sha256 for each in read]),
                    f"{FILES_PREFIX}{name}": [each.sha256 for each in read],
                    f"{SITES_PREFIX}{name}": [each.site for each in read],
                    f"{PATIENT_PREFIX}{name}": record.media_patients.get(name),
                }
        return cells, refused

    def _writer(self, name: MediaModality) -> MediaWriter:
        if name not in self._writers:
            shard, _, _ = part_paths(self.folder, self.number, name)
            self._writers[name] = self.open_files.enter_context(written(shard, MediaWriter))
        return self._writers[name]


def _read_all(
    name: MediaModality, references: Sequence[MediaRef], record: Record
) -> tuple[list[_Read], list[Reject]]:
    read: list[_Read] = []
    refused: list[Reject] = []
    for reference in references:
        try:
            found = _read(name, reference)
            if found.sha256 in {each.sha256 for each in read}:
                raise RecordError(
                    DUPLICATE, f"{SPOKEN[name]} stands twice in one record",
                    advice="nothing to do; one copy is kept",
                )  # fmt: skip
            read.append(found)
        except RecordError as error:
            refused.append(_refused(name, reference, record, error))
    return read, refused


def _read(name: MediaModality, reference: MediaRef) -> _Read:
    raw = DiskFile(reference.path, reference.root)
    if name == "ecg_image":
        # The file's own bytes are kept: lossless, and smaller than the pixels they are decoded to.
        found = picture_hash(read_image(raw))  # first: it refuses what is too large to be held
        content = np.frombuffer(raw.data(), np.uint8)
        return _Read(piece=Piece(values=content), sha256=found, site=reference.site)
    sound = read_audio(raw)
    piece = Piece(values=sound.values, fs=sound.fs, lsb=sound.lsb)
    return _Read(piece=piece, sha256=sound_hash(sound), site=reference.site)


def _refused(
    name: MediaModality, reference: MediaRef, record: Record, error: RecordError
) -> Reject:
    """Return the reject row of a file, under the column that names it."""
    root, path = reference.root, reference.path
    file = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    reject = Reject.of(error, file=file, row=record.row)
    own = replace(reject, field=MEDIA_COLUMNS[name])
    return own.withheld() if record.keyed else own


def require_rest(record: Record, cells: dict[str, Any], refused: Sequence[Reject]) -> None:
    """Refuse a record that has lost files and holds nothing else.

    Args:
        record: as the source gave it.
        cells: of its pictures, sounds and embeddings that could be read.
        refused: those that could not.

    Raises:
        RecordError: `nothing_left`.
    """
    told = any(value is not None for value in record.tabular.values())
    if refused and not (cells or told or record.ecg is not None):
        raise RecordError(
            "nothing_left",
            "all files and embeddings of the record were refused, and it holds nothing else",
            advice="mend them; each has its own row here",
        )


def check_files(work: Workspace, manifest: pa.Table, refused: pa.Table, *, limit: float) -> None:
    """Count what was read and refused of pictures and sounds; stop above the limit.

    Args:
        work: holds the rejects already; receives the counts.
        manifest: of the records that were taken.
        refused: reject rows of files.
        limit: highest share of refused files of a modality.

    Raises:
        InputError: the share is above the limit, or no file of a modality could be read.
    """
    for name, column in MEDIA_COLUMNS.items():
        if f"{SHARD_PREFIX}{name}" not in manifest.column_names:
            continue
        sites = manifest.column(f"{SITES_PREFIX}{name}").to_pylist()
        kept = sum(len(each) for each in sites if each is not None)
        mine = [field == column for field in refused.column("field").to_pylist()]
        own = refused.filter(pa.array(mine, pa.bool_()))
        copies = own.column("code").to_pylist().count(DUPLICATE)
        work.counts |= {
            f"records_with_{name}": sum(each is not None for each in sites),
            f"files_{name}": kept,
            f"files_refused_{name}": own.num_rows - copies,
        }
        check_rate(
            work, own, what=f"files of the column '{column}'", total=kept + own.num_rows - copies,
            limit=limit, duplicates=copies,
        )  # fmt: skip
