"""Writes the synthetic cohort as a hospital's files, block by block."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from components.ingest.synthetic.block import write_block
from components.ingest.synthetic.cohort import BLOCK
from components.ingest.synthetic.columns import columns
from components.ingest.synthetic.embeddings.write import write_embeddings
from components.ingest.synthetic.icu.sheets import FOLDERS as ICU_FOLDERS
from components.ingest.synthetic.icu.write import write_icu
from components.ingest.synthetic.measurements import (
    MEASUREMENT_COLUMNS,
    MEASUREMENTS_FILE,
    measurement_rows,
)
from components.ingest.synthetic.media.write import FOLDERS as MEDIA_FOLDERS
from components.ingest.synthetic.media.write import write_media
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.oracle import Oracle, Tally
from components.ingest.synthetic.ordered import BLOCKS, ECG_FOLDERS, in_order, prepare
from components.ingest.synthetic.surveillance.write import write_surveillance
from components.ingest.synthetic.truth import SCHEMA, summary, truth_table


def generate(
    folder: Path,
    options: SyntheticOptions,
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write manifest, files and truth of the part that `options` ask for into `folder`.

    The bytes depend on `options` alone, not on `workers`; memory holds a few blocks of patients.
    A generation that was killed goes on from its last whole block.

    Args:
        folder: exists and is empty, or holds a generation of the same options that was killed.
        options: size, seed and what is planted.
        workers: processes that write ECG files; 1 runs in this process.
        progress: called with (patients done, patients in all) after each block.

    Raises:
        InputError: the folder is missing or holds something else.
    """
    prepare(folder, _folders(options))
    if options.part == "embeddings":
        write_embeddings(folder, options, progress=progress)
    elif options.part == "icu":
        write_icu(folder, options, progress=progress)
    elif options.media:
        write_media(folder, options, workers=workers, progress=progress)
    elif options.part == "surveillance":
        write_surveillance(folder, options, workers=workers, progress=progress)
    else:
        _write_therapy(folder, options, workers=workers, progress=progress)
    shutil.rmtree(folder / BLOCKS)


def _folders(options: SyntheticOptions) -> tuple[str, ...]:
    if options.part == "embeddings":
        return ()
    if options.part == "icu":
        return ICU_FOLDERS
    return MEDIA_FOLDERS if options.media else ECG_FOLDERS


def _write_therapy(
    folder: Path,
    options: SyntheticOptions,
    *,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    oracle, tally = Oracle(options), Tally()
    header = columns(options.leaks, split=options.has_split)
    with (
        (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as stream,
        (folder / MEASUREMENTS_FILE).open("w", encoding="utf-8", newline="") as serial,
        pq.ParquetWriter(folder / "truth.parquet", SCHEMA) as truth,
    ):
        manifest = csv.DictWriter(stream, header, extrasaction="ignore", lineterminator="\n")
        manifest.writeheader()
        measurements = csv.writer(serial, lineterminator="\n")
        measurements.writerow(MEASUREMENT_COLUMNS)
        for block, drawn, rows in in_order(write_block, folder, options, workers):
            p = oracle.probabilities(drawn)
            manifest.writerows(row.manifest for row in rows)
            measurements.writerows(measurement_rows(drawn, rows, options.seed))
            truth.write_table(truth_table(drawn, rows, p))
            tally.add(drawn, rows, p)
            if progress is not None:
                progress(min((block + 1) * BLOCK, options.patients), options.patients)
    text = json.dumps(summary(options, tally), indent=2, ensure_ascii=False)
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8")
