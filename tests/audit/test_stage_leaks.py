"""Leaks that preprocessing makes, planted in a prepared manifest, each beside its clean twin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.data.patient_set import read_patient_set, write_patient_set
from components.core.errors import InputError
from components.core.store import Stage
from tests.audit.stage_manifest import Look, N, manifest

NOTE = (
    "the {0} patient was seen in clinic {1} with {2} and a history of {3} treated by {4} since "
    "spring {5} reports {6} at night and {7} on stairs while {8} was {9} today"
)
WORDS = [f"{a}{b}" for a in ("ka", "lo", "mi", "nu", "pe", "ra") for b in ("dal", "fen", "gor")]


MANIFEST_CHECKS = [
    "patient_overlap", "group_overlap", "identical_waveforms", "near_identical_signals",
    "near_identical_texts", "near_identical_embeddings", "feature_after_prediction",
    "label_in_text", "label_derived_column", "modality_pairing", "resampled_before_split",
    "imputed_before_split", "encoder_overlap", "near_identical_images", "near_identical_sounds",
]  # fmt: skip


@pytest.mark.parametrize("name", MANIFEST_CHECKS)
def test_the_clean_twin_passes(look: Look, name: str) -> None:
    assert look(name, manifest()).passed


# Follow-up


def test_a_measured_label_needs_no_equal_follow_up(look: Look) -> None:
    frame = manifest().assign(followup_days=np.arange(N, dtype=float))
    followed = {"horizon_days": None, "censoring": "as_given"}
    assert not look("censored_as_negative", frame, label_settings=followed).passed
    measured = followed | {"derive": "head"}
    assert look("censored_as_negative", frame, label_settings=measured).passed


# Groups


def test_a_group_that_the_task_keeps_whole(look: Look) -> None:
    frame = manifest()
    cut = look("group_overlap", frame, {"split_groups": {"patient_id": "all", "site": "all"}})
    assert not cut.passed
    assert "3 of 'site'" in cut.sentence
    assert cut.evidence["groups_per_fold"] == {"site": {"holdout": 3}}
    tested = frame["site"] == "site2"
    frame["part.holdout"] = np.where(tested, "test", frame["part.holdout"].replace("test", "val"))
    assert look("group_overlap", frame, {"split_groups": {"site": "test"}}).passed
    assert not look("group_overlap", frame, {"split_groups": {"site": "all"}}).passed
    frame["site"] = frame["site"].where(~tested)
    whole = look("group_overlap", frame.assign(ward="w"), {"split_groups": {"ward": "test"}})
    assert not whole.passed
    assert look("group_overlap", frame, {"split_groups": {"patient_id": "all"}}).passed


def test_a_group_column_that_is_not_there(look: Look) -> None:
    with pytest.raises(InputError, match=r"lacks the column\(s\) ward"):
        look("group_overlap", manifest(), {"split_groups": {"ward": "all"}})


# Times


def test_a_feature_and_an_ecg_after_the_prediction(look: Look) -> None:
    frame = manifest()
    frame["time.a"] = pd.Timestamp("2023-12-31")
    frame["time.b"] = frame["index_time"]
    assert look("feature_after_prediction", frame).passed
    frame.loc[5, "time.a"] = pd.Timestamp("2024-01-02")
    found = look("feature_after_prediction", frame)
    assert found.evidence["records_per_feature"] == {"a": 1}
    assert found.evidence["rows"] == [7]
    assert found.evidence["features_without_time"] == ["c", "d", "age"]
    frame.loc[5, "tab.a"] = np.nan  # nothing is used that came too late
    assert look("feature_after_prediction", frame).passed
    frame.loc[8, "ecg_time"] = pd.Timestamp("2024-03-01")
    assert look("feature_after_prediction", frame).evidence["records_per_feature"] == {"ecg": 1}
    assert look("feature_after_prediction", frame, {"ecg": {"window_days": None}}).passed
    bare = frame.drop(columns=["index_time", "ecg_time"])
    assert look("feature_after_prediction", bare).passed
    unused = frame.drop(columns=["ecg_time", "tab.a", "tab.b"])
    assert look("feature_after_prediction", unused).passed


# Texts


def notes(seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [NOTE.format(*rng.choice(WORDS, 10)) for _ in range(N)]


def test_notes_that_say_nothing_pass(look: Look) -> None:
    frame = manifest().assign(**{"text.note": notes()})
    assert look("label_in_text", frame).passed
    assert look("near_identical_texts", frame).passed


@pytest.mark.parametrize(
    ("positive", "negative", "phrase"),
    [
        ("cardiotoxicity confirmed", "", "note: cardiotoxicity confirmed"),
        ("cardiotoxicity", "no cardiotoxicity", "note: no cardiotoxicity"),
        ("refer to green list", "", "note: green list"),  # a phrase that only stands for it
    ],
)
def test_a_note_that_states_the_label(
    look: Look, positive: str, negative: str, phrase: str
) -> None:
    frame = manifest()
    tail = np.where(frame["label"] == 1, positive, negative)
    texts = [f"{note} {end}" for note, end in zip(notes(), tail, strict=True)]
    found = look("label_in_text", frame.assign(**{"text.note": texts}))
    assert not found.passed
    assert phrase in found.evidence["phrases"]


def test_a_definition_word_that_does_not_tell_passes(look: Look) -> None:
    frame = manifest()
    texts = [f"{note} cardiotoxicity discussed" for note in notes()]
    assert look("label_in_text", frame.assign(**{"text.note": texts})).passed
    one_class = frame.assign(label=pd.Series(np.ones(N), dtype="Int8"), **{"text.note": texts})
    assert look("label_in_text", one_class).passed


def test_a_rare_statement_is_no_finding(look: Look) -> None:
    frame = manifest()
    texts = notes()
    for i in np.flatnonzero(frame["label"] == 1)[:10]:
        texts[i] += " cardiotoxicity confirmed"
    assert look("label_in_text", frame.assign(**{"text.note": texts})).passed


def test_a_note_that_comes_again(look: Look) -> None:
    frame = manifest()
    rng = np.random.default_rng(3)
    texts = [" ".join(rng.choice(WORDS, 120)) for _ in range(N)]
    frame["text.note"] = texts
    frame.loc[10, "text.note"] = None
    assert look("near_identical_texts", frame).passed
    edited = texts[3].split()
    edited[40] = "and"
    frame.loc[4, "text.note"] = " ".join(edited).upper()
    found = look("near_identical_texts", frame)
    assert [(p["row"], p["of_row"]) for p in found.evidence["listed"]] == [(5, 6)]
    assert found.evidence["listed"][0]["jaccard"] > 0.9
    frame.loc[4, "patient_id"] = "p3"  # the same patient: an overlap, which has its own check
    assert look("near_identical_texts", frame).passed
    boiler = frame.assign(**{"text.note": [texts[0]] * N})
    assert look("near_identical_texts", boiler).passed  # a template is nobody's own


# Embeddings


def test_an_embedding_that_comes_again(look: Look, stage: Stage) -> None:
    (stage.folder / "embeddings").mkdir()
    rng = np.random.default_rng(0)
    values = rng.normal(size=(N, 64)) @ rng.normal(size=(64, 64)) + 5
    values[7] = np.nan
    file = stage.folder / "embeddings" / "cxr.npy"
    np.save(file, values.astype(np.float32))
    clean = look("near_identical_embeddings", manifest())
    assert clean.passed
    assert clean.evidence["compared"] == N - 1
    values[3] = values[2] + rng.normal(0, 0.1, 64)
    np.save(file, values.astype(np.float32))
    found = look("near_identical_embeddings", manifest())
    assert [(p["row"], p["of_row"]) for p in found.evidence["listed"]] == [(4, 5)]
    np.save(file, values[:1].repeat(N, 0) * np.nan)
    assert look("near_identical_embeddings", manifest()).passed
    np.save(file, values[:5])
    with pytest.raises(InputError, match=r"'embeddings/cxr.npy' has shape \(5, 64\), the cohort"):
        look("near_identical_embeddings", manifest())


# Content hashes of further modalities


def test_identical_content_of_any_modality(look: Look) -> None:
    frame = manifest().assign(note_sha256=[f"{i:064d}" for i in range(N)])
    assert look("identical_waveforms", frame).passed
    frame.loc[1, "note_sha256"] = frame.loc[3, "note_sha256"]
    found = look("identical_waveforms", frame)
    assert found.evidence == {"contents_per_fold": {"note": {"holdout": 1}}, "rows": [3, 5]}


# Pairing


def test_oversampled_rows(look: Look) -> None:
    frame = manifest()
    events = frame[frame["label"] == 1].sample(50, random_state=0)
    more = events.assign(patient_id=events["patient_id"] + "x", row=events["row"] + N)
    found = look("resampled_before_split", pd.concat([frame, more], ignore_index=True))
    assert found.evidence["copies"] == 50
    assert found.evidence["positive_share_of_these"] == 1.0
    few = frame.drop(columns=["tab.a"])  # two continuous columns tell no two people apart
    coarse = pd.concat([few, few.head(20)], ignore_index=True)
    assert look("resampled_before_split", coarse).passed


def test_a_signal_that_stands_twice_in_a_part(look: Look) -> None:
    frame = manifest().assign(ecg_sha256=[f"{i:064d}" for i in range(N)])
    frame.loc[4, "ecg_sha256"] = frame.loc[0, "ecg_sha256"]  # both in train
    frame.loc[3, "ecg_sha256"] = frame.loc[1, "ecg_sha256"]  # across parts: another check's
    assert look("resampled_before_split", frame).evidence["rows"] == [6]


def test_smote(look: Look) -> None:
    frame = manifest()
    columns = ["tab.a", "tab.b", "tab.c", "tab.d", "tab.age"]
    rng = np.random.default_rng(0)
    events = frame[frame["label"] == 1]
    made = []
    values = events[columns].to_numpy(float)
    z = (values - values.mean(0)) / values.std(0)
    for i in rng.integers(0, len(events), 60):
        near = np.argsort(((z - z[i]) ** 2).sum(1))[1:6]
        row = values[i] + rng.random() * (values[rng.choice(near)] - values[i])
        made.append(dict(zip(columns, row, strict=True)))
    extra = pd.DataFrame(made).assign(
        label=1, row=np.arange(60) + N + 2, patient_id=[f"m{i}" for i in range(60)],
        **{"part.holdout": "train"},
    )  # fmt: skip
    both = pd.concat([frame.astype({"tab.age": float}), extra], ignore_index=True)
    found = look("resampled_before_split", both)
    assert not found.passed
    assert found.evidence["interpolates"] > 40
    assert found.evidence["positive_share_of_these"] > 0.9


# Imputation


@pytest.mark.parametrize(
    ("fill", "caught"),
    [
        (lambda f, known: known.mean(), "all parts"),
        (lambda f, known: round(known.mean(), 6), "all parts"),
        (lambda f, known: known[f["part.holdout"] == "train"].mean(), ""),
        (lambda f, known: known[f["part.holdout"] != "val"].mean(), "train and test part"),
        (lambda f, known: known[f["part.holdout"] != "test"].mean(), "train and validation part"),
        (lambda f, known: known[f["label"] == 1].mean(), "one class"),
        (lambda f, known: 27.0, ""),  # a usual value of the column
        (lambda f, known: -1.2345678, ""),  # a code that no mean gives
    ],
)
@pytest.mark.parametrize("column", ["tab.b", "tab.d"])
def test_a_constant_for_gaps(look: Look, fill: Any, caught: str, column: str) -> None:
    frame = manifest()
    gap = np.random.default_rng(1).random(N) < 0.1
    known = frame[column].where(~gap)
    frame[column] = known.fillna(fill(frame, known))
    found = look("imputed_before_split", frame)
    assert found.passed == (not caught)
    assert caught in str(found.evidence["columns"])


def test_a_median_over_patients_and_a_mostly_constant_column(look: Look) -> None:
    frame = manifest().drop(columns=["tab.d"])
    gap = np.random.default_rng(2).random(N) < 0.1
    gap |= np.arange(N) == N - 1 if (N - gap.sum()) % 2 else False  # an even number of values
    known = frame["tab.c"].where(~gap)
    frame["tab.c"] = known.fillna(known.median())
    assert set(look("imputed_before_split", frame).evidence["columns"]) == {"c"}
    frame["tab.c"] = np.where(np.arange(N) < 20, np.arange(N) / 7, 3.0)
    assert look("imputed_before_split", frame).passed  # what is left fixes no mean


# Encoders


def test_an_encoder_that_has_seen_the_test_patients(
    look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CARDIO_PATIENT_KEY", raising=False)
    frame = manifest()
    trained = tmp_path / "encoder"
    trained.mkdir()
    untold = look("encoder_overlap", frame, encoder=str(trained))
    assert untold.passed
    assert "lists no training patients" in untold.sentence
    write_patient_set(trained, [*frame["patient_id"][frame["part.holdout"] == "train"], "other"])
    clean = look(
        "encoder_overlap", frame, encoder=str(trained), encoder_patients=read_patient_set(trained)
    )
    assert clean.passed
    assert clean.evidence["trained_on"] == N // 2 + 1
    assert clean.sentence.endswith("none of this task's 150 test patients")
    write_patient_set(trained, ["other"], complete=False)
    part = look(
        "encoder_overlap", frame, encoder=str(trained), encoder_patients=read_patient_set(trained)
    )
    assert part.passed
    assert part.sentence.endswith("test patients, as far as it lists those whom it was trained on")
    write_patient_set(trained, frame["patient_id"][:8])
    seen = look(
        "encoder_overlap", frame, encoder=str(trained), encoder_patients=read_patient_set(trained)
    )
    assert seen.evidence["seen"] == 2
    assert seen.evidence["rows"] == [5, 9]
    assert "was trained on 2 of this task's test patients" in seen.sentence
