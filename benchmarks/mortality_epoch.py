"""A training epoch of the Transformer over event sequences of very different lengths."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import torch

from benchmarks.harness.row import Comparison, Outcome, Row
from components.core.config.events import EventsConfig
from components.core.config.text import TextConfig
from components.core.data.cohort import Rows
from components.core.data.event_input import EventInput, text_vectors
from components.core.data.event_shards import FlatEvents, spans
from components.core.data.event_stats import fit_events
from components.core.data.foldstats import FoldStats, fit_fold

BATCH, TOKENS = 32, 16_384
# Of events known 24 hours after admission: median, spread of the logarithm, longest.
MEDIAN, SPREAD, LONGEST = 300, 0.9, 6000
# A try with fewer stays than this has short sequences, too.
SMALLEST, SHORT = 96, 400
ITEMS = 400
# Batches that the peer is timed on; its epoch is extrapolated.
TIMED = 12
# As pipelines/mortality.yaml has it; without dropout, under which torch's attention on a CPU keeps
# S × S numbers a head, so that the peer's longest batches would not fit into memory.
MODEL: dict[str, Any] = {
    "name": "event_transformer", "d_model": 64, "layers": 2, "heads": 4, "feedforward": 128,
    "hidden": [64, 32], "dropout": 0.0,
}  # fmt: skip
Ints = npt.NDArray[np.int64]


class _Held:
    """Drawn sequences in memory."""

    def __init__(self, events: FlatEvents) -> None:
        self._events = events
        self.lengths = events.lengths

    def read(self, index: Ints) -> FlatEvents:
        own = self._events
        lengths = own.lengths[index]
        place = spans(own.offsets[index], lengths)
        return FlatEvents(
            seconds=own.seconds[place], known_seconds=own.known_seconds[place],
            kind=own.kind[place], text=own.text[place],
            offsets=np.concatenate([[0], np.cumsum(lengths)]),
        )  # fmt: skip


def _drawn(size: int) -> FlatEvents:
    rng = np.random.default_rng(0)
    longest = LONGEST if size >= SMALLEST else SHORT
    lengths = np.minimum(rng.lognormal(np.log(MEDIAN), SPREAD, size).astype(np.int64) + 1, longest)
    lengths[size // 2] = longest
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    total = int(offsets[-1])
    seconds = rng.integers(0, 48 * 3600, total)
    stay = np.repeat(np.arange(size), lengths)
    seconds = seconds[np.lexsort((-seconds, stay))].astype(np.int32)
    text = np.minimum(rng.zipf(1.3, total) - 1, ITEMS - 1).astype(np.int32)
    return FlatEvents(
        seconds=seconds, known_seconds=seconds, kind=(text % 5).astype(np.int8), text=text,
        offsets=offsets,
    )  # fmt: skip


def _rows(size: int) -> Rows:
    events = _drawn(size)
    letters = "abcdefghijklmnopqrst"
    texts = pa.array([f"{letters[n // 20]}item {letters[n % 20]}kind" for n in range(ITEMS)])
    config = EventsConfig(text=TextConfig(width=64, min_documents=1))
    number = np.arange(size)
    stats = fit_events(events, number.astype(object), texts, config, None)
    frame = pd.DataFrame({
        "sample_id": [f"s{n}" for n in number], "patient_id": [f"p{n}" for n in number],
        "label": (number % 8 == 0).astype(np.int64), "weight": 1.0,
    })  # fmt: skip
    whole: FoldStats = fit_fold("all", frame, [], None, (), events=stats)
    nothing = np.zeros((size, 0), np.float32)
    return Rows(
        frame=frame, reader=None, tabular=nothing, stats=whole, text=nothing,
        text_mask=np.zeros(size, np.bool_),
        events=EventInput(
            source=_Held(events), texts=texts, vectors=text_vectors(texts, stats, None),
            stats=stats, index=number,
        ),
    )  # fmt: skip


def _prepare(folder: Path, size: int) -> None:
    del folder, size


def _model(rows: Rows) -> torch.nn.Module:
    from components.core.members import data_spec
    from components.core.models.registry import build_model

    torch.manual_seed(0)
    return build_model(MODEL, data_spec(rows, leads=0, length=0, heads={"mortality": 2}))


def _answers(model: torch.nn.Module, rows: Rows, parts: list[list[int]]) -> npt.NDArray[Any]:
    """Return `[n, 2]` logits of freshly initialised weights, in the order of the records."""
    from components.core.data.batches import raw_batch

    found = np.zeros((sum(map(len, parts)), 2))
    with torch.no_grad():
        for own in parts:
            found[own] = model.eval()(raw_batch(rows, np.array(own)))["mortality"].double().numpy()
    return found


def _trained(model: torch.nn.Module, batches: Iterator[dict[str, torch.Tensor]]) -> int:
    optimiser = torch.optim.AdamW(model.train().parameters(), fused=True)
    done = 0
    for batch in batches:
        logits = model(batch)["mortality"]
        loss = torch.nn.functional.cross_entropy(logits, batch["label"])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        done += len(logits)
    return done


def _side(size: int, batches: Any, parts: list[list[int]], rows: Rows) -> Outcome:  # noqa: ANN401
    model = _model(rows)
    lengths = rows.events.lengths if rows.events is not None else np.zeros(0)
    result = _answers(model, rows, parts)[: min(size, 64)]
    start = time.perf_counter()
    done = _trained(model, batches)
    seconds = time.perf_counter() - start
    padded = sum(len(own) * int(lengths[own].max()) for own in parts) / lengths.sum()
    return Outcome(
        seconds=seconds, units=done, result=result,
        facts={"takes": f"{seconds / done * 1e3:.1f} ms per stay",
               "steps, padding included": f"{padded:.2f} times the events"},
    )  # fmt: skip


def _ours(folder: Path, size: int) -> Outcome:
    from components.core.data.batches import loader

    del folder
    rows = _rows(size)
    batches = loader(rows, batch=BATCH, tokens=TOKENS, seed=0, shuffle=True)
    parts = [list(own) for own in batches.sampler]
    return _side(size, iter(batches), parts, rows)


def _padded(folder: Path, size: int) -> Outcome:
    from components.core.data.batches import raw_batch

    del folder
    rows = _rows(size)
    order = np.random.default_rng(0).permutation(size)
    parts = [order[first : first + BATCH].tolist() for first in range(0, size, BATCH)]
    batches = (raw_batch(rows, np.array(own)) for own in parts[:TIMED])
    return _side(size, batches, parts, rows)


ROW = Row(
    name="mortality_epoch",
    unit="stays",
    sizes=(SMALLEST, 384, 1536),
    quick=(32, 48, 64),
    prepare=_prepare,
    work=lambda size: size,
    sides={"ours": _ours, "padded": _padded},
    comparisons=(
        Comparison(
            work="a training epoch of the Transformer over {size} stays' events (median "
            f"{MEDIAN}, longest {LONGEST})",
            ours="ours", other="padded", ratio=3, tolerance=1e-4,
            peer=f"random batches of {BATCH}, each padded to its longest sequence",
        ),
    ),
    notes=(
        f"Ours: batches of like length, at most {BATCH} stays and about {TOKENS:,} steps. The same "
        "network on both sides, 64 wide with 2 layers, fp32; nothing is cut off. The peer is "
        f"extrapolated from {TIMED} batches.",
    ),
)  # fmt: skip
