"""Writes the ICU cohort: MIMIC-IV's tables and the truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pyarrow.parquet as pq

from components.ingest.synthetic.cohort import BLOCK
from components.ingest.synthetic.icu.admissions import write_admissions
from components.ingest.synthetic.icu.bedside import write_ingredients, write_items, write_procedures
from components.ingest.synthetic.icu.cultures import write_cultures
from components.ingest.synthetic.icu.draw import draw_stays
from components.ingest.synthetic.icu.labs import write_lab_items, write_labs
from components.ingest.synthetic.icu.orders import write_orders
from components.ingest.synthetic.icu.probability import probabilities
from components.ingest.synthetic.icu.sheets import Sheets
from components.ingest.synthetic.icu.truth import SCHEMA, Tally, summary, truth_table
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.ordered import block_count

_TABLES = (
    write_admissions, write_labs, write_orders, write_procedures, write_ingredients, write_cultures,
)  # fmt: skip


def write_icu(
    folder: Path,
    options: SyntheticOptions,
    *,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Write the tables into a prepared folder; see `generate`.

    In one process, since rows follow each other in few files; a generation that was killed begins
    anew. A block is drawn whole and cut, so that the cohort's size changes no patient.
    """
    tally = Tally()
    with ExitStack() as stack:
        sheets = Sheets(folder, options.patients, stack)
        truth = stack.enter_context(pq.ParquetWriter(folder / "truth.parquet", SCHEMA))
        write_lab_items(sheets)
        write_items(sheets)
        for block in range(block_count(options)):
            stays = draw_stays(options.seed, block, broken=options.broken_files)
            kept = stays.of(stays.patient < options.patients)
            for write in _TABLES:
                write(sheets, stays, options, block)
            chances = probabilities(kept)
            truth.write_table(truth_table(kept, chances))
            tally.add(kept, chances)
            if progress is not None:
                progress(min((block + 1) * BLOCK, options.patients), options.patients)
    told = summary(options, tally, dict(sheets.rows))
    text = json.dumps(told, indent=2, ensure_ascii=False)
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8")
