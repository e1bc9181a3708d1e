"""Writes the cohort of pictures and sounds: manifest, files and truth."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from components.ingest.synthetic.cohort import BLOCK, SITES
from components.ingest.synthetic.media.block import write_block
from components.ingest.synthetic.media.columns import columns
from components.ingest.synthetic.media.probability import MediaOracle
from components.ingest.synthetic.media.survey import disease_of
from components.ingest.synthetic.media.tally import Tally
from components.ingest.synthetic.media.truth import SCHEMA, summary, truth_table
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.ordered import in_order

FOLDERS = tuple(f"{kind}/{site}" for kind in ("ecg_image", "pcg") for site in SITES)


def write_media(
    folder: Path,
    options: SyntheticOptions,
    *,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Write the pictures and sounds into a prepared folder; see `generate`."""
    oracle, tally = MediaOracle(disease_of(options)), Tally()
    with (
        (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as stream,
        pq.ParquetWriter(folder / "truth.parquet", SCHEMA) as truth,
    ):
        manifest = csv.DictWriter(
            stream, columns(options), extrasaction="ignore", lineterminator="\n"
        )
        manifest.writeheader()
        for block, examined, rows in in_order(write_block, folder, options, workers):
            p = oracle.probabilities(examined.seen())
            manifest.writerows(row.manifest for row in rows)
            truth.write_table(truth_table(examined, rows, p))
            tally.add(examined, rows, p)
            if progress is not None:
                progress(min((block + 1) * BLOCK, options.patients), options.patients)
    text = json.dumps(summary(options, tally), indent=2, ensure_ascii=False)
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8")
