"""Small subjects of explanation: a few records, and networks that have learnt them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from components.core.attribution.groups import SEGMENTS
from components.core.attribution.target import Target
from components.core.config.heads import BinaryHead
from components.core.config.text import TextConfig
from components.core.data.batches import Batch
from components.core.data.cohort import Rows, read_part
from components.core.data.event_input import Source
from components.core.data.event_shards import FlatEvents
from components.core.data.texts import NOTE, notes_of
from components.core.device import Place
from components.core.heads.registry import View
from components.core.modalities import ARRAYS
from components.core.models.registry import build_model, model_file
from components.core.models.spec import DataSpec
from components.core.store import Stage
from components.core.text.tfidf import fit_tfidf
from components.explain.subject import Subject
from tests.cohorts import LEADS, CohortOptions, write_cohort
from tests.event_cohort import ingested_stays, prepared_stays, write_stays

FOLD = "holdout"
VIEW = View(name="ctrcd", head=BinaryHead())
PLACE = Place("cpu", "fp32", "test")
# Records of the training part by place: 0 lacks lead `MISSING`, 0 and 1 are padded by 8 samples on
# either side, in `BEATLESS` no beat is found, `NOTELESS` has no note.
MISSING, PADDING, BEATLESS, NOTELESS = 3, 8, 2, 4
# Record of the training part of the ICU stays that has no event.
EVENTLESS = 2
OPTIONS = CohortOptions(patients=40, length=256, padded=2, missing_lead=MISSING)
WORDS = ("dyspnoea", "chest", "pain", "normal", "ef", "55", "no", "oedema", "fatigue", "statin")


def rows_of(stage: Stage) -> Rows:
    """Return the training records of a small cohort, with notes."""
    rows = read_part(stage, FOLD, "train")
    rng = np.random.default_rng(5)
    notes = [" ".join(rng.choice(WORDS, 9)) + ", unseenword." for _ in range(len(rows))]
    notes[NOTELESS] = ""
    frame = rows.frame.assign(**{NOTE: notes})
    config = TextConfig(width=6, min_documents=2, ngram=(1, 2))
    encoder = fit_tfidf(notes, config)
    return replace(
        rows,
        frame=frame,
        text=encoder.transform(notes_of(frame)),
        text_mask=np.array([bool(note) for note in notes]),
        stats=rows.stats.model_copy(update={"text": encoder}),
    )


def segments_of(rows: Rows) -> np.ndarray:
    """Return made-up segments `[n, L]`: beats of 100 samples, begun anywhere."""
    parts = np.repeat(np.arange(len(SEGMENTS)), [10, 12, 14, 20, 44])
    rng = np.random.default_rng(6)
    length = rows.reader.ecg(rows.shard[:1], rows.shard_row[:1]).shape[-1]  # type: ignore[union-attr]
    found = np.stack(
        [np.resize(np.roll(parts, rng.integers(100)), length) for _ in range(len(rows))]
    )
    found[BEATLESS] = -1
    return found.astype(np.int8)


def spec_of(rows: Rows) -> DataSpec:
    """Return what a network must know of these records."""
    return DataSpec(
        leads=len(LEADS),
        length=OPTIONS.length,
        tabular=rows.tabular.shape[1],
        text=rows.text.shape[1],
        arrays={name: part.reader.shape for name, part in rows.arrays.items()},
        events=0 if rows.events is None else rows.events.stats.width,
        heads={"ctrcd": 2},
    )


def subject_of(networks: Sequence[nn.Module], inputs: tuple[str, ...], rows: Rows) -> Subject:
    """Return networks and records, ready to be explained."""
    return Subject(
        fold=FOLD,
        target=Target(networks, VIEW),
        inputs=inputs,
        rows=rows,
        leads=LEADS if "ecg" in inputs else (),
        fs=500.0,
        tabular_mean=torch.from_numpy(rows.tabular.mean(0)),
        segments=segments_of(rows) if "ecg" in inputs else None,
        place=PLACE,
    )


def made(name: str, *, members: int = 2, stage: Stage | None = None) -> Subject:
    """Return a subject with networks of a named model; needs an empty folder of stages."""
    rows = rows_of(write_cohort(options_of(name)) if stage is None else stage)
    networks = [taught(name, rows, seed=seed) for seed in range(members)]
    return subject_of(networks, model_file(name).INPUTS, rows)


def made_of_events(folder: Path, *, members: int = 2, stays: int = 40) -> Subject:
    """Return networks that read events and a table, and the first records; `EVENTLESS` has none.

    Needs an empty folder of stages.
    """
    rows = rows_of_events(folder, stays=stays)
    networks = [taught("event_transformer", rows, seed=seed) for seed in range(members)]
    return subject_of(networks, ("tabular", "events"), rows)


def rows_of_events(folder: Path, *, stays: int = 40) -> Rows:
    """Return the training records of a small cohort of ICU stays, of lengths that differ."""
    folder.mkdir(exist_ok=True)
    stage = prepared_stays(ingested_stays(write_stays(folder, stays=stays, longest=12)))
    rows = read_part(stage, FOLD, "train")
    assert rows.events is not None
    return replace(rows, events=replace(rows.events, source=Without(rows.events.source)))


class Without:
    """Sequences but for those of one record, which then has no event."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.lengths = source.lengths.copy()
        self.lengths[EVENTLESS] = 0

    def read(self, index: np.ndarray) -> FlatEvents:
        """Return the events of the named records, in that order."""
        events = self._source.read(index)
        return events.chosen(np.repeat(index != EVENTLESS, events.lengths))


def options_of(name: str) -> CohortOptions:
    """Return a cohort that has what a named model reads."""
    arrays = tuple(own for own in ARRAYS if own in model_file(name).INPUTS)
    return replace(OPTIONS, arrays=arrays)


def taught(name: str, rows: Rows, *, seed: int) -> nn.Module:
    """Return a network that has learnt these few records by heart, so that it tells them apart."""
    torch.manual_seed(seed)
    network = build_model({"name": name, **SMALL.get(name, {})}, spec_of(rows))
    stand_in = subject_of([network], model_file(name).INPUTS, rows)
    batch: Batch = stand_in.batch(np.arange(len(rows)))
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(30):
        loss = nn.functional.cross_entropy(network.train()(batch)["ctrcd"], batch["label"])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network.eval()


SMALL = {
    "ecg": {"width": 4, "depth": 2, "head_hidden": 32},
    "ecg+tabular": {"width": 4, "depth": 2, "head_hidden": 32},
    "multimodal": {"image_width": 4, "image_depth": 2, "sound_width": 4, "sound_depth": 2},
    "hcat": {"d_model": 16, "n_heads": 2, "n_global_layers": 1, "latent": 8},
    "trunk": {"width": 4, "depth": 2, "hidden_size": 16, "head_hidden": 32},
    "event_transformer": {
        "d_model": 8,
        "layers": 1,
        "heads": 2,
        "feedforward": 16,
        "pool_heads": 2,
        "hidden": (8, 8),
    },
}
