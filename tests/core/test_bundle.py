"""The bundle answers for raw files as hospitals have them, or says why it cannot."""

from __future__ import annotations

import base64
import io
import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.io import savemat

from components.core import out_of_distribution as ood
from components.core.bundle import INPUTS, Prediction, Predictor
from components.core.bundle_answer import COLUMNS, example_answer
from components.core.bundle_inputs import NOTES
from components.core.bundle_seal import seal
from components.core.data.batches import Normaliser
from components.core.errors import ConfigError, InputError
from components.core.metrics.isotonic import IsotonicScaler
from components.core.readers.rawfile import DiskFile, MemoryFile
from components.core.readers.registry import Declared, read_signal
from components.core.readers.zipped import memory_file_from_zip
from components.core.registry import input_example
from components.core.signals.prepare import prepare
from components.core.signals.quantise import quantise
from tests.bundles import ECG, PLATT, csv_ecg, ecg_on_disk, write_toy_bundle, zipped_ecg
from tests.cohorts import LEADS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def predictor(folder: Path) -> Predictor:
    return Predictor(folder)


def ask(predictor: Predictor, **cells: Any) -> Prediction:
    row = {"age": 61.0, "sex": "F", **cells}
    return predictor.predict(pd.DataFrame([row]))[0]


def test_path_and_zip_give_the_same_answer(predictor: Predictor, tmp_path: Path) -> None:
    by_path = ask(predictor, ecg_path=str(ecg_on_disk(tmp_path)))
    by_zip = ask(predictor, ecg_base64=zipped_ecg(), ecg_path=None)
    assert by_path.error == by_zip.error == ""
    assert by_path == by_zip
    assert 0 < by_path.probability < 1


def test_the_answer_is_recalibrated_as_the_bundle_says(folder: Path, tmp_path: Path) -> None:
    curve = IsotonicScaler((-5.0, 0.0, 5.0), (0.01, 0.2, 0.9))
    shutil.copytree(folder, tmp_path / "bundle")
    file = tmp_path / "bundle" / "bundle.json"
    facts = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(facts | {"calibration": json.loads(curve.to_json())}))
    seal(file.parent)
    found = ask(Predictor(tmp_path / "bundle"), ecg_base64=zipped_ecg())
    assert found.probability == curve.apply([found.logit])[0]
    file.write_text(json.dumps(facts | {"calibration": {"kind": "beta"}}))
    seal(file.parent)
    with pytest.raises(ConfigError, match="no recalibration 'beta'"):
        Predictor(tmp_path / "bundle")


def test_the_answer_is_the_calibrated_mean_of_the_members(
    predictor: Predictor, tmp_path: Path
) -> None:
    header = ecg_on_disk(tmp_path)
    prepared = prepare(read_signal(DiskFile(header, tmp_path), Declared()), ECG)
    counts, scale = quantise(prepared)
    features = pd.DataFrame({"age": [61.0], "sex": pd.Series(["F"], dtype="string")})
    logits = []
    for member in predictor.members:
        norm = member.stats.norm()
        assert norm is not None
        batch = {
            "ecg": torch.from_numpy(counts[None]),
            "ecg_scale": torch.from_numpy(scale[None]),
            "ecg_lead_mask": torch.ones(1, 8),
            "tabular": torch.from_numpy(member.stats.tabular.transform(features)),
        }
        with torch.no_grad():
            out = member.model(Normaliser(norm)(batch))["toy"]
        logits.append(float(out[0, 1] - out[0, 0]))
    assert logits[0] != logits[1]
    found = ask(predictor, ecg_path=str(header))
    assert found.logit == pytest.approx(np.mean(logits), rel=1e-6)
    z = PLATT.slope * found.logit + PLATT.intercept
    assert found.probability == pytest.approx(1 / (1 + math.exp(-z)))


def test_a_file_that_cannot_say_its_rate_is_told_in_the_row(predictor: Predictor) -> None:
    told = ask(predictor, ecg_base64=csv_ecg(), ecg_fs=250.0, ecg_unit="mV", ecg_leads=None)
    assert told.error == ""
    named = ask(
        predictor, ecg_base64=csv_ecg(), ecg_fs="250", ecg_unit="mV", ecg_leads=";".join(LEADS)
    )
    assert named == told
    assert "rate" in ask(predictor, ecg_base64=csv_ecg(), ecg_unit="mV").error


def test_a_short_recording_is_padded_and_answered(predictor: Predictor) -> None:
    told = {"ecg_fs": 250.0, "ecg_unit": "mV"}
    assert ask(predictor, ecg_base64=csv_ecg(3), **told).error == ""
    assert "lasts 1 s, less" in ask(predictor, ecg_base64=csv_ecg(1), **told).error


def test_tabular_features_bear_on_the_answer_and_may_be_missing(predictor: Predictor) -> None:
    ecg = zipped_ecg()
    first = ask(predictor, ecg_base64=ecg, age=45)
    assert first.logit != ask(predictor, ecg_base64=ecg, age=80).logit
    gaps = [ask(predictor, ecg_base64=ecg, age=gap, sex=None) for gap in (None, np.nan, pd.NA)]
    assert gaps[0] == gaps[1] == gaps[2]
    assert gaps[0].error == ""


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ({}, "send the ECG as either 'ecg_path' or 'ecg_base64'"),
        ({"ecg_path": None, "ecg_base64": pd.NA}, "send the ECG as either"),
        ({"ecg_path": "x.xml", "ecg_base64": "AAAA"}, "send the ECG as either"),
        ({"ecg_path": "absent.xml"}, "the file does not exist"),
        ({"ecg_path": "a" * 300}, "the path cannot name a file"),
        ({"ecg_base64": "no base64!"}, "the field 'ecg_base64' is not base64"),
        ({"ecg_base64": base64.b64encode(b"PK\x03\x04broken").decode()}, "zip archive cannot be"),
        ({"ecg_base64": base64.b64encode(b"hello").decode()}, "format"),
        ({"ecg_base64": csv_ecg(), "ecg_fs": "fast", "ecg_unit": "mV"}, "'ecg_fs' is 'fast', no r"),
        ({"ecg_base64": csv_ecg(), "ecg_decimal": ";"}, "'ecg_decimal' is ';'; send '.' or ','"),
        ({"ecg_base64": zipped_ecg(), "age": "old"}, "the field 'age' holds no number; send one"),
    ],
)
def test_a_row_that_cannot_be_answered_says_why(
    predictor: Predictor, cells: dict[str, Any], sentence: str
) -> None:
    found = ask(predictor, **cells)
    assert sentence in found.error
    assert math.isnan(found.logit)
    assert math.isnan(found.probability)


def test_one_bad_row_does_not_take_the_others_down(predictor: Predictor) -> None:
    rows = pd.DataFrame(
        {"ecg_base64": [zipped_ecg(), "?", zipped_ecg()], "age": [50.0, 50.0, 50.0], "sex": "M"}
    )
    found = predictor.predict(rows)
    assert [bool(each.error) for each in found] == [False, True, False]
    assert found[0] == found[2]


def test_a_tabular_bundle_needs_no_ecg(tmp_path: Path) -> None:
    predictor = Predictor(write_toy_bundle(tmp_path, ecg=False, members=1))
    assert ask(predictor).error == ""
    assert list(input_example(predictor.facts).columns) == ["age", "sex"]


def test_the_logged_model_answers_in_a_table(folder: Path) -> None:
    from components.core.serving_model import BundleModel

    model = BundleModel()
    model.load_context(SimpleNamespace(artifacts={"bundle": str(folder)}))
    rows = pd.DataFrame({"ecg_base64": [zipped_ecg(), "?"], "age": [61.0, 61.0], "sex": ["F", "F"]})
    found = model.predict(None, rows)
    assert tuple(found.columns) == COLUMNS
    assert found["trained_on"].tolist() == ["unnamed cohort: 20 records"] * 2
    assert found["abstain"].tolist() == [False, False]
    assert found["version"].tolist() == ["v" * 32] * 2
    assert found["probability"][0] == ask(Predictor(folder), ecg_base64=zipped_ecg()).probability
    assert (found["error"] != "").tolist() == [False, True]
    assert 0 < found["quality"][0] <= 1
    assert np.isnan(found["quality"][1])
    assert found["flags"].map(type).tolist() == [str, str]


def test_quality_stands_beside_the_answer(predictor: Predictor, tmp_path: Path) -> None:
    header = ecg_on_disk(tmp_path)
    expected = prepare(read_signal(DiskFile(header, tmp_path), Declared()), ECG).quality
    found = ask(predictor, ecg_path=str(header))
    assert (found.quality, found.flags) == (expected.score, expected.raised)


def test_what_training_refused_gets_no_answer(tmp_path: Path) -> None:
    folder = write_toy_bundle(tmp_path, members=1)
    facts = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps(facts | {"min_quality": 1.0}))
    seal(folder)
    found = ask(Predictor(folder), ecg_path=str(ecg_on_disk(tmp_path)))
    assert math.isnan(found.probability)
    assert 0 < found.quality < 1
    assert (found.error, found.abstain) == ("", True)
    assert re.search(r"quality is 0\.\d+, below 1", found.abstain_reason)
    assert math.isfinite(found.logit)


def test_the_input_example_is_answered(predictor: Predictor) -> None:
    example = input_example(predictor.facts)
    assert set(INPUTS) - {NOTES} < set(example.columns)  # this model reads no notes
    assert predictor.predict(example)[0].error == ""


def test_a_bundle_holds_no_pickle(folder: Path) -> None:
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    own = ["norm_stats.json", "reference.json", "spec.json", "weights.safetensors"]
    assert names == [
        "bundle.json",
        "checksums.json",
        *(f"member{i}/{n}" for i in (0, 1) for n in own),
    ]


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def _other_shape(file: Path) -> None:
    body = json.loads(file.read_text())
    file.write_text(json.dumps({**body, "tabular": body["tabular"] + 1}))


@pytest.mark.parametrize("damage", [Path.unlink, _cut, lambda f: f.write_text("[]")])
@pytest.mark.parametrize("name", ["weights.safetensors", "norm_stats.json", "spec.json"])
def test_a_damaged_member_is_named(
    tmp_path: Path, name: str, damage: Callable[[Path], object]
) -> None:
    folder = write_toy_bundle(tmp_path)
    damage(folder / "member1" / name)
    seal(folder)
    with pytest.raises(InputError, match=r"'member1' of the model bundle is damaged|'norm_stats"):
        Predictor(folder)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    folder = write_toy_bundle(tmp_path)
    _other_shape(folder / "member0" / "spec.json")
    seal(folder)
    with pytest.raises(InputError, match="'member0' of the model bundle is damaged"):
        Predictor(folder)


@pytest.mark.parametrize("damage", [Path.unlink, _cut, lambda f: f.write_text('{"task": "a"}')])
def test_a_folder_without_its_manifest_is_no_bundle(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    folder = write_toy_bundle(tmp_path)
    damage(folder / "bundle.json")
    with pytest.raises(InputError, match=r"bundle' is no model bundle: "):
        Predictor(folder)


def test_an_interval_needs_five_networks(tmp_path: Path, predictor: Predictor) -> None:
    few = ask(predictor, ecg_base64=zipped_ecg())
    assert math.isnan(few.lo)
    assert few.interval_note == "2 network(s) in the ensemble, fewer than 5"
    folder = write_toy_bundle(tmp_path, members=5)
    many = ask(Predictor(folder), ecg_base64=zipped_ecg())
    logits = []
    facts = json.loads((folder / "bundle.json").read_text())
    for name in facts["members"]:
        (folder / "bundle.json").write_text(json.dumps(facts | {"members": [name]}))
        seal(folder)
        logits.append(ask(Predictor(folder), ecg_base64=zipped_ecg()).logit)
    chances = 1 / (1 + np.exp(-(PLATT.slope * np.array(logits) + PLATT.intercept)))
    assert (many.lo, many.hi) == pytest.approx(tuple(np.percentile(chances, [5, 95])), rel=1e-6)
    assert many.lo < many.probability < many.hi
    assert many.interval_note == ""


def test_what_the_file_cannot_say_is_declared_in_the_row(predictor: Predictor) -> None:
    told = {"ecg_fs": 250.0, "ecg_unit": "mV"}
    plain = ask(predictor, ecg_base64=csv_ecg(), **told)
    text = base64.b64decode(csv_ecg()).decode().replace(",", ";").replace(".", ",")
    commas = base64.b64encode(text.encode()).decode()
    assert ask(predictor, ecg_base64=commas, ecg_decimal=",", **told) == plain
    assert ask(predictor, ecg_base64=commas, **told).error != ""
    first, second = np.random.default_rng(0).normal(0, 0.3, (2, 8, 2500)).astype(np.float32)
    packed = io.BytesIO()
    savemat(packed, {"first": first, "second": second})
    both = base64.b64encode(packed.getvalue()).decode()
    leads = ";".join(LEADS)
    keyed = [
        ask(predictor, ecg_base64=both, ecg_key=key, ecg_leads=leads, **told)
        for key in ("first", "second")
    ]
    assert [each.error for each in keyed] == ["", ""]
    assert keyed[0].logit != keyed[1].logit
    assert ask(predictor, ecg_base64=both, ecg_leads=leads, **told).error != ""


def _with_distribution(folder: Path, threshold: float) -> Path:
    prepared = prepare(read_signal(_record(), Declared()), ECG)
    own = ood.summaries(np.stack([prepared.values]), ECG.fs, LEADS)  # noqa: PD011
    spread = np.full(own.shape[1], 0.5)
    ood.EcgDistribution(mean=own[0], sd=spread, covariance=np.eye(own.shape[1])).save(folder)
    facts = json.loads((folder / "bundle.json").read_text())
    change = {"ood_threshold": threshold, "ood_rate": 0.02}
    (folder / "bundle.json").write_text(json.dumps(facts | change))
    seal(folder)
    return folder


def _record() -> MemoryFile:
    return memory_file_from_zip(base64.b64decode(zipped_ecg()))


def test_a_recording_unlike_training_gets_no_probability(tmp_path: Path) -> None:
    predictor = Predictor(_with_distribution(write_toy_bundle(tmp_path, members=1), 1.0))
    own = ask(predictor, ecg_base64=zipped_ecg())
    assert (own.abstain, own.abstain_reason) == (False, "")
    strange = ask(predictor, ecg_base64=csv_ecg(), ecg_fs=250.0, ecg_unit="mV")
    assert strange.abstain
    assert "unlike those of training" in strange.abstain_reason
    assert "2.0% of validation's" in strange.abstain_reason
    assert math.isnan(strange.probability)
    assert math.isfinite(strange.logit)
    assert strange.interval_note == "the model abstains"


def test_a_bundle_without_its_distribution_is_refused(tmp_path: Path) -> None:
    folder = _with_distribution(write_toy_bundle(tmp_path, members=1), 1.0)
    (folder / ood.FILE).unlink()
    seal(folder)
    with pytest.raises(InputError, match=r"'distribution.safetensors' of the model bundle cannot"):
        Predictor(folder)


def test_an_error_carries_its_code(predictor: Predictor) -> None:
    assert ask(predictor, ecg_path="absent.xml").code == "missing_file"
    assert ask(predictor).code == "input"


def test_the_signature_has_the_answers_columns(predictor: Predictor) -> None:
    assert tuple(example_answer(predictor.facts).columns) == COLUMNS


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("ecg_fs", [250, 500], "'ecg_fs' holds no single value"),
        ("ecg_leads", {"a": 1}, "'ecg_leads' holds no single value"),
        ("ecg_decimal", ["."], "'ecg_decimal' holds no single value"),
        ("age", 10**400, "'age' holds no number"),
        ("age", True, "'age' holds no number"),
    ],
)
def test_a_value_that_json_can_hold_and_a_field_cannot_is_its_row_s_error(
    predictor: Predictor, field: str, value: object, words: str
) -> None:
    row = {"ecg_base64": zipped_ecg(), "sex": "F", "age": 61.0, field: value}
    assert words in predictor.answer(row).error
