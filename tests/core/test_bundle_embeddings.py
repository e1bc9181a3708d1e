"""A model of embeddings answers rows that lack any of them, or says why not."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from components.core.bundle import Prediction, Predictor
from components.core.bundle_answer import as_table, example_answer
from components.core.bundle_contributions import contributions
from components.core.bundle_embeddings import sent_vectors
from components.core.data.finish import Finisher
from components.core.errors import RecordError
from components.core.imputation.calibrate import Calibration, Mending
from components.core.modalities import EMBEDDED
from components.core.registry import input_example
from tests import embedding_standin
from tests.embedding_bundles import (
    HEADS,
    PATCHES,
    WIDTHS,
    know_standin,
    vectors,
    write_embedding_bundle,
)

know_standin()
NAN = float("nan")


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor(write_embedding_bundle(tmp_path_factory.mktemp("embeddings")))


def ask(predictor: Predictor, **cells: Any) -> Prediction:
    return predictor.predict(pd.DataFrame([cells]))[0]


def by_hand(predictor: Predictor, names: set[str], **quality: float) -> dict[str, torch.Tensor]:
    """Return a finished batch made of the pieces that training uses, for the first member."""
    member = predictor.members[0]
    batch: dict[str, torch.Tensor] = {}
    for name, sent in vectors().items():
        there = name in names
        own = torch.tensor(sent) * there
        if name == "emb_spatial":
            own = own[[0, 1, 3]]  # three of five, evenly spaced
            batch["emb_spatial_valid"] = torch.ones(1, PATCHES) * there
        batch[name] = own[None]
        batch[f"{name}_mask"] = torch.tensor([float(there)])
        batch[f"{name}_quality"] = torch.tensor([quality.get(name, 1.0) * there])
    return Finisher(member.stats)(batch)


def log_odds(predictor: Predictor, names: set[str], **quality: float) -> float:
    batch = by_hand(predictor, names, **quality)
    with torch.no_grad():
        said = [member.model(batch)["toy"] for member in predictor.members]
    return float(np.mean([float(each[0, 1] - each[0, 0]) for each in said]))


@pytest.mark.parametrize(
    "names", [set(n) for k in (1, 3, 5) for n in itertools.combinations(EMBEDDED, k)]
)
def test_every_subset_is_answered_as_training_would_feed_it(
    predictor: Predictor, names: set[str]
) -> None:
    sent = {name: own if name in names else None for name, own in vectors().items()}
    found = ask(predictor, **sent)
    assert found.error == ""
    assert found.logit == pytest.approx(log_odds(predictor, names), abs=1e-6)
    assert found.inputs == tuple(name for name in EMBEDDED if name in names)
    assert set(found.imputed) == set(EMBEDDED) - names


def test_a_quality_is_what_the_network_sees(predictor: Predictor) -> None:
    found = ask(predictor, **vectors(), emb_temporal_quality=0.25)
    expected = log_odds(predictor, set(EMBEDDED), emb_temporal=0.25)
    assert found.logit == pytest.approx(expected, abs=1e-6)
    assert found.logit != ask(predictor, **vectors()).logit
    assert ask(predictor, **vectors(), emb_temporal_quality=NAN) == ask(predictor, **vectors())


def test_arrays_tuples_and_lists_are_the_same(predictor: Predictor) -> None:
    plain = ask(predictor, **vectors())
    assert ask(predictor, **{k: np.array(v) for k, v in vectors().items()}) == plain
    own = vectors()
    own["emb_spatial"] = [np.array(each) for each in own["emb_spatial"]]
    own["emb_clinical"] = [own["emb_clinical"]]
    assert predictor.answer({k: tuple(v) for k, v in own.items()}) == plain


def test_a_missing_entry_is_at_the_mean_of_training(predictor: Predictor) -> None:
    own = vectors()
    own["emb_clinical"][2] = None
    mean = predictor.members[0].stats.arrays["emb_clinical"].mean[2]
    at_mean = {**own, "emb_clinical": [mean if v is None else v for v in own["emb_clinical"]]}
    assert ask(predictor, **own).logit == pytest.approx(ask(predictor, **at_mean).logit, abs=1e-6)
    nothing = ask(predictor, **{**own, "emb_clinical": [None] * WIDTHS["emb_clinical"]})
    assert "emb_clinical" not in nothing.inputs


WRONG = "is neither a list of numbers nor a list of such lists, all of one length"


@pytest.mark.parametrize(
    ("cells", "code", "sentence"),
    [
        ({}, "input", "the row has nothing to answer from; send at least one of: a clinical "
         "embedding (emb_clinical), a semantic embedding (emb_semantic)"),
        ({"emb_clinical": None, "emb_spatial": NAN}, "input", "nothing to answer from"),
        ({"emb_clinical": [1.0, 2.0]}, "wrong_width",
         "the clinical embedding has 2 numbers, the model was trained on 6; send the embedding of "
         "the encoder that the model was trained with"),
        ({"emb_spatial": [[1.0] * 6] * 4}, "wrong_width",
         "the spatial embedding has 6 numbers, the model was trained on 7"),
        ({"emb_clinical": [NAN] * 6}, "not_finite",
         "the clinical embedding holds 6 number(s) that are NaN, infinite or too large; send null "
         "for a missing entry"),
        ({"emb_clinical": [0, 0, 0, 0, 0, math.inf]}, "not_finite", "holds 1 number(s)"),
        ({"emb_clinical": [0, 0, 0, 0, 0, 1e300]}, "not_finite", "holds 1 number(s)"),
        ({"emb_clinical": "0.1;0.2"}, "wrong_type", f"the clinical embedding {WRONG}"),
        ({"emb_clinical": 7}, "wrong_type", WRONG),
        ({"emb_clinical": []}, "wrong_type", WRONG),
        ({"emb_clinical": ["a"] * 6}, "wrong_type", WRONG),
        ({"emb_clinical": [True] * 6}, "wrong_type", WRONG),
        ({"emb_clinical": {"a": 1}}, "wrong_type", WRONG),
        ({"emb_spatial": [[1.0] * 7, [1.0] * 6]}, "wrong_type", WRONG),
        ({"emb_spatial": [[[1.0] * 7]]}, "wrong_type", WRONG),
        ({"emb_clinical": [1.0] * 6, "emb_clinical_quality": 1.5}, "bad_quality",
         "the field 'emb_clinical_quality' is '1.5', no number from 0 to 1; send a number"),
        ({"emb_clinical": [1.0] * 6, "emb_clinical_quality": "good"}, "bad_quality", "'good'"),
        ({"emb_clinical": [1.0] * 6, "emb_clinical_quality": [1]}, "bad_quality", "no number"),
    ],
)  # fmt: skip
def test_a_bad_input_is_answered_by_its_sentence(
    predictor: Predictor, cells: dict[str, Any], code: str, sentence: str
) -> None:
    found = ask(predictor, **cells)
    assert sentence in found.error
    assert found.code == code
    assert math.isnan(found.probability)
    assert (found.inputs, found.contributions, found.imputed) == ((), {}, {})


def test_one_bad_row_does_not_take_the_others_down(predictor: Predictor) -> None:
    rows = pd.DataFrame([vectors(), {"emb_clinical": [1.0]}, vectors()])
    found = predictor.predict(rows)
    assert [bool(each.error) for each in found] == [False, True, False]
    assert found[0] == found[2]


def test_what_is_of_too_low_quality_counts_as_absent_and_is_said(tmp_path: Path) -> None:
    strict = Predictor(write_embedding_bundle(tmp_path, members=1, min_quality=0.5))
    poor = ask(strict, **vectors(), emb_spatial_quality=0.4)
    without = ask(strict, **{**vectors(), "emb_spatial": None})
    assert poor.fields_note == (
        "the spatial embedding is of lower quality than 0.5 and counts as absent"
    )
    assert poor.logit == without.logit
    assert without.fields_note == ""
    assert ask(strict, **vectors(), emb_spatial_quality=0.5).inputs == EMBEDDED
    alone = ask(strict, emb_spatial=vectors()["emb_spatial"], emb_spatial_quality=0.4)
    assert "nothing to answer from" in alone.error


def test_patches_that_training_never_had_are_refused(predictor: Predictor) -> None:
    given = predictor.facts.embeddings["emb_spatial"].model_copy(update={"patches": 0})
    with pytest.raises(RecordError, match="comes as 5 vectors, and no patient of training had"):
        sent_vectors(vectors(), "emb_spatial", given)


def test_the_contributions_add_up_to_the_answer(predictor: Predictor) -> None:
    found = ask(predictor, **{**vectors(), "emb_semantic": None})
    nothing = log_odds(predictor, set())
    assert set(found.contributions) == set(EMBEDDED) - {"emb_semantic"}
    assert sum(found.contributions.values()) == pytest.approx(found.logit - nothing, abs=1e-5)
    assert all(abs(value) > 1e-4 for value in found.contributions.values())


def test_two_contributions_are_the_means_over_both_orders(predictor: Predictor) -> None:
    one, other = "emb_clinical", "emb_spatial"
    sent = vectors()
    both = ask(predictor, **{one: sent[one], other: sent[other]})  # pyright: ignore[reportArgumentType]
    odds = {k: log_odds(predictor, set(k)) for k in [(), (one,), (other,), (one, other)]}
    first = (odds[one,] - odds[()] + odds[one, other] - odds[other,]) / 2
    assert both.contributions[one] == pytest.approx(first, abs=1e-5)


def test_fields_beside_a_network_without_branches_have_no_contribution(
    predictor: Predictor,
) -> None:
    member = predictor.members[0]
    given = ("emb_clinical", "tabular")
    assert contributions(member.model, {}, given, predictor.head) == {}


def test_what_is_imputed_is_the_networks_mixture_on_the_native_scale(predictor: Predictor) -> None:
    found = ask(predictor, **{**vectors(), "emb_temporal": None})
    batch = by_hand(predictor, set(EMBEDDED) - {"emb_temporal"})
    stats = predictor.members[0].stats.arrays["emb_temporal"]
    with torch.no_grad():
        each = [m.model.impute(batch).mean["emb_temporal"][0].numpy()  # pyright: ignore[reportCallIssue]
                for m in predictor.members]  # fmt: skip
    means = np.stack(each) * np.array(stats.sd) + np.array(stats.mean)
    own = found.imputed["emb_temporal"]
    assert own.mean == pytest.approx(means.mean(0), abs=1e-6)
    stated = 0.5 * np.array(stats.sd)
    assert own.sd == pytest.approx(np.sqrt(stated**2 + means.var(0)), abs=1e-6)
    assert own.confidence == pytest.approx(0.8)


def test_what_is_imputed_is_mended_as_validation_taught(tmp_path: Path) -> None:
    own = {name: Mending(shrink=0.5, widen=2.0, patients=20, centre=(0.1,) * width)
           for name, width in WIDTHS.items()}  # fmt: skip
    plain, mended = (
        Predictor(write_embedding_bundle(tmp_path / each, members=1, imputation=how))
        for each, how in (("plain", None), ("mended", Calibration(modalities=own)))
    )
    row = {**vectors(), "emb_temporal": None}
    raw, found = (ask(each, **row).imputed["emb_temporal"] for each in (plain, mended))
    stats = plain.members[0].stats.arrays["emb_temporal"]
    centre = 0.1 * np.array(stats.sd) + np.array(stats.mean)
    assert found.mean == pytest.approx(centre + 0.5 * (np.array(raw.mean) - centre))
    assert found.sd == pytest.approx(2 * np.array(raw.sd))
    assert (raw.calibrated, found.calibrated) == (False, True)
    assert ask(plain, **row).logit == ask(mended, **row).logit


def test_networks_of_one_fold_are_mixed_before_they_are_mended(tmp_path: Path) -> None:
    own = {name: Mending(shrink=0.0, widen=2.0, patients=20, centre=(0.0,) * width)
           for name, width in WIDTHS.items()}  # fmt: skip
    plain, mended = (
        Predictor(write_embedding_bundle(tmp_path / each, members=2, imputation=how))
        for each, how in (("plain", None), ("mended", Calibration(modalities=own)))
    )
    row = {**vectors(), "emb_temporal": None}
    raw, found = (ask(each, **row).imputed["emb_temporal"] for each in (plain, mended))
    # The networks' disagreement is part of the SD that validation widened.
    assert found.sd == pytest.approx(2 * np.array(raw.sd))
    few = {name: each.model_copy(update={"patients": 3}) for name, each in own.items()}
    unlearned = Predictor(
        write_embedding_bundle(tmp_path / "few", imputation=Calibration(modalities=few))
    )
    assert not ask(unlearned, **row).imputed["emb_temporal"].calibrated


def test_a_network_that_imputes_nothing_says_nothing_of_it(tmp_path: Path) -> None:
    model = {"name": embedding_standin.NAME, "imputes": False}
    plain = Predictor(write_embedding_bundle(tmp_path, members=1, model=model))
    found = ask(plain, emb_clinical=vectors()["emb_clinical"])
    assert (found.error, found.imputed) == ("", {})
    table = as_table([found], plain.facts)
    assert table.loc[0, "imputed"] == ""
    assert math.isnan(table.loc[0, "confidence.emb_spatial"])


def test_the_table_says_what_was_imputed_and_on_request_as_what(predictor: Predictor) -> None:
    answers = predictor.predict(pd.DataFrame([{**vectors(), "emb_temporal": None}, vectors()]))
    plain = as_table(answers, predictor.facts)
    assert plain["imputed"].tolist() == ["emb_temporal", ""]
    assert plain["confidence.emb_temporal"].tolist() == pytest.approx([0.8, NAN], nan_ok=True)
    assert plain["confidence.emb_spatial"].isna().all()
    assert not [column for column in plain if str(column).startswith("imputed.")]
    wide = as_table(answers, predictor.facts, vectors=True)
    assert wide["imputed.emb_temporal"][0] == list(answers[0].imputed["emb_temporal"].mean)
    assert wide["imputed_sd.emb_temporal"][0] == list(answers[0].imputed["emb_temporal"].sd)
    assert wide["imputed.emb_temporal"][1] is None
    assert list(example_answer(predictor.facts)) == list(plain)


def test_every_head_and_endpoint_answers(tmp_path: Path) -> None:
    own = Predictor(write_embedding_bundle(tmp_path, members=2, heads=HEADS))
    found = ask(own, **vectors())
    assert set(found.heads) == {"toy", "again", "again_time"}
    assert found.heads["toy"]["p"] == pytest.approx(found.probability, abs=1e-6)
    assert set(found.heads["again_time"]) == {"365", "730", "death.365", "death.730"}
    assert 0 < found.heads["again_time"]["365"] <= found.heads["again_time"]["730"] < 1
    assert list(as_table([found], own.facts).columns) == list(example_answer(own.facts))


def test_the_example_is_answered(predictor: Predictor) -> None:
    example = input_example(predictor.facts)
    found = predictor.predict(example)[0]
    assert (found.error, found.inputs) == ("", EMBEDDED)
