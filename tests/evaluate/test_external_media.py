"""Another cohort of pictures and sounds: prepared alike, and without those seen in training."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from components.core.config.sections import PreprocessConfig
from components.core.errors import InputError
from components.core.store import Stage
from components.evaluate.external import check_alike
from components.evaluate.external_media import seen_recordings
from components.evaluate.media_facts import (
    LACKING,
    lacking,
    prediction_time,
    prepared_media,
    unreadable,
)


def stage(fingerprint: str, modalities: tuple[str, ...], **preprocess: Any) -> Stage:
    plain = PreprocessConfig.model_validate(preprocess).model_dump(mode="json")
    facts = {"modalities": modalities, "features": [], "ecg": {"fs": 500.0}}
    return cast(
        Stage,
        SimpleNamespace(fingerprint=fingerprint, facts=facts, config={"preprocess": plain}),
    )


def test_pictures_and_sounds_must_be_prepared_alike() -> None:
    home = stage("a" * 32, ("tabular", "ecg_image", "pcg"))
    check_alike(home, stage("b" * 32, ("tabular", "ecg_image", "pcg")))
    with pytest.raises(InputError, match=r"prepared with preprocess\.pcg\.fs 1000, .* 2000"):
        check_alike(home, stage("b" * 32, ("tabular", "ecg_image", "pcg"), pcg={"fs": 1000}))
    smaller = stage("b" * 32, ("tabular", "ecg_image", "pcg"), ecg_image={"height": 64})
    with pytest.raises(InputError, match=r"preprocess\.ecg_image\.height 64"):
        check_alike(home, smaller)
    with pytest.raises(InputError, match="lacks pcg"):
        check_alike(home, stage("b" * 32, ("tabular", "ecg_image")))
    # What the training had no use for may differ.
    table = stage("c" * 32, ("tabular",))
    check_alike(table, stage("d" * 32, ("tabular", "pcg"), pcg={"fs": 1000}))


def test_a_picture_or_sound_seen_in_training_is_found() -> None:
    own = pd.DataFrame({"ecg_sha256": ["e1", None], "sha256.pcg": ["p1", None]})
    other = pd.DataFrame({
        "ecg_sha256": [None, "e1", None, None], "sha256.pcg": ["p2", None, "p1", None],
        "sha256.ecg_image": ["i1", "i2", "i3", None],
    })  # fmt: skip
    assert seen_recordings(other, own).tolist() == [False, True, True, False]


def test_one_of_several_sounds_seen_in_training_is_enough() -> None:
    own = pd.DataFrame({"sha256.pcg": ["ab", "c"], "files_sha256.pcg": [["a", "b"], ["c"]]})
    other = pd.DataFrame({
        "sha256.pcg": ["bd", "e", None, "d"], "files_sha256.pcg": [["d", "b"], ["e"], None, ["d"]],
    })  # fmt: skip
    assert seen_recordings(other, own).tolist() == [True, False, False, False]


def test_the_card_says_how_they_were_prepared() -> None:
    config = PreprocessConfig()
    assert prepared_media(config, ("ecg", "tabular")) == ""
    picture, sound = (prepared_media(config, (name,)) for name in ("ecg_image", "pcg"))
    assert picture.startswith("ECG image: grey, 192 × 288 pixels")
    assert sound.startswith("Heart sound: one channel at 2,000 Hz, up to 6 windows of 5 s")
    assert "mean and SD of the training part" in picture
    assert "never zeros" in LACKING


def test_embeddings_must_be_prepared_alike_and_not_those_of_training() -> None:
    there = ("emb_clinical", "emb_spatial")
    home, other = (stage(s * 32, there, embeddings=e) for s, e in
                   (("e", {"pool": "mean", "min_quality": 0.0}),
                    ("f", {"pool": "max", "min_quality": 0.0})))  # fmt: skip
    with pytest.raises(InputError, match=r"with preprocess\.embeddings\.pool max, .* with mean"):
        check_alike(home, other)
    own = pd.DataFrame({"sha256.emb_spatial": ["a", None]})
    seen = pd.DataFrame({"sha256.emb_spatial": ["b", "a", None]})
    assert seen_recordings(seen, own).tolist() == [False, True, False]


def test_the_card_says_what_becomes_of_embeddings() -> None:
    config = PreprocessConfig.model_validate(
        {"embeddings": {"pool": "attention", "max_patches": 9, "min_quality": 0.25}}
    )
    said = prepared_media(config, ("emb_spatial", "pcg"))
    assert "Embeddings made beforehand, as given (spatial embedding): up to 9 vectors" in said
    assert "below quality 0.25 absent" in said
    assert "Heart sound" in said
    plain = prepared_media(PreprocessConfig(), ("emb_clinical",))
    assert plain.endswith("mean and SD of the training part.")
    assert "several vectors of a patient as their mean." in plain
    assert "sounds" not in plain
    assert lacking(("tabular",)) == unreadable(("tabular",)) == ""
    assert "learned vector" in lacking(("emb_clinical",))
    assert LACKING not in lacking(("emb_clinical",))
    both = unreadable(("emb_clinical", "pcg"))
    assert "not finite" in both
    assert "A picture or sound that cannot be read" in both
    assert LACKING in both


def test_the_card_says_how_sequences_were_prepared() -> None:
    said = prepared_media(PreprocessConfig(), ("events", "tabular"))
    assert "text by TF-IDF of 64 dimensions fitted on the training part" in said
    assert "time as the logarithm of the hours" in said
    assert "limits of treatment left out" in said
    frozen = PreprocessConfig.model_validate({"events": {
        "text": {"encoder": "huggingface", "model": "/somewhere/longformer"},
        "time": "encoding", "comfort_care": "keep",
    }})  # fmt: skip
    told = prepared_media(frozen, ("events",))
    assert "the frozen encoder 'longformer'" in told
    assert "/somewhere" not in told
    assert "sines and cosines of the hours" in told
    assert "comfort care left in" in told
    assert "left out and counted; of a request" in unreadable(("events",))
    assert "its reason. A record without any event is answered from" in unreadable(("events",))


def test_what_counts_as_known_is_said_of_sequences_alone() -> None:
    assert prediction_time("at admission", ("ecg", "tabular")) == "at admission"
    told = prediction_time("at admission", ("events",))
    assert told.startswith("at admission; a result counts from when it was stored, an order,")


def test_sequences_must_be_prepared_alike_and_of_other_patients() -> None:
    home = stage("a" * 32, ("tabular", "events"))
    check_alike(home, stage("b" * 32, ("tabular", "events")))
    other = stage("b" * 32, ("tabular", "events"), events={"time": "encoding"})
    with pytest.raises(InputError, match=r"prepared with preprocess\.events\.time encoding"):
        check_alike(home, other)
    own = pd.DataFrame({"sha256.events": ["a", None]})
    seen = pd.DataFrame({"sha256.events": ["b", "a", None]})
    assert seen_recordings(seen, own).tolist() == [False, True, False]
