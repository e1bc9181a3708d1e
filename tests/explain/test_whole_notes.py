"""Whole notes are shown where they were asked for, and only there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.core.config.explain import ExplainConfig
from components.core.data.texts import NOTE
from components.core.row_names import row_names
from components.explain import singles
from components.explain.explained import Explained, Fold, records_of
from components.explain.method import Attributed, all_methods
from components.explain.page import Record
from components.explain.sections import notices
from components.explain.whole_notes import as_written, noted
from tests.explain_subjects import NOTELESS, VIEW, made


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Explained]:
    """Words of the notes of a few records."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("stages")))
        subject = made("trunk", members=1)
        method, config = all_methods()["tokens"], ExplainConfig(notes=3)
        said = {"tokens": method.explain(subject, np.arange(len(subject)), config)}
        fold = Fold(subject=subject, said=said, records=records_of(subject, VIEW))
        yield Explained(folds=[fold], methods=[method], config=config, head=VIEW)


def names(explained: Explained) -> pd.Series:
    frame = explained.folds[0].subject.rows.frame
    return row_names(frame[["sample_id"]].assign(row=range(2, len(frame) + 2)))


def asking(explained: Explained, count: int) -> Explained:
    return replace(explained, config=ExplainConfig(notes=count))


def told(explained: Explained) -> str:
    return " ".join(each.text for each in notices(explained, openings=None, shuffled=False))


def test_notes_stand_as_they_were_written(explained: Explained) -> None:
    own = names(explained)
    frame = explained.folds[0].subject.rows.frame
    notes = dict(zip(own[frame["sample_id"].astype(str)], frame[NOTE], strict=True))
    found = noted(explained, own)
    assert len(found) == 3
    for record in found:
        assert " ".join(each.word for each in record.words) == notes[record.name]
    assert any(each.level for record in found for each in record.words)
    assert "Whole notes of patients stand on this page" in told(explained)


def test_a_note_stands_with_its_records_ecg(
    explained: Explained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = explained.folds[0].subject.rows.frame
    manifest = frame[["sample_id"]].assign(row=range(2, len(frame) + 2))
    highest, *_ = noted(explained, names(explained))
    ecg = Record(name=highest.name, facts=("its ECG",))
    monkeypatch.setattr(singles, "_drawn", lambda *_: (ecg, Record(name="row-9999")))
    found = {each.name: each for each in singles.single_records(tmp_path, explained, manifest)}
    assert len(found) == 4
    assert found[highest.name].facts == ("its ECG",)
    assert found[highest.name].words == highest.words
    assert found["row-9999"].words == ()


def test_no_note_is_shown_unless_asked_for(explained: Explained) -> None:
    assert ExplainConfig().notes == 0
    silent = asking(explained, 0)
    assert noted(silent, names(explained)) == ()
    assert "note" not in told(silent).lower()


def test_a_record_without_a_note_is_not_shown(explained: Explained) -> None:
    own = names(explained)
    shown = {record.name for record in noted(asking(explained, 99), own)}
    sample = explained.folds[0].records["sample_id"].iloc[NOTELESS]
    assert own[sample] not in shown
    assert len(shown) == len(own) - 1


def test_it_is_said_where_no_method_speaks_of_words(explained: Explained) -> None:
    fold = replace(explained.folds[0], said={"ig": Attributed(grouped={})})
    mute = replace(explained, folds=[fold])
    assert noted(mute, names(explained)) == ()
    assert "no method says what words do: none is shown" in told(mute)


def test_words_written_as_one_take_the_strongest() -> None:
    found = as_written("EF:55 -- no Oedema.", {"ef": 0.1, "0": -0.3, "oedema": 0.2})
    assert found.words == ("EF:55", "--", "no", "Oedema.")
    assert found.change.tolist() == [-0.3, 0.0, 0.0, 0.2]
