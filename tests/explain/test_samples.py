"""Records are drawn by patients or named, and an id is in no message."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.core.config.explain import ExplainConfig
from components.core.errors import ConfigError, InputError
from components.explain.samples import Asked, Chosen, asked, choose


def manifest(folds: int = 1) -> pd.DataFrame:
    number = np.arange(40)
    frame = pd.DataFrame(
        {
            "sample_id": [f"secret{i:02d}" for i in number],
            "patient_id": [f"private{i // 2:02d}" for i in number],
            "row": number + 2,
            "label": pd.Series(number % 2, dtype="Int8").mask(number >= 36),
        }
    )
    parts = np.array(["train", "train", "val", "test"])
    for k in range(folds):
        frame[f"part.f{k}"] = parts[(number // 2 + k) % 4]
    return frame


def chosen(text: str = "", folds: int = 1, **config: object) -> Chosen:
    settings = ExplainConfig.model_validate(config)
    return choose(manifest(folds), asked(text), settings, truth=lambda frame: frame["label"])


def ids(found: Chosen) -> list[str]:
    return [each for own in found.by_fold.values() for each in own]


def test_everyone_of_the_part_whose_truth_is_known_can_be_drawn() -> None:
    found = chosen()
    frame = manifest()
    expected = frame[(frame["part.f0"] == "val") & frame["label"].notna()]
    assert ids(found) == expected["sample_id"].tolist()
    assert (found.available, found.named, len(found)) == (len(expected), False, len(expected))


def test_whole_patients_are_drawn_and_the_seed_decides() -> None:
    first, again, other = chosen(records=5), chosen(records=5), chosen(records=5, seed=3)
    assert first == again
    assert first.digest == again.digest != other.digest
    people = manifest().set_index("sample_id").loc[ids(first), "patient_id"]
    assert people.value_counts().tolist() == [2, 2]


def test_each_record_belongs_to_the_first_fold_that_did_not_learn_from_it() -> None:
    found = chosen(folds=4, part="test")
    assert len(ids(found)) == len(set(ids(found))) == 36
    frame = manifest(4).set_index("sample_id")
    for fold, own in found.by_fold.items():
        assert (frame.loc[list(own), f"part.{fold}"] == "test").all()
    validation = chosen(folds=2)
    earlier = frame.loc[list(validation.by_fold["f1"]), "part.f0"]
    assert (earlier != "val").all()


def test_rows_are_named_as_published_predictions_name_them() -> None:
    found = chosen("rows: row-6,7,39")
    assert ids(found) == ["secret04", "secret05", "secret37"]
    assert found.named


def test_a_file_names_records_of_unknown_truth_too(tmp_path: Path) -> None:
    file = tmp_path / "wanted.txt"
    file.write_text("\ufeffsecret37\n\n secret04 \nsecret04\n", encoding="utf-8")
    assert ids(chosen(f"file:{file}")) == ["secret04", "secret37"]


def test_a_number_is_how_many_to_draw() -> None:
    assert asked("12") == Asked(count=12)
    assert not asked("12").named


@pytest.mark.parametrize("text", ["secret04", "row:12", "-3"])
def test_anything_else_is_refused_without_repeating_it(text: str) -> None:
    message = r"'samples' \(\d+ characters\) names no records .*rows:12"
    with pytest.raises(ConfigError, match=message) as told:
        asked(text)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "wrong"), [("", "1 of 1"), ("1;2", "1 of 1"), ("secret04,2", "1 of 2")]
)
def test_what_is_no_row_number_is_counted_not_named(text: str, wrong: str) -> None:
    with pytest.raises(ConfigError, match=rf"{wrong} words after rows: that are no row number; .*"
                                          "rows:12") as told:  # fmt: skip
        asked(f"rows:{text}")
    assert "secret" not in str(told.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'no.txt' .* cannot be read .*one sample_id per line"):
        asked(f"file:{tmp_path / 'no.txt'}")
    (tmp_path / "latin.txt").write_bytes(b"M\xfcller\n")
    with pytest.raises(InputError, match=r"cannot be read as UTF-8 text \(UnicodeDecodeError\)"):
        asked(f"file:{tmp_path / 'latin.txt'}")
    (tmp_path / "empty.txt").write_text(" \n")
    with pytest.raises(InputError, match=r"'empty.txt' .* is empty"):
        asked(f"file:{tmp_path / 'empty.txt'}")


def test_a_sample_that_is_not_there_is_counted_not_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"2 of the 3 samples named are not in the data set"):
        chosen("rows:6,900,901")
    file = tmp_path / "wanted.txt"
    file.write_text("secret04\nsecret99\n")
    with pytest.raises(InputError, match="1 of the 2 samples") as told:
        chosen(f"file:{file}")
    assert "secret" not in str(told.value)


def test_a_sample_of_another_part_is_refused() -> None:
    with pytest.raises(InputError, match=r"2 of the 3 samples named are not in the part 'val'; .*"
                                         "part=test"):  # fmt: skip
        chosen("rows:6,8,2")
    assert ids(chosen("rows:8", part="test")) == ["secret06"]
    with pytest.raises(InputError, match=r"in the part 'test'; .*part=val"):
        chosen("rows:6", part="test")


def test_a_part_without_known_truth_is_refused() -> None:
    with pytest.raises(InputError, match="the part 'val' has no record whose truth is known"):
        choose(
            manifest().assign(label=np.nan), Asked(), ExplainConfig(), truth=lambda f: f["label"]
        )
