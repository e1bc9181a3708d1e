"""Writes the cohort of embeddings: five HDF5 files, outcomes, truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pyarrow.parquet as pq

from components.core.planted_factors_file import write_factors
from components.core.planted_truth import FACTORS
from components.ingest.synthetic.cohort import BLOCK
from components.ingest.synthetic.embeddings.draw import draw_block
from components.ingest.synthetic.embeddings.files import Sheets
from components.ingest.synthetic.embeddings.mechanism import mechanism
from components.ingest.synthetic.embeddings.probability import probabilities
from components.ingest.synthetic.embeddings.truth import SCHEMA, Tally, summary, truth_table
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.ordered import block_count


def write_embeddings(
    folder: Path,
    options: SyntheticOptions,
    *,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Write the embeddings into a prepared folder; see `generate`.

    In one process: drawing them is a matter of milliseconds a block. A generation that was killed
    begins anew.
    """
    planted, tally = mechanism(options), Tally()
    with ExitStack() as stack:
        sheets = Sheets(folder, planted, stack)
        truth = stack.enter_context(pq.ParquetWriter(folder / "truth.parquet", SCHEMA))
        for block in range(block_count(options)):
            patients = draw_block(options, planted, block)
            chances = probabilities(planted, patients)
            sheets.add(patients, options.seed)
            truth.write_table(truth_table(planted, patients, chances))
            tally.add(patients, chances)
            if progress is not None:
                progress(min((block + 1) * BLOCK, options.patients), options.patients)
    write_factors(folder / FACTORS, planted)
    text = json.dumps(summary(options, tally), indent=2, ensure_ascii=False)
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8")
