"""The whole evaluation of a cohort of embeddings with two endpoints."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from components.core.heads.censoring import view_weights
from components.core.metrics.tables import sigmoid
from components.core.modalities import EMBEDDED
from components.core.schemas import MANIFEST
from components.core.upstream import Upstream
from components.evaluate.heads.said import heads_frame
from components.evaluate.run import _place
from components.evaluate.tracking import PUBLISHED
from tests.evaluate.conftest import Example, context_of
from tests.evaluate.embedded import HEADS, HORIZON, RECURRENCE
from tests.tracking_names import table, uncovered

Get = Callable[[str], Example]


@pytest.fixture(scope="module")
def done(examples: Get) -> Example:
    return examples("embedded")


@pytest.fixture(scope="module")
def kept(done: Example) -> pd.DataFrame:
    return pd.read_parquet(done.stage.folder / "endpoints.parquet")


@pytest.fixture(scope="module")
def heads(done: Example) -> pd.DataFrame:
    context = context_of(done)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "components.core.data.held_out.run_tag", lambda *_: context.opening.test_split
        )
        return heads_frame(
            done.behind, done.task, context.tests, context.opening, _place(done.behind)
        )


def manifest_of(stages: Upstream) -> pd.DataFrame:
    return pd.read_parquet(stages.cohort.folder / MANIFEST)


def asked(done: Example) -> pd.DataFrame:
    frame = manifest_of(done.behind)
    return frame[frame["part.holdout"] == "test"]


def row(kept: pd.DataFrame, head: str, figure: str, view: str = "competing_known") -> pd.Series:
    own = (kept["head"] == head) & (kept["figure"] == figure) & (kept["view"] == view)
    (found,) = kept[own].itertuples(index=False)
    return pd.Series(found._asdict())


@pytest.mark.parametrize("name", ["embedded", "embedded_folds"])
def test_every_figure_and_tag_has_a_row(examples: Get, name: str) -> None:
    facts = examples(name).stage.facts
    assert uncovered(facts["figures"]) == []
    assert uncovered(facts["tags"], "Tags") == []
    assert any("best_baseline" in each for each in table("Tags"))


def test_counts_are_those_of_the_follow_up(done: Example, kept: pd.DataFrame) -> None:
    frame = asked(done)
    time, code = frame["time_days.recurrence"], frame["event_code.recurrence"]
    events = ((code == 1) & (time <= RECURRENCE)).sum()
    died = ((code == 2) & (time <= RECURRENCE)).sum()
    censored = ((code == 0) & (time < RECURRENCE)).sum()
    found = row(kept, "recurrence", "auroc")
    assert min(events, died, censored) > 0
    assert (found["events"], found["competing"], found["censored"]) == (events, died, censored)
    assert found["patients"] == len(frame) - censored
    assert found["raw_prevalence"] == pytest.approx(events / (len(frame) - censored))
    older = row(kept, "recurrence", "auroc", "without_competing")
    assert older["patients"] == found["patients"] - died
    assert older["events"] == events


def test_each_head_is_weighted_by_its_own_censoring(
    done: Example, heads: pd.DataFrame, kept: pd.DataFrame
) -> None:
    frame = manifest_of(done.behind)
    train = frame[frame["part.holdout"] == "train"]
    head = done.task.all_heads()["recurrence"]
    weight = pd.Series(
        view_weights(head, asked(done), train), index=asked(done)["sample_id"].to_numpy()
    )
    known = heads[heads["y.recurrence"].notna()]
    own = weight.loc[known["sample_id"]].to_numpy()
    y, score = known["y.recurrence"].to_numpy(float), known["score.recurrence"].to_numpy(float)
    found = row(kept, "recurrence", "auroc")
    assert found["value"] == pytest.approx(roc_auc_score(y, score, sample_weight=own))
    assert found["prevalence"] == pytest.approx(np.average(y, weights=own))
    auprc = row(kept, "recurrence", "auprc")["value"]
    assert auprc == pytest.approx(average_precision_score(y, score, sample_weight=own))
    prob = sigmoid(known["out.recurrence.logit"].to_numpy(float))
    brier = row(kept, "recurrence", "brier")["value"]
    assert brier == pytest.approx(brier_score_loss(y, prob, sample_weight=own))
    # The label's weights are others: of death.
    assert not np.allclose(own, asked(done).set_index("sample_id")["weight.holdout"]
                           .loc[known["sample_id"]].fillna(1))  # fmt: skip


def test_the_figures_of_the_primary_head_are_the_headline(
    done: Example, kept: pd.DataFrame
) -> None:
    figures = done.stage.facts["figures"]
    for name in ("auroc", "auprc", "f1", "brier", "ece"):
        assert row(kept, "survival", name)["value"] == pytest.approx(figures[f"test/{name}"])
        assert figures[f"test/head/recurrence/{name}"] == row(kept, "recurrence", name)["value"]
    auroc = row(kept, "recurrence", "auroc", "without_competing")["value"]
    assert figures["test/head/recurrence/without_competing/auroc"] == auroc
    assert "test/head/survival/without_competing/auroc" not in figures


def test_times_are_those_of_each_endpoint(done: Example, kept: pd.DataFrame) -> None:
    frame, figures = asked(done), done.stage.facts["figures"]
    found = row(kept[kept["horizon_days"] == 365], "recurrence_time", "time_auc", "times")
    code, time = frame["event_code.recurrence"], frame["time_days.recurrence"]
    assert found["events"] == ((code == 1) & (time <= 365)).sum()
    assert found["endpoint"] == "recurrence"
    assert figures["test/head/recurrence_time/time_auc/365"] == found["value"]
    died = row(kept[kept["horizon_days"] == HORIZON], "survival_time", "survival_brier", "times")
    assert died["competing"] == 0
    assert {"test/head/recurrence_time/uno_c_minus_cox", "test/head/survival_time/uno_c"} <= set(
        figures
    )


def test_the_first_line_says_how_it_stands_against_the_best_simple_model(done: Example) -> None:
    rows = pd.read_parquet(done.stage.folder / "endpoint_baselines.parquet")
    first = done.stage.facts["headline"][0]
    assert first.startswith("survival: ")
    for head in ("survival", "recurrence"):
        own = rows[(rows["head"] == head) & (rows["figure"] == "auroc")]
        best = own.loc[own["validation_auroc"].idxmax()]
        assert best["best"]
        assert own["best"].sum() == 1
        said = re.search(rf"{head}: (.*?) the best simple model \((.*?);", first)
        assert said is not None
        assert said[2] == best["model"].replace("_", " ")
        assert (said[1] in ("loses against", "worse than")) == (best["minus_value"] < 0)
        tag = done.stage.facts["tags"][f"best_baseline.{head}"]
        assert tag == best["model"]
    figures = done.stage.facts["figures"]
    gap = figures["test/head/recurrence/baseline/random_forest/auroc_diff"]
    forest = rows[(rows["head"] == "recurrence") & (rows["model"] == "random_forest")]
    assert gap == forest[forest["figure"] == "auroc"]["minus_value"].iloc[0]


def test_tables_are_kept_for_programs_and_people(done: Example, kept: pd.DataFrame) -> None:
    published = done.stage.facts["published"]
    names = ("endpoints", "endpoint_baselines", "stress_matrix")
    assert published == [*PUBLISHED, *(f"{n}{e}" for n in names for e in (".parquet", ".json"))]
    plain = json.loads((done.stage.folder / "endpoints.json").read_text())
    assert len(plain) == len(kept)
    assert plain[0]["value"] == pytest.approx(kept["value"].iloc[0])
    patients = set(manifest_of(done.behind)["patient_id"])
    assert not patients & set(re.findall(r"\w+", json.dumps(plain)))


def test_the_stress_matrix_has_every_subset_for_every_endpoint(
    done: Example, heads: pd.DataFrame, kept: pd.DataFrame
) -> None:
    matrix = pd.read_parquet(done.stage.folder / "stress_matrix.parquet")
    for name in ("survival", "recurrence"):
        own = matrix[matrix["head"] == name]
        assert len(own.drop_duplicates(list(EMBEDDED))) == len(own) == 31
        whole = own[own["lost"] == 0].iloc[0]
        assert whole["auroc"] == pytest.approx(row(kept, name, "auroc")["value"])
        frame = asked(done).set_index("sample_id")
        known = frame.loc[heads.loc[heads[f"y.{name}"].notna(), "sample_id"]]
        for each in own.itertuples():
            there = [n for n in EMBEDDED if getattr(each, n)]
            has = known[[f"shard.{n}" for n in there]].notna().any(axis=1)
            assert each.patients == has.sum()
            assert each.events == known.loc[has, f"y.{name}"].sum()
    figures = done.stage.facts["figures"]
    lost = "robustness/without_emb_clinical/auroc"
    assert lost in figures
    assert f"test/head/recurrence/{lost}" in figures


def test_nothing_is_said_of_inputs_that_nobody_has(done: Example) -> None:
    card = (done.stage.folder / "model_card.md").read_text()
    assert "Embeddings made beforehand" in card
    assert "imputes it or sets a learned vector" in card
    page = (done.stage.folder / "report.html").read_text()
    told = html.unescape(re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.S))
    for text in (card, told):
        assert "tables only" not in text
        assert "numbers of the heart sound" not in text
        assert "numbers of the picture" not in text
        assert "A picture, sound or table that a record lacks" not in text
    assert "the entries of each embedding" in told
    assert "How good is it for each endpoint?" in told


def test_folds_are_judged_within_and_the_first_repeat_is_stressed(examples: Get) -> None:
    done = examples("embedded_folds")
    kept = pd.read_parquet(done.stage.folder / "endpoints.parquet")
    matrix = pd.read_parquet(done.stage.folder / "stress_matrix.parquet")
    whole = matrix[(matrix["head"] == "recurrence") & (matrix["lost"] == 0)].iloc[0]
    found = row(kept, "recurrence", "auroc")
    assert whole["patients"] == found["patients"]  # every patient is tested in every repeat
    assert whole["auroc"] != found["value"]
    page = (done.stage.folder / "report.html").read_text()
    assert "AUROC and AUPRC are means of within-fold figures, the others are pooled." in page
    assert set(HEADS) == {*kept["head"]}
