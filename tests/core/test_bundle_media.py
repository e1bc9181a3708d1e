"""A model of pictures, sounds and fields answers raw files, any of them absent, or says why not."""

from __future__ import annotations

import base64
import itertools
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from components.core.bundle import Prediction, Predictor
from components.core.bundle_answer import COLUMNS, as_table, example_answer
from components.core.bundle_batch import any_known
from components.core.bundle_contributions import contributions
from components.core.bundle_files import BundleFacts
from components.core.bundle_media import media_batch
from components.core.bundle_seal import seal
from components.core.data.finish import Finisher
from components.core.example_media import example_picture, example_sound
from components.core.media.image import image_array
from components.core.media.sound import log_mel
from components.core.readers.audio import read_audio
from components.core.readers.image import read_image
from components.core.readers.rawfile import MemoryFile
from components.core.registry import input_example
from tests.bundles import write_toy_bundle
from tests.core.readers.picture_files import encoded
from tests.media_bundles import IMAGE, SOUND, on_disk, picture, sent, sound, write_media_bundle

FIELDS = {"age": 61.0, "sex": "F"}


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor(write_media_bundle(tmp_path_factory.mktemp("media")))


def ask(predictor: Predictor, **cells: Any) -> Prediction:
    return predictor.predict(pd.DataFrame([cells]))[0]


def everything(**more: Any) -> dict[str, Any]:
    return {
        **FIELDS, "ecg_image_base64": sent(picture()), "pcg_base64": sent(sound()), **more
    }  # fmt: skip


def by_hand(predictor: Predictor, *, fields: bool, image: bool, pcg: bool) -> list[float]:
    """Return each member's log-odds, its batch made of the pieces that training uses."""
    found = []
    for member in predictor.members:
        own = {"age": [61.0 if fields else np.nan]}
        frame = pd.DataFrame(own).assign(sex=pd.Series(["F" if fields else None], dtype="string"))
        page = image_array(read_image(MemoryFile("a", picture())), IMAGE)
        heard = log_mel([read_audio(MemoryFile("b", sound()))], SOUND)
        batch = {
            "tabular": torch.from_numpy(member.stats.tabular.transform(frame)),
            "tabular_mask": torch.tensor([float(fields)]),
            "ecg_image": torch.tensor(page[None] * image),
            "ecg_image_mask": torch.tensor([float(image)]),
            "pcg": torch.from_numpy(heard.values[None] * np.float16(pcg)),  # noqa: PD011
            "pcg_mask": torch.tensor([float(pcg)]),
            "pcg_valid": torch.from_numpy(heard.valid[None].astype(np.float32) * pcg),
        }
        with torch.no_grad():
            out = member.model(Finisher(member.stats)(batch))["toy"]
        found.append(float(out[0, 1] - out[0, 0]))
    return found


@pytest.mark.parametrize(
    ("fields", "image", "pcg"), [p for p in itertools.product((True, False), repeat=3) if any(p)]
)
def test_every_subset_is_answered_as_training_would_feed_it(
    predictor: Predictor, fields: bool, image: bool, pcg: bool
) -> None:
    cells = dict(FIELDS) if fields else {"age": None, "sex": ""}
    cells |= {"ecg_image_base64": sent(picture())} if image else {"ecg_image_path": None}
    cells |= {"pcg_base64": sent(sound())} if pcg else {"pcg_base64": np.nan}
    found = ask(predictor, **cells)
    expected = by_hand(predictor, fields=fields, image=image, pcg=pcg)
    assert found.error == ""
    assert found.logit == pytest.approx(np.mean(expected), rel=1e-5)
    there = {"tabular": fields, "ecg_image": image, "pcg": pcg}
    assert found.inputs == tuple(name for name, has in there.items() if has)
    assert set(found.contributions) == set(found.inputs)


def test_path_and_base64_give_the_same_answer(predictor: Predictor, tmp_path: Path) -> None:
    page, heard = on_disk(tmp_path, "p.png", picture()), on_disk(tmp_path, "s.wav", sound())
    by_path = ask(predictor, **FIELDS, ecg_image_path=str(page), pcg_path=heard)
    assert by_path == ask(predictor, **everything())
    assert 0 < by_path.probability < 1


def test_format_mode_and_channels_of_a_file_do_not_matter(predictor: Predictor) -> None:
    plain = ask(predictor, **everything())
    as_bmp = ask(predictor, **everything(ecg_image_base64=sent(picture(form="BMP"))))
    assert as_bmp == plain
    as_flac = ask(predictor, **everything(pcg_base64=sent(sound(form="FLAC"))))
    assert as_flac.logit == pytest.approx(plain.logit, rel=1e-5)
    stereo = ask(predictor, pcg_base64=sent(sound(fs=44_100, channels=2)))
    assert stereo.error == ""


def test_several_sounds_are_one_patient_s(predictor: Predictor, tmp_path: Path) -> None:
    files = [on_disk(tmp_path, f"{i}.wav", sound(i)) for i in range(2)]
    by_path = ask(predictor, pcg_path=f" {files[0]} ; {files[1]};")
    by_text = ask(predictor, pcg_base64=";".join(sent(sound(i)) for i in range(2)))
    assert by_path == by_text
    assert by_path.logit != ask(predictor, pcg_path=str(files[0])).logit


@pytest.mark.parametrize(
    ("cells", "code", "sentence"),
    [
        ({}, "input", "the row has nothing to answer from; send at least one of: clinical fields, "
         "an ECG image, a heart sound"),
        ({"age": None, "sex": " ", "pcg_path": ""}, "input", "nothing to answer from"),
        ({"ecg_image_path": "a.png", "ecg_image_base64": "AA=="}, "input",
         "the ECG image is sent as 'ecg_image_path' and as 'ecg_image_base64'; send one of them"),
        ({"pcg_base64": 7}, "input", "the field 'pcg_base64' holds no text"),
        ({"pcg_base64": ["AA=="]}, "input", "the field 'pcg_base64' holds no text"),
        ({"ecg_image_path": "absent.png"}, "missing_file",
         "the ECG image cannot be used: the file does not exist"),
        ({"pcg_base64": "no base64!"}, "not_base64",
         "the heart sound cannot be used: the field 'pcg_base64' is not base64"),
        ({"pcg_base64": sent(sound()) + ";"}, "empty_file", "'pcg_base64' holds an empty file"),
        ({"pcg_base64": sent(picture())}, "not_a_sound", "the heart sound cannot be used"),
        ({"ecg_image_base64": sent(sound())}, "not_an_image", "the ECG image cannot be used"),
        ({"pcg_base64": sent(sound(seconds=0.2))}, "sound_too_short", "lasts 0.20 s, less than 2"),
        ({"ecg_image_base64": sent(picture()[:300])}, "damaged_image", "cannot be decoded to"),
        ({"ecg_image_base64": sent(encoded(Image.new("L", (60, 40))))}, "blank_image",
         "the ECG image cannot be used: the picture is blank"),
        ({"age": "old"}, "input", "the field 'age' holds no number; send one or leave it out"),
    ],
)  # fmt: skip
def test_a_bad_input_is_answered_by_its_sentence(
    predictor: Predictor, cells: dict[str, Any], code: str, sentence: str
) -> None:
    found = ask(predictor, **{"sex": None, **cells})
    assert sentence in found.error
    assert found.code == code
    assert math.isnan(found.probability)
    assert (found.inputs, found.contributions) == ((), {})


def test_a_bad_file_is_no_absent_one(predictor: Predictor, tmp_path: Path) -> None:
    empty = on_disk(tmp_path, "empty.wav", b"")
    found = ask(predictor, **FIELDS, pcg_path=str(empty))
    assert (found.code, "the heart sound cannot be used" in found.error) == ("empty_file", True)
    assert math.isnan(found.logit)


def test_one_bad_row_does_not_take_the_others_down(predictor: Predictor) -> None:
    rows = pd.DataFrame([everything(), {"pcg_base64": "?"}, everything()])
    found = predictor.predict(rows)
    assert [bool(each.error) for each in found] == [False, True, False]
    assert found[0] == found[2]


def test_the_contributions_add_up_and_every_input_moves_the_answer(predictor: Predictor) -> None:
    found = ask(predictor, **everything())
    nothing = np.mean(by_hand(predictor, fields=False, image=False, pcg=False))
    assert sum(found.contributions.values()) == pytest.approx(found.logit - nothing, abs=1e-5)
    assert all(abs(value) > 1e-4 for value in found.contributions.values())


def test_the_contributions_are_the_mean_over_all_orders(predictor: Predictor) -> None:
    """Against the definition by permutations, asked through serving, of two modalities."""
    alone = ask(predictor, **FIELDS).logit
    other = ask(predictor, pcg_base64=sent(sound())).logit
    both = ask(predictor, **FIELDS, pcg_base64=sent(sound()))
    nothing = np.mean(by_hand(predictor, fields=False, image=False, pcg=False))
    expected = {
        "tabular": ((alone - nothing) + (both.logit - other)) / 2,
        "pcg": ((other - nothing) + (both.logit - alone)) / 2,
    }
    assert both.contributions == pytest.approx(expected, abs=1e-5)


def test_an_input_without_a_branch_contributes_nothing(predictor: Predictor) -> None:
    member = predictor.members[0]
    batch = member.finish({
        "tabular": torch.zeros(1, 4), "tabular_mask": torch.ones(1),
    })  # fmt: skip
    found = contributions(member.model, batch, ("tabular", "text"), predictor.head)
    assert found["text"] == 0
    assert contributions(torch.nn.Linear(1, 1), batch, ("tabular",), predictor.head) == {}


def test_the_table_says_what_was_given(predictor: Predictor) -> None:
    rows = pd.DataFrame([everything(), {"pcg_base64": sent(sound())}, {"age": "old"}])
    table = as_table(predictor.predict(rows), predictor.facts)
    own = [f"contribution.{name}" for name in ("tabular", "ecg_image", "pcg")]
    assert tuple(table.columns) == (*COLUMNS, "inputs", *own, "quality_note", "fields_note")
    assert table["inputs"].tolist() == ["tabular;ecg_image;pcg", "pcg", ""]
    assert table["contribution.tabular"].notna().tolist() == [True, False, False]
    assert set(table["quality_note"]) == {
        "the model takes no ECG recording: it judges no quality and never abstains"
    }
    assert not table["abstain"].any()
    assert table["quality"].isna().all()
    assert list(example_answer(predictor.facts).columns) == list(table.columns)
    assert list(as_table([], predictor.facts).columns) == list(table.columns)


def test_a_model_takes_what_it_was_trained_on(tmp_path: Path) -> None:
    heard = Predictor(write_media_bundle(tmp_path, arrays=("pcg",), fields=False, members=1))
    found = ask(heard, pcg_base64=sent(sound()), ecg_image_base64="not looked at", age=5)
    assert (found.error, found.inputs) == ("", ("pcg",))
    assert "send at least one of: a heart sound" in ask(heard, age=5).error
    assert heard.facts.optional == {"pcg": "a heart sound"}
    batch = media_batch({}, heard.facts)
    assert sorted(batch) == ["pcg", "pcg_mask", "pcg_valid"]
    assert not any(bool(values.any()) for values in batch.values())


def test_a_model_of_pages_alone_hears_nothing(tmp_path: Path) -> None:
    seen = Predictor(write_media_bundle(tmp_path, arrays=("ecg_image",), members=1))
    found = ask(seen, ecg_image_base64=sent(picture()), pcg_base64="not looked at")
    assert (found.error, found.inputs) == ("", ("ecg_image",))
    assert list(found.contributions) == ["ecg_image"]


def test_other_models_answer_as_before(tmp_path: Path) -> None:
    own = Predictor(write_toy_bundle(tmp_path, ecg=False, members=1))
    found = ask(own, age=None, sex=None)
    assert (found.error, found.inputs, found.contributions) == ("", (), {})
    assert tuple(as_table([found], own.facts).columns) == COLUMNS
    assert own.facts.optional == {}
    assert own.facts.media == ()
    plain = json.loads((tmp_path / "bundle" / "bundle.json").read_text())
    older = {key: value for key, value in plain.items() if key not in {"image", "sound"}}
    assert BundleFacts.model_validate(older) == own.facts


def test_blank_and_missing_fields_are_unknown() -> None:
    assert not any_known({"a": None, "b": np.nan, "c": pd.NA, "d": " "}, "abcde")
    assert any_known({"a": None, "b": 0.0}, "ab")
    assert not any_known({"a": 1.0}, "b")


def test_the_input_example_is_answered(predictor: Predictor) -> None:
    example = input_example(predictor.facts)
    assert {"ecg_image_path", "ecg_image_base64", "pcg_path", "pcg_base64"} < set(example.columns)
    found = predictor.predict(example)[0]
    assert (found.error, found.inputs) == ("", ("tabular", "ecg_image", "pcg"))
    assert len(example_picture()) < 10_000  # it is kept twice beside every registered model
    assert len(example_sound()) < 40_000


def test_the_example_sound_has_two_sounds_a_beat() -> None:
    own = read_audio(MemoryFile("example", base64.b64decode(example_sound())))
    loud = np.abs(own.scaled()).reshape(-1, 40).max(axis=1) > 0.1  # 20 ms
    onsets = np.flatnonzero(np.diff(loud.astype(int)) == 1)
    assert len(onsets) == 13  # from 0.10 s and from 0.42 s every 0.8 s, within 5 s


@given(
    page=st.none() | st.text(max_size=40) | st.binary(max_size=200).map(sent),
    heard=st.none() | st.text(max_size=40) | st.binary(max_size=200).map(sent),
    form=st.sampled_from(["path", "base64"]),
)
@settings(max_examples=60)
def test_whatever_is_sent_is_answered_or_refused(
    predictor: Predictor, page: str | None, heard: str | None, form: str
) -> None:
    cells = {"age": 61.0, f"ecg_image_{form}": page, f"pcg_{form}": heard}
    found = predictor.answer(cells)
    assert bool(found.error) == math.isnan(found.probability)
    assert bool(found.error) == bool(found.code)
    blank = all(each is None or not each.strip() for each in (page, heard))
    assert blank <= (found.inputs == ("tabular",))


@pytest.mark.parametrize("value", [math.inf, "inf", "1e999", 1j, "61,5", {"a": 1}, [61, 62]])
def test_what_is_no_finite_number_is_refused(predictor: Predictor, value: Any) -> None:
    found, after = predictor.predict(pd.DataFrame({"age": pd.Series([value, 61], dtype=object)}))
    assert re.match(r"the field 'age' holds no (number|single value); send one or", found.error)
    assert (found.code, after.error) == ("input", "")


def test_several_categories_in_one_field_are_refused(predictor: Predictor) -> None:
    found = predictor.answer({"sex": ["F"], "age": 61.0})
    assert found.error == "the field 'sex' holds no single value; send one or leave it out"
    assert predictor.answer({"sex": np.array(["F", "M"])}).error == found.error


@pytest.mark.parametrize("empty", ["", " ", "NA", "null", None, np.nan, pd.NA, pd.NaT])
def test_an_empty_field_is_a_missing_one(predictor: Predictor, empty: Any) -> None:
    heard = {"pcg_base64": sent(sound())}
    assert predictor.answer({"age": empty, "sex": empty, **heard}) == predictor.answer(heard)
    assert "nothing to answer from" in predictor.answer({"age": empty, "sex": empty}).error


def test_blanks_around_a_category_do_not_matter(predictor: Predictor) -> None:
    assert predictor.answer({"sex": " F "}) == predictor.answer({"sex": "F"})
    assert predictor.answer({"sex": "F"}).logit != predictor.answer({"sex": "M"}).logit


def test_a_field_that_does_not_enter_as_it_was_sent_is_told(predictor: Predictor) -> None:
    assert predictor.answer(FIELDS).fields_note == ""
    odd = predictor.answer({"sex": "f", "age": 1e6})
    edge = float(re.findall(r"counts as (\d\S+);", odd.fields_note)[0])
    assert odd.fields_note == (
        f"age is far above those of training and counts as {edge:.4g}; sex is none of the "
        "categories of training (F, M) and counts as missing"
    )
    assert odd.logit == pytest.approx(predictor.answer({"age": edge}).logit, abs=1e-3)
    low = predictor.answer({"age": -1e6}).fields_note
    assert re.fullmatch(r"age is far below those of training and counts as \d+\.\d+", low)
    table = as_table([odd, predictor.answer(FIELDS)], predictor.facts)
    assert table["fields_note"].tolist() == [odd.fields_note, ""]


def test_a_mixed_batch_answers_as_each_row_alone(predictor: Predictor) -> None:
    rows: list[dict[str, Any]] = [everything(), {"pcg_base64": sent(sound(1))}, dict(FIELDS)]
    rows += [{"ecg_image_base64": sent(picture(1)), "age": 50.0}, everything(age=None)]
    together = predictor.predict(pd.DataFrame(rows))
    for row, found in zip(rows, together, strict=True):
        alone = predictor.answer(row)
        assert found.logit == pytest.approx(alone.logit, abs=1e-6)
        assert found.inputs == alone.inputs
        assert found.contributions == pytest.approx(alone.contributions, abs=1e-6)


@pytest.mark.parametrize("text", [
    f"data:image/png;base64,{sent(picture())}", base64.encodebytes(picture()).decode(),
])  # fmt: skip
def test_base64_as_browsers_and_command_lines_wrap_it_is_told_how(
    predictor: Predictor, text: str
) -> None:
    assert ask(predictor, ecg_image_base64=text).error == (
        "the ECG image cannot be used: the field 'ecg_image_base64' is not base64; send it without "
        "line breaks and without 'data:…;base64,' before it"
    )


def test_a_picture_s_name_may_hold_a_semicolon(predictor: Predictor, tmp_path: Path) -> None:
    page = on_disk(tmp_path, "page;1.png", picture())
    found = ask(predictor, ecg_image_path=str(page))
    assert (found.error, found.inputs) == ("", ("ecg_image",))


def test_a_category_that_one_network_does_not_know_is_told(tmp_path: Path) -> None:
    folder = write_media_bundle(tmp_path)
    file = folder / "member1" / "norm_stats.json"
    stats = json.loads(file.read_text())
    (column,) = stats["tabular"]["categorical"]
    column["levels"] = ["F", "X"]
    file.write_text(json.dumps(stats))
    seal(folder)
    other = Predictor(folder)
    said = other.answer({"sex": "M"}).fields_note
    assert said == "sex is none of the categories of training (F, X) and counts as missing"
    assert other.answer({"sex": "F"}).fields_note == ""
