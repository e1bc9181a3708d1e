"""Raw notes and raw ECG files in, the calibrated answers of all heads out."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from components.core import runs, store
from components.core.bundle import Predictor
from components.core.bundle_answer import as_table, example_answer, outputs
from components.core.bundle_files import BundleFacts
from components.core.bundle_seal import seal
from components.core.data.batches import Batch, Normaliser
from components.core.data.tabular import TabularEncoder
from components.core.errors import InputError
from components.core.heads_predictor import HeadsPredictor
from components.core.metrics.platt import PlattScaler
from components.core.readers.rawfile import DiskFile
from components.core.readers.registry import Declared, read_signal
from components.core.registry import input_example, register
from components.core.signals.prepare import prepare
from components.core.signals.quantise import quantise
from components.core.text.masking import mask_lvef
from tests.bundles import ECG, PLATT, ecg_on_disk, write_toy_bundle
from tests.conftest import Workplace
from tests.head_bundles import (
    CORPUS,
    HIDDEN,
    HORIZONS,
    OTHER_PLATT,
    SHARES,
    HeadsOptions,
    write_heads_bundle,
)

FIELDS = pd.DataFrame({"age": [61.0], "sex": ["F"]})
ALL = ("lvef", "survival", "risk", "confidence")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_heads_bundle(tmp_path_factory.mktemp("heads"))


@pytest.fixture(scope="module")
def ecg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ecg_on_disk(tmp_path_factory.mktemp("ecg"))


@pytest.fixture(scope="module")
def predictor(bundle: Path) -> HeadsPredictor:
    return HeadsPredictor(dict.fromkeys(ALL, Predictor(bundle)))


@pytest.fixture
def other_ecg(tmp_path: Path) -> Path:
    """A second recording: the first one's file with every sample halved in amplitude."""
    header = ecg_on_disk(tmp_path)
    header.write_text(header.read_text().replace("1000(0)/mV", "2000(0)/mV"))
    return header


def ask(predictor: HeadsPredictor, note: str | None, ecg: Path, **options: Any) -> pd.Series:
    return predictor.predict([note], [ecg], FIELDS, **options).iloc[0]


def raw_logits(predictor: HeadsPredictor, note: str, ecg: Path) -> list[dict[str, torch.Tensor]]:
    """Return each network's logits, put together without the bundle's own code."""
    prepared = prepare(read_signal(DiskFile(ecg, ecg.parent), Declared()), ECG)
    counts, scale = quantise(prepared)
    found: list[dict[str, torch.Tensor]] = []
    for member in predictor._bundles["lvef"].members:
        norm, text = member.stats.norm(), member.stats.text
        assert norm is not None
        assert text is not None
        assert isinstance(member.stats.tabular, TabularEncoder)
        batch: Batch = {
            "ecg": torch.from_numpy(counts[None]),
            "ecg_scale": torch.from_numpy(scale[None]),
            "ecg_lead_mask": torch.ones(1, 8),
            "tabular": torch.from_numpy(
                member.stats.tabular.transform(FIELDS.astype({"sex": "string"}))
            ),
            "text": torch.from_numpy(text.transform([note])),  # type: ignore[union-attr]
            "text_mask": torch.ones(1),
        }
        with torch.no_grad():
            ready = Normaliser(norm)(batch)
            hidden = member.model.hidden(ready)  # type: ignore[operator]
            found.append({**member.model(ready), "hidden": hidden})
    return found


def test_all_four_heads_answer_from_raw_files(predictor: HeadsPredictor, ecg: Path) -> None:
    assert predictor.heads == ALL
    row = ask(predictor, CORPUS[0], ecg)
    assert {name.split(".")[0] for name in row.index} == set(ALL)
    assert [row[f"{head}.error"] for head in ALL] == [""] * 4
    shared = ["error", "abstain_reason", "quality"]
    assert [name for name in row.index if name.startswith("lvef.")] == [
        f"lvef.{name}" for name in [*shared, "probability", "lo", "hi"]
    ]
    assert [name for name in row.index if name.startswith("risk.")] == [
        f"risk.{name}" for name in [*shared, "low", "moderate", "high"]
    ]
    assert [n for n in row.index if n.startswith("confidence.")][-1] == "confidence.probability"
    assert 0 < row["confidence.quality"] <= 1


def test_every_head_is_calibrated_as_the_bundle_says(predictor: HeadsPredictor, ecg: Path) -> None:
    row, logits = ask(predictor, CORPUS[0], ecg), raw_logits(predictor, CORPUS[0], ecg)

    def platt(scaler: PlattScaler, head: str) -> float:
        mean = np.mean([float(each[head][0, 1] - each[head][0, 0]) for each in logits])
        return float(1 / (1 + np.exp(-(scaler.slope * mean + scaler.intercept))))

    assert row["lvef.probability"] == pytest.approx(platt(PLATT, "lvef"), rel=1e-5)
    assert row["confidence.probability"] == pytest.approx(
        platt(OTHER_PLATT, "confidence"), rel=1e-5
    )
    shares = [each["risk"].softmax(1)[0].double().numpy() * SHARES for each in logits]
    expected = np.mean([each / each.sum() for each in shares], axis=0)
    found = row[["risk.low", "risk.moderate", "risk.high"]].to_numpy(float)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found.sum() == pytest.approx(1)
    curves = [_incidence(each["survival"][0].double().numpy()) for each in logits]
    event, death = np.mean(curves, axis=0)
    assert row["survival.365"] == pytest.approx(event, rel=1e-5)
    assert row["survival.death.365"] == pytest.approx(death, rel=1e-5)


def _incidence(logits: np.ndarray) -> tuple[float, float]:
    """Return the chance of event and of death by the last horizon, interval by interval."""
    free, event, death = 1.0, 0.0, 0.0
    for own in logits.reshape(len(HORIZONS), 2):
        total = 1 + np.exp(own).sum()
        event, death = event + free * np.exp(own[0]) / total, death + free * np.exp(own[1]) / total
        free /= total
    return event, death


def test_cumulative_incidences_never_fall(
    predictor: HeadsPredictor, ecg: Path, other_ecg: Path
) -> None:
    cases = list(itertools.product([*CORPUS, None], [ecg, other_ecg]))
    fields = pd.DataFrame({"age": np.linspace(20, 95, len(cases)), "sex": "M"})
    found = predictor.predict([n for n, _ in cases], [e for _, e in cases], fields)
    for prefix in ("survival.", "survival.death."):
        curves = found[[f"{prefix}{day}" for day in HORIZONS]].to_numpy()
        assert (np.diff(curves, axis=1) >= 0).all()
        assert (curves > 0).all()
        assert curves[:, -1].std() > 0
    last = found[["survival.365", "survival.death.365"]].sum(axis=1)
    assert (last < 1).all()


def test_a_stated_ejection_fraction_bears_on_nothing(
    predictor: HeadsPredictor, ecg: Path, tmp_path: Path
) -> None:
    note = "dyspnoea on exertion, LVEF 30 %, oedema of both legs"
    masked = mask_lvef(note).text
    assert "30" not in masked
    stated, hidden = ask(predictor, note, ecg), ask(predictor, masked, ecg)
    pd.testing.assert_series_equal(stated, hidden)
    other = ask(predictor, note.replace("30", "65"), ecg)
    pd.testing.assert_series_equal(stated, other)
    unmasked = Predictor(write_heads_bundle(tmp_path, HeadsOptions(notes_masked=False)))
    as_written = HeadsPredictor(dict.fromkeys(ALL, unmasked))
    assert not ask(as_written, note, ecg).equals(ask(as_written, masked, ecg))


def test_a_patient_without_a_note_is_answered(predictor: HeadsPredictor, ecg: Path) -> None:
    rows = [ask(predictor, note, ecg) for note in (None, "", "  \n")]
    assert [row["lvef.error"] for row in rows] == [""] * 3
    pd.testing.assert_series_equal(rows[0], rows[1])
    pd.testing.assert_series_equal(rows[0], rows[2])
    # A note of unknown words is another thing than none: the trunk has learned a vector for that.
    assert rows[0]["lvef.probability"] != ask(predictor, "zzz", ecg)["lvef.probability"]


def test_some_heads_may_be_asked(predictor: HeadsPredictor, ecg: Path) -> None:
    row = ask(predictor, None, ecg, heads=["risk"])
    assert all(name.startswith("risk.") for name in row.index)
    assert row["risk.high"] == ask(predictor, None, ecg)["risk.high"]


def test_heads_of_one_bundle_share_its_answer(bundle: Path, ecg: Path) -> None:
    own, asked = Predictor(bundle), []
    plain = own.predict
    own.predict = lambda frame: asked.append(len(frame)) or plain(frame)  # type: ignore[method-assign]
    ask(HeadsPredictor(dict.fromkeys(ALL, own)), None, ecg)
    assert asked == [1]


def test_an_unreadable_file_is_told_in_its_row(predictor: HeadsPredictor, ecg: Path) -> None:
    found = predictor.predict([None, None], ["absent.xml", ecg], pd.concat([FIELDS, FIELDS]))
    assert found["survival.error"].str.contains("does not exist").tolist() == [True, False]
    assert found["survival.365"].isna().tolist() == [True, False]


def test_a_poor_recording_gets_no_answer_from_any_head(
    bundle: Path, ecg: Path, tmp_path: Path
) -> None:
    shutil.copytree(bundle, tmp_path / "bundle")
    file = tmp_path / "bundle" / "bundle.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"min_quality": 1.0}))
    seal(file.parent)
    row = ask(HeadsPredictor(dict.fromkeys(ALL, Predictor(file.parent))), None, ecg)
    for name in ("lvef.probability", "survival.365", "risk.high", "confidence.probability"):
        assert np.isnan(row[name])
    assert "below 1" in row["risk.abstain_reason"]


def test_inputs_of_different_lengths_are_refused(predictor: HeadsPredictor, ecg: Path) -> None:
    with pytest.raises(InputError, match="2 notes, 1 ECG files were given; give one of each a p"):
        predictor.predict([None, None], [ecg])
    with pytest.raises(InputError, match="1 notes, 1 ECG files and 2 rows of fields were given"):
        predictor.hidden_features([None], [ecg], pd.concat([FIELDS, FIELDS]))
    with pytest.raises(InputError, match=r"the fields hold the column\(s\) clinical_notes, which"):
        predictor.predict([None], [ecg], FIELDS.assign(clinical_notes="x"))


def test_an_untrained_head_is_refused_with_how_to_train_it(
    predictor: HeadsPredictor, bundle: Path, ecg: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"'risks' was not trained; did you mean 'risk'\?. Train"):
        ask(predictor, None, ecg, heads=["risks"])
    two = Predictor(write_heads_bundle(tmp_path, HeadsOptions(heads=("lvef", "risk"))))
    alone = HeadsPredictor({"lvef": two})
    for call in (alone.predict, alone.hidden_features):
        option: dict[str, Any] = {"heads": ["survival"]} if call == alone.predict else {}
        option = option or {"head": "survival"}
        with pytest.raises(InputError, match=r"'survival' was not .* -e train_survival`"):
            call([None], [ecg], FIELDS, **option)
    with pytest.raises(InputError, match=r"has the head\(s\) lvef, risk; the head 'confidence' w"):
        HeadsPredictor({"confidence": two})
    with pytest.raises(InputError, match="no head is named; name some of lvef, survival, risk, c"):
        HeadsPredictor.from_registry({})


def test_hidden_features_are_the_models_own(
    predictor: HeadsPredictor, ecg: Path, other_ecg: Path
) -> None:
    notes, files = [CORPUS[0], CORPUS[1], CORPUS[0]], [ecg, ecg, other_ecg]
    found = predictor.hidden_features(notes, files, pd.concat([FIELDS] * 3))
    assert (found.shape, found.dtype) == ((3, HIDDEN), np.float32)
    assert not np.allclose(found[0], found[1])
    assert not np.allclose(found[0], found[2])
    expected = raw_logits(predictor, CORPUS[0], ecg)[0]["hidden"]
    np.testing.assert_allclose(found[0], expected[0].numpy(), atol=1e-6)
    assert predictor.hidden_features([], []).shape == (0, HIDDEN)
    named = predictor.hidden_features(notes[:1], files[:1], FIELDS, head="risk")
    np.testing.assert_array_equal(named[0], found[0])


def test_hidden_features_say_which_row_has_none(predictor: HeadsPredictor, ecg: Path) -> None:
    with pytest.raises(InputError, match="row 2 has no hidden features: the file does not exist"):
        predictor.hidden_features([None, None], [ecg, "absent.xml"], pd.concat([FIELDS] * 2))


def test_a_model_without_a_trunk_has_no_hidden_features(tmp_path: Path, ecg: Path) -> None:
    own = HeadsPredictor({"toy": Predictor(write_toy_bundle(tmp_path))})
    row = own.predict([None], [ecg], FIELDS).iloc[0]
    assert 0 < row["toy.probability"] < 1
    with pytest.raises(InputError, match=r"'ecg\+tabular' has no hidden representation; it takes"):
        own.hidden_features([None], [ecg], FIELDS)


def test_a_model_of_notes_alone_looks_at_no_file(tmp_path: Path) -> None:
    own = Predictor(write_heads_bundle(tmp_path, HeadsOptions(notes_only=True)))
    heads = HeadsPredictor(dict.fromkeys(ALL, own))
    found = heads.predict([CORPUS[0], CORPUS[1], None], ["", "", ""])
    assert found["risk.error"].tolist() == [""] * 3
    assert found["risk.high"].nunique() == 3
    hidden = heads.hidden_features([CORPUS[0], CORPUS[1]], ["", ""])
    assert hidden.shape == (2, HIDDEN)
    assert not np.allclose(hidden[0], hidden[1])


@pytest.mark.parametrize(
    ("primary", "column"), [("survival", "survival.365"), ("risk", "risk.high")]
)
def test_a_single_head_of_another_kind_answers_by_itself(
    tmp_path: Path, ecg: Path, primary: str, column: str
) -> None:
    own = Predictor(write_heads_bundle(tmp_path, HeadsOptions(heads=(primary,), task=primary)))
    row = ask(HeadsPredictor({primary: own}), None, ecg)
    assert 0 < row[column] < 1
    assert f"{primary}.probability" not in row.index


def test_references_name_an_alias_a_version_or_a_run(
    bundle: Path, ecg: Path, tmp_path: Path, workspace: Workplace
) -> None:
    def fill(work: store.Workspace) -> None:
        shutil.copytree(bundle, work.folder / "bundle")

    stage = store.build("evaluate", "e" * 32, config={}, inputs={}, compute=fill)[0]
    tags = {runs.TAG_COMPONENT: "evaluate", runs.TAG_FINGERPRINT: stage.fingerprint}
    with runs.open_run("heads", "evaluate", tags) as recorder:
        register(recorder.run_id, bundle, name="heads", alias="champion", tags={})
    expected = ask(HeadsPredictor(dict.fromkeys(ALL, Predictor(bundle))), CORPUS[0], ecg)
    for reference in ("models:/heads@champion", "models:/heads/1", recorder.run_id):
        found = HeadsPredictor.from_registry(reference)
        assert found.heads == ALL
        pd.testing.assert_series_equal(ask(found, CORPUS[0], ecg), expected)
    both = HeadsPredictor.from_registry({"lvef": "models:/heads/1", "risk": "models:/heads/1"})
    assert both.heads == ("lvef", "risk")
    assert both._bundles["lvef"] is both._bundles["risk"]
    with pytest.raises(InputError, match="the head 'lvef' cannot be loaded: the registry has no"):
        HeadsPredictor.from_registry()
    with pytest.raises(InputError, match="no 'models:/lvef_head@candidate'; write"):
        HeadsPredictor.from_registry(alias="candidate")
    with pytest.raises(InputError, match=r"cannot be loaded: .*; train it with .* train_risk`"):
        HeadsPredictor.from_registry({"lvef": "models:/heads/1", "risk": "models:/heads/7"})


def test_each_head_may_come_from_a_model_of_its_own(
    ecg: Path, tmp_path: Path, workspace: Workplace
) -> None:
    for head in ("lvef", "survival"):
        folder = write_heads_bundle(tmp_path / head, HeadsOptions(heads=(head,), task=head))
        with runs.open_run(head, f"train_{head}", {}) as recorder:
            register(recorder.run_id, folder, name=f"{head}_head", alias="champion", tags={})
    with pytest.raises(InputError, match=r"the head 'risk' cannot be loaded: .* train_risk`"):
        HeadsPredictor.from_registry()
    named = {head: f"models:/{head}_head@champion" for head in ("lvef", "survival")}
    row = ask(HeadsPredictor.from_registry(named), None, ecg)
    assert 0 < row["lvef.probability"] < 1
    assert 0 < row["survival.30"] < row["survival.365"] < 1


def test_the_logged_model_has_a_column_for_every_answer(bundle: Path) -> None:
    own = Predictor(bundle)
    table = as_table(own.predict(input_example(own.facts)), own.facts)
    assert list(table.columns) == list(example_answer(own.facts).columns)
    assert table["error"].tolist() == [""]
    assert {"lvef.p", "survival.30", "risk.low", "confidence.p"} <= set(table.columns)
    assert list(as_table([], own.facts).columns) == list(table.columns)
    assert len(outputs(own.facts)) == 2 + 8 + 3 + 2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"calibrations": {}}, r"lvef, survival, risk, confidence have no entry in calibrations"),
        ({"head": "other"}, "heads lacks 'other', the primary head"),
    ],
)
def test_a_bundle_that_does_not_say_how_a_head_is_calibrated_is_refused(
    bundle: Path, tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    facts = json.loads((bundle / "bundle.json").read_text())
    (tmp_path / "bundle.json").write_text(json.dumps(facts | change))
    with pytest.raises(InputError, match=sentence):
        Predictor(tmp_path)
    single = {"heads": {"lvef": facts["heads"]["lvef"]}, "calibrations": {}}
    assert BundleFacts.model_validate(facts | single).all_heads() == single["heads"]
