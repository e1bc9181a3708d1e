"""A whole evaluation of pictures, sounds and a table: figures, sections, card."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tests.evaluate.conftest import Example
from tests.tracking_names import uncovered

Get = Callable[[str], Example]
SUBSETS = ("ecg_image", "pcg", "tabular", "ecg_image_pcg", "ecg_image_tabular", "pcg_tabular")
SECTIONS = ("class_balance", "simple_inputs", "best_single", "behaviour", "input_subsets")


@pytest.mark.parametrize("name", ["media", "media_folds"])
def test_every_section_is_on_the_page_and_every_name_in_the_table(name: str, examples: Get) -> None:
    done = examples(name)
    page = (done.stage.folder / "report.html").read_text(encoding="utf-8")
    assert [each for each in SECTIONS if f'id="{each}"' not in page] == []
    figures = done.stage.facts["figures"]
    assert uncovered(figures) == []
    assert uncovered({"best_single"}, "Tags") == []
    for lost in SUBSETS:
        assert figures[f"robustness/without_{lost}/auroc_diff_lo"] <= 0.5
    assert done.stage.facts["tags"]["best_single"] in ("ecg_image", "pcg", "tabular")
    assert "robustness" not in {each for each in SECTIONS if f'id="{each}"' in page}
    assert 'id="robustness"' not in page  # disturbances are those of a digital ECG
    assert "those of a digital ECG" in page


def test_a_modality_that_no_training_record_lacked_is_warned_of(examples: Get) -> None:
    done = examples("media")
    page = " ".join((done.stage.folder / "report.html").read_text(encoding="utf-8").split())
    # Every sixth record lacks the picture or the sound, none the table, and nothing was dropped.
    assert "Read with care: no training record lacked the table and none was dropped" in page
    assert "No training record lacked the table and none was dropped" in page


def test_the_simple_models_figures_are_scikit_learns(examples: Get) -> None:
    done = examples("media")
    figures, frame = done.stage.facts["figures"], done.predictions
    y = frame["label"].astype(int)
    for name in ("logistic_regression", "gradient_boosting"):
        own = roc_auc_score(y, frame[f"logit.{name}"])
        assert figures[f"baseline/{name}/auroc"] == pytest.approx(own)
    # Pictures and sounds are among what they see: the table alone is worth less.
    assert figures["baseline/inputs_together/auroc"] > figures["baseline/tabular_alone/auroc"]
    for name in ("ecg_image_alone", "pcg_alone", "tabular_alone", "inputs_together"):
        gap = figures["test/auroc"] - figures[f"baseline/{name}/auroc"]
        assert figures[f"baseline/{name}/auroc_diff"] == pytest.approx(gap)


def test_the_verdict_on_fusing_is_on_the_first_screen(examples: Get) -> None:
    done = examples("media")
    figures = done.stage.facts["figures"]
    page = (done.stage.folder / "report.html").read_text(encoding="utf-8")
    met = figures["test/fused_minus_single_lo"] > -0.02
    assert "Fused against the best single input" in page
    assert ("the requirement is met" in page) == met
    best = done.stage.facts["tags"]["best_single"]
    # The networks on one input are of the first and only seed, as the model is.
    gap = figures["test/auroc"] - figures[f"test/single/{best}/auroc"]
    assert figures["test/fused_minus_single"] == pytest.approx(gap)


def test_accuracy_stands_beside_a_constants(examples: Get) -> None:
    done = examples("media")
    page = (done.stage.folder / "report.html").read_text(encoding="utf-8")
    share = done.stage.facts["figures"]["test/prevalence"]
    constant = f"{max(share, 1 - share):.3f}"
    assert f"a constant answer {constant}" in page
    said = re.search(
        r"has accuracy\s+([0-9.]+); the model, at its\s+threshold, has ([0-9.]+)", page
    )
    assert said is not None
    assert said[1] == constant
    own = done.stage.facts["figures"]["test/accuracy"]
    assert float(said[2].rstrip(".")) == pytest.approx(own, abs=5e-4)


def test_the_card_says_how_pictures_and_sounds_were_prepared(examples: Get) -> None:
    card = (examples("media").stage.folder / "model_card.md").read_text(encoding="utf-8")
    assert "192 × 288 pixels" in card
    assert "32 mel filters from 25 to 400 Hz" in card
    assert "the ECG image, the heart sound" in card
    assert "never zeros" in card
    assert "No recordings; tables only" not in card


def test_several_records_of_a_patient_count_once(examples: Get) -> None:
    done = examples("media")
    figures, frame = done.stage.facts["figures"], done.predictions
    assert figures["test/patients"] == frame["patient_id"].nunique()
    assert np.isfinite(frame["logit"]).all()
