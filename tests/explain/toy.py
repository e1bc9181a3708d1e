"""Networks whose attributions are known on paper, on a few made-up records."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from components.core.attribution.groups import SEGMENTS, Grouped, cell_names
from components.core.attribution.target import Target
from components.core.config.explain import ExplainConfig
from components.core.config.heads import BinaryHead
from components.core.data.cohort import Rows
from components.core.data.foldstats import FoldStats
from components.core.data.tabular import fit_tabular
from components.core.data.tensors import TensorReader
from components.core.device import Place
from components.core.heads.registry import View
from components.core.signals.normalise import NormStats
from components.explain.method import Attributed
from components.explain.subject import Subject

LEADS, LENGTH = ("I", "II", "V1"), 40
CELLS = cell_names(LEADS)
_SCALE = 0.01


class Shards:
    """Counts in memory, as a reader of shards gives them."""

    def __init__(self, records: int, *, missing: dict[int, int], padded: bool) -> None:
        rng = np.random.default_rng(1)
        self._ecg = rng.integers(-300, 300, (records, len(LEADS), LENGTH)).astype(np.int16)
        self._mask = np.ones((records, len(LEADS)), np.bool_)
        for record, lead in missing.items():
            self._mask[record, lead] = False
        self._valid = np.tile([0, LENGTH - 10 if padded else LENGTH], (records, 1))

    def ecg(self, _shard: Any, row: Any) -> np.ndarray:
        return self._ecg[row]

    def scale(self, _shard: Any, row: Any) -> np.ndarray:
        return np.full((len(row), len(LEADS)), _SCALE, np.float32)

    def lead_mask(self, _shard: Any, row: Any) -> np.ndarray:
        return self._mask[row]

    def valid(self, _shard: Any, row: Any) -> np.ndarray:
        return self._valid[row]


class Linear(nn.Module):
    """Log-odds `sum(w · ecg) + v · tabular`; its own `free` parameter has no way to be reset."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.ecg = nn.Linear(len(LEADS) * LENGTH, 1)
        self.tabular = nn.Linear(4, 1, bias=False)
        self.free = nn.Parameter(torch.ones(4))
        with torch.no_grad():
            for each in (self.ecg.weight, self.tabular.weight):
                each.copy_(torch.randn(each.shape, generator=generator))

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        said = self.ecg(batch["ecg"].flatten(1)) + self.tabular(batch["tabular"])
        odds = said + 0 * self.free.sum()
        return {"toy": torch.cat([torch.zeros_like(odds), odds], dim=1)}


class Normed(nn.Module):
    """The same behind a batch normalisation of leads."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(len(LEADS), momentum=0.3)
        self.inner = Linear()

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return self.inner({**batch, "ecg": self.norm(batch["ecg"])})


class Exact:
    """Attributions of `Linear`, exact; with `sign=-1` each the opposite."""

    NAME, TITLE, ORDER = "exact", "Exact", 1

    def __init__(self, sign: float = 1.0, error: float = 0.0) -> None:
        self.sign, self.error = sign, error

    def why_not(self, _subject: Subject) -> str:
        return ""

    def passes(self, _subject: Subject, _config: ExplainConfig) -> float:
        return 1.0

    def explain(self, subject: Subject, index: np.ndarray, config: ExplainConfig) -> Attributed:
        del config
        model = cast(Linear, subject.target.models[0])
        batch = subject.batch(index)
        change = batch["ecg"] - subject.baselines(batch)["ecg"]
        weight = model.ecg.weight.detach().view(1, len(LEADS), LENGTH)
        dense = (change * weight).numpy().astype(np.float64) * self.sign
        return Attributed(
            grouped={"lead_segment": by_cell(subject, index, dense)},
            values={"ecg": dense.astype(np.float32)},
            error=np.full(len(index), self.error),
            over=("ecg",),
        )


class Blind(Exact):
    """Looks at the input alone."""

    NAME, TITLE = "blind", "Blind"

    def explain(self, subject: Subject, index: np.ndarray, config: ExplainConfig) -> Attributed:
        del config
        dense = np.abs(subject.batch(index)["ecg"].numpy().astype(np.float64))
        return Attributed(grouped={"lead_segment": by_cell(subject, index, dense)})


def by_cell(subject: Subject, index: np.ndarray, dense: np.ndarray) -> Grouped:
    """Return sums of `[n, K, L]` per lead and segment; NaN without a beat or without the lead."""
    assert subject.segments is not None
    segments = subject.segments[index]
    sums = np.stack(
        [(dense * (segments == k)[:, None]).sum(-1) for k in range(len(SEGMENTS))], axis=-1
    )
    sums[(segments < 0).all(axis=1)] = np.nan
    assert subject.rows.reader is not None
    sums[~subject.rows.reader.lead_mask(index, index)] = np.nan
    return Grouped(kind="lead_segment", names=CELLS, values=sums.reshape(len(index), -1))


def subject(
    model: nn.Module | None = None,
    *,
    # A category needs five patients to be encoded.
    records: int = 12,
    without_beat: tuple[int, ...] = (),
    missing: dict[int, int] | None = None,
    padded: bool = False,
) -> Subject:
    """Return records with an ECG of three leads and a table, and one network."""
    table = pd.DataFrame({"age": np.linspace(40, 80, records), "sex": ["F", "M"] * (records // 2)})
    table.loc[0, "age"] = np.nan
    rows = _rows(table, records, Shards(records, missing=missing or {}, padded=padded))
    segments = np.tile(np.arange(LENGTH) // 8, (records, 1)).astype(np.int8)
    segments[list(without_beat)] = -1
    head = View(name="toy", head=BinaryHead())
    return Subject(
        fold="holdout",
        target=Target([model or Linear()], head).eval(),
        inputs=("ecg", "tabular"),
        rows=rows,
        leads=LEADS,
        fs=100.0,
        tabular_mean=torch.from_numpy(rows.tabular.mean(axis=0)),
        segments=segments,
        place=Place("cpu", "fp32", "toy"),
    )


def _rows(table: pd.DataFrame, records: int, shards: Shards) -> Rows:
    norm = NormStats(leads=LEADS, mean=(0.1, 0.0, -0.2), sd=(1.0, 0.5, 2.0), count=(9, 9, 9))
    encoder = fit_tabular(table[["age", "sex"]])
    frame = pd.DataFrame(
        {
            "sample_id": [f"s{i}" for i in range(records)],
            "patient_id": [f"p{i // 2}" for i in range(records)],
            "label": np.arange(records) % 2,
            "weight": 1.0,
            "shard": 0,
            "shard_row": np.arange(records),
        }
    )
    return Rows(
        frame=frame,
        reader=cast(TensorReader, shards),
        tabular=encoder.transform(table),
        stats=FoldStats(
            fold="holdout", records=records, ids_sha256="", tabular=encoder,
            ecg=json.loads(json.dumps(asdict(norm))),
        ),
        text=np.zeros((records, 0), np.float32),
        text_mask=np.zeros(records, np.bool_),
    )  # fmt: skip
