"""Modalities of several patients in one row, and one recording under several ids."""

from __future__ import annotations

import numpy as np
import pandas as pd

from components.core.store import Stage
from tests.audit.stage_manifest import Look, N, manifest


def test_modalities_paired_by_label(look: Look) -> None:
    frame = manifest()
    own = frame["patient_id"].astype("string").where(frame.index % 5 > 0)
    clean = frame.assign(**{"patient.pcg": own, "patient.cxr": frame["patient_id"]})
    assert look("modality_pairing", clean).passed
    rng = np.random.default_rng(0)
    shuffled = frame["patient_id"].copy()
    for _, group in frame.groupby("label"):
        shuffled[group.index] = rng.permutation(group["patient_id"].to_numpy())
    found = look("modality_pairing", clean.assign(**{"patient.pcg": shuffled}))
    assert set(found.evidence["records_per_modality"]) == {"pcg"}
    assert found.evidence["share_of_strangers_with_the_same_label"] == {"pcg": 1.0}
    mixed = clean.assign(**{"patient.cxr": np.roll(frame["patient_id"], 1)})
    share = look("modality_pairing", mixed).evidence["share_of_strangers_with_the_same_label"]
    assert 0.4 < share["cxr"] < 0.8
    foreign = clean.assign(**{"patient.cxr": "someone"})
    share = look("modality_pairing", foreign).evidence["share_of_strangers_with_the_same_label"]
    assert share == {"cxr": None}


def test_one_recording_under_several_patient_ids(look: Look) -> None:
    frame = manifest()
    clean = frame.assign(**{"sha256.pcg": [f"{i:064d}" for i in range(N)]})
    clean.loc[clean.index % 7 == 0, "sha256.pcg"] = None
    assert look("modality_pairing", clean).passed
    rng = np.random.default_rng(0)
    glued = clean.copy()
    for _, group in frame.groupby("label"):  # few recordings, dealt out within the class
        pool = rng.choice(clean.loc[group.index, "sha256.pcg"].dropna(), 20, replace=False)
        glued.loc[group.index, "sha256.pcg"] = rng.choice(pool, len(group))
    found = look("modality_pairing", glued)
    assert not found.passed
    assert "40 recording(s) of 'pcg' stand under several patient ids" in found.sentence
    assert "(100% of such pairs share the label): rows glued together" in found.sentence
    assert found.evidence["reused_recordings"] == {"pcg": 40}
    assert found.evidence["share_of_reusers_with_the_same_label"] == {"pcg": 1.0}
    assert found.evidence["rows"] == sorted(glued["row"])
    chance = clean.assign(**{"sha256.pcg": rng.permutation(np.repeat(list("abcdef"), N // 6))})
    share = look("modality_pairing", chance).evidence["share_of_reusers_with_the_same_label"]
    assert 0.5 < share["pcg"] < 0.65  # 0.3² + 0.7²
    dark = look("modality_pairing", chance.assign(label=pd.array([None] * N, dtype="Int8")))
    assert "(no labels to compare)" in dark.sentence
    assert dark.evidence["share_of_reusers_with_the_same_label"] == {"pcg": None}


def test_several_records_of_one_patient_may_share_a_recording(look: Look) -> None:
    frame = manifest().assign(**{"sha256.ecg_image": [f"{i // 2}" for i in range(N)]})
    frame["patient_id"] = [f"p{i // 2}" for i in range(N)]
    assert look("modality_pairing", frame).passed
    frame.loc[3, "patient_id"] = "another"  # in one part or in two
    found = look("modality_pairing", frame)
    assert found.evidence["reused_recordings"] == {"ecg_image": 1}
    assert found.evidence["rows"] == [4, 5]


def test_one_of_several_sounds_under_two_patient_ids(look: Look) -> None:
    frame = manifest()
    files = [[f"{i}a", f"{i}b"] for i in range(N)]
    files[7] = []
    frame["files_sha256.pcg"] = pd.Series(files)
    frame["sha256.pcg"] = [f"{i}" if own else None for i, own in enumerate(files)]
    assert look("modality_pairing", frame).passed
    files[12] = ["12a", "3b"]
    frame["files_sha256.pcg"] = pd.Series(files)
    found = look("modality_pairing", frame)
    assert not found.passed
    assert found.evidence["reused_recordings"] == {"pcg": 1}
    assert found.evidence["rows"] == sorted(frame["row"][[3, 12]])


def test_modalities_that_the_task_declares_unpaired(look: Look, stage: Stage) -> None:
    frame = manifest().assign(**{"patient.pcg": "someone"})
    assert not look("modality_pairing", frame).passed
    found = look("modality_pairing", frame, unpaired=True)
    assert found.passed
    assert found.sentence == (
        "the task declares its modalities unpaired: nothing is claimed of what they bring together "
        "(a modality comes from another patient than the record: 'pcg' in 600 record(s))"
    )
    assert found.evidence["unpaired"]
    assert "(nothing shows it)" in look("modality_pairing", manifest(), unpaired=True).sentence


# Resampling
