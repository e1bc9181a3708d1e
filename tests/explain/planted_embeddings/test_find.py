"""The planted section of embeddings, from a synthetic cohort and networks known on paper."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from components.core.attribution.target import Target
from components.core.config.explain import ExplainConfig
from components.core.config.heads import BinaryHead
from components.core.data.cohort import read_part
from components.core.data.foldstats import FoldStats
from components.core.device import Place
from components.core.heads.registry import View
from components.core.metrics.resampling import Plan
from components.core.modalities import EMBEDDED, short_name
from components.core.planted_factors import PlantedFactors
from components.core.planted_truth import truth_factors, truth_summary
from components.core.report.section import Section
from components.core.store import Stage
from components.core.upstream import Upstream
from components.explain import chunks
from components.explain.explained import Explained, Fold, records_of
from components.explain.methods import integrated_gradients as ig
from components.explain.methods import shapley_sampling
from components.explain.planted_embeddings import find
from components.explain.planted_embeddings.facts import risk_of
from components.explain.subject import Subject
from tests.chain import ingest_config, ingested
from tests.embedding_cohort import prepared_embeddings
from tests.tracking_names import uncovered

OPTIONS: dict[str, Any] = {
    "part": "embeddings", "patients": 250, "emb_widths": [12, 10, 8, 9, 11], "emb_missing": 0.3,
}  # fmt: skip
CONFIG = ExplainConfig(steps=8, permutations=3, draws=100)
PLAN = Plan(draws=100)


class Best(nn.Module):
    """Says the planted risk as well as the embeddings that are there allow, by the textbook."""

    def __init__(self, planted: PlantedFactors, risk: np.ndarray, stats: FoldStats) -> None:
        super().__init__()
        self.risk = torch.from_numpy(risk)
        self.own = {
            name: (
                torch.from_numpy(planted.modalities[name].loadings),
                torch.from_numpy(planted.modalities[name].noise),
                torch.tensor(stats.arrays[name].sd),
            )
            for name in EMBEDDED
        }

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        precision = torch.eye(len(self.risk), dtype=torch.float64)[None]
        pull: Any = 0
        for name, (loadings, noise, sd) in self.own.items():
            there = batch[f"{name}_mask"].double()
            weight = there * batch.get(f"{name}_quality", there).double()
            gain = loadings.T / noise
            precision = precision + weight[:, None, None] * (gain @ loadings)
            pull = pull + weight[:, None] * ((batch[name] * sd).double() @ gain.T)
        odds = (torch.linalg.solve(precision, pull) @ self.risk).float()
        return {"survival": torch.stack([torch.zeros_like(odds), odds], dim=1)}


class Turned(Best):
    """Looks at what the risk is not planted in."""

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        own = {name: batch[name].flip(1) for name in EMBEDDED}
        return super().forward({**batch, **own})


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stage, Stage]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("data")))
        source = ingested(ingest_config("synthetic", Path(), OPTIONS))
        return source, prepared_embeddings(source)


def sections(
    stages: tuple[Stage, Stage],
    folder: Path,
    kind: type[Best] = Best,
    *,
    methods: tuple[Any, ...] = (ig, shapley_sampling),
    head: str = "survival",
    **facts: Any,
) -> list[Section]:
    source, cohort = stages
    planted, truth = truth_factors(source), truth_summary(source)
    assert planted is not None
    assert truth is not None
    risk = risk_of(truth, planted, "survival")
    assert risk is not None
    rows = read_part(cohort, "holdout", "train")
    view = View(name="survival", head=BinaryHead(kind="binary"))
    subject = Subject(
        fold="holdout", target=Target([kind(planted, risk, rows.stats)], view), inputs=EMBEDDED,
        rows=rows, leads=(), fs=0.0, tabular_mean=torch.zeros(0), segments=None,
        place=Place("cpu", "fp32", "toy"),
    )  # fmt: skip
    every = chunks.plan([subject], methods)
    chunks.run_chunks(folder, every, CONFIG)
    chunks.merge(folder, every, lambda table: table)
    fold = Fold(
        subject=subject, said=chunks.attributed(folder, every, subject),
        records=records_of(subject, view),
    )  # fmt: skip
    asked = View(name=head, head=view.head)
    explained = Explained(folds=[fold], methods=list(methods), config=CONFIG, head=asked)
    held = {"embeddings": {**cohort.facts["embeddings"], **facts}}
    behind = cast(Upstream, SimpleNamespace(ingest=source, cohort=SimpleNamespace(facts=held)))
    return find.planted_embeddings_sections(folder, explained, behind, PLAN)


@pytest.fixture(scope="module")
def best(stages: tuple[Stage, Stage], tmp_path_factory: pytest.TempPathFactory) -> Section:
    (found,) = sections(stages, tmp_path_factory.mktemp("best"))
    return found


def test_the_best_network_has_what_was_planted(best: Section) -> None:
    for name in map(short_name, EMBEDDED):
        for method in ("ig", "shapley"):
            own = best.figures[f"planted_share/{name}/{method}"]
            assert own.value == pytest.approx(
                best.figures[f"planted_part/{name}/{method}"].value, abs=1e-4
            )
            assert 0.05 < own.lo < own.value < own.hi < 0.5
        assert best.figures[f"planted_direction/{name}"].value == pytest.approx(1.0, abs=1e-3)
        assert best.figures[f"planted_direction_over_random/{name}"].lo > 3
        assert best.figures[f"planted_direction_over_moved/{name}"].lo > 1.2
    assert best.figures["planted_order/ig"].value == pytest.approx(1.0)
    assert best.figures["planted_follows/ig"].value == pytest.approx(1.0, abs=1e-4)
    parts = [best.figures[f"planted_part/{short_name(name)}/ig"].value for name in EMBEDDED]
    assert sum(parts) == pytest.approx(1.0)


def test_a_network_that_looks_elsewhere_is_told(
    stages: tuple[Stage, Stage], tmp_path: Path, best: Section
) -> None:
    (found,) = sections(stages, tmp_path, Turned, methods=(ig,))
    assert found.figures["planted_direction/all"].hi < best.figures["planted_direction/all"].lo
    assert found.figures["planted_follows/ig"].hi < 0.9
    assert "planted_share/clinical/shapley" not in found.figures


def test_the_section_says_counts_and_its_names_are_in_the_docs(best: Section) -> None:
    assert uncovered([f"explain/{name}" for name in best.figures]) == []
    titles = [table.caption for table in best.tables]
    assert titles[:2] == [
        "Attribution by embedding: Integrated Gradients",
        f"Attribution by embedding: {shapley_sampling.TITLE}",
    ]
    assert "records of" in best.tables[0].note
    assert {len(table.rows) for table in best.tables[:2]} == {5}
    assert best.tables[-1].rows[-1][0] == "all together"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"pool": "max"}, "Patches were pooled by 'max', and the planted law is that of their"),
        ({"head": "other"}, "The truth knows no risk of the head other: the explanation was not"),
    ],
)
def test_what_cannot_be_compared_is_said(
    stages: tuple[Stage, Stage], tmp_path: Path, more: dict[str, Any], sentence: str
) -> None:
    (found,) = sections(stages, tmp_path, methods=(ig,), **more)
    assert found.notices[0].text.startswith(sentence)
    assert not found.figures


def test_without_gradients_there_are_no_directions(
    stages: tuple[Stage, Stage], tmp_path: Path
) -> None:
    (found,) = sections(stages, tmp_path, methods=(shapley_sampling,))
    assert not [name for name in found.figures if "direction" in name]


def test_a_cohort_without_planted_factors_has_no_section(
    stages: tuple[Stage, Stage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "truth_summary", lambda stage: None)
    assert sections(stages, tmp_path, methods=(ig,)) == []
