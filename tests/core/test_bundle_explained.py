"""One answer of a bundle is explained from the bundle alone, whatever kind of model it holds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients

from components.core import bundle_attributed
from components.core.attribution.baseline import STATED
from components.core.attribution.groups import SEGMENTS, of_ecg
from components.core.attribution.target import Target, of_tensors, record_numbers
from components.core.bundle import Predictor
from components.core.bundle_attributed import Attributed, beats_of, mean_of
from components.core.bundle_explained import explained
from components.core.bundle_explanation import Explanation
from components.core.bundle_ready import Ready
from components.core.bundle_seal import seal
from components.core.readers.safe_xml import parse
from tests.bundles import ECG, REFERENCE, csv_ecg, write_toy_bundle, zipped_ecg
from tests.cohorts import LEADS
from tests.embedding_bundles import know_standin, vectors, write_embedding_bundle
from tests.event_bundles import FIELDS, course, write_event_bundle
from tests.head_bundles import CORPUS, HeadsOptions, write_heads_bundle
from tests.media_bundles import picture, sent, sound, write_media_bundle

know_standin()
ROOT = Path(__file__).resolve().parents[2]
STEPS = 16
# The networks are drawn, their answer along a path full of kinks: completeness wants more.
MANY_STEPS = 64
OWN: dict[str, Any] = {"age": 61.0, "sex": "F"}
CSV: dict[str, Any] = {"ecg_fs": 250.0, "ecg_unit": "mV"}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor(write_toy_bundle(tmp_path_factory.mktemp("toy")))


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor(write_media_bundle(tmp_path_factory.mktemp("media")))


def everything(**more: Any) -> dict[str, Any]:
    return {**OWN, "ecg_image_base64": sent(picture()), "pcg_base64": sent(sound()), **more}


def ready(predictor: Predictor, **cells: Any) -> Ready:
    found = predictor.ready(cells)
    assert found.answer.error == ""
    return found


def explain(predictor: Predictor, **cells: Any) -> Explanation:
    return explained(predictor, ready(predictor, **cells), steps=STEPS)


def groups(found: Explanation) -> dict[str, dict[str, float]]:
    return {g.kind: dict(zip(g.names, g.values, strict=True)) for g in found.groups}


def moved(found: Explanation) -> dict[str, float]:
    return {each.name: each.value for each in found.modalities}


def changed(folder: Path, **facts: Any) -> Predictor:
    file = folder / "bundle.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | facts))
    seal(folder)
    return Predictor(folder)


Made = tuple[Callable[[Path], Path], dict[str, Any], dict[str, set[str]]]
EMBEDDED_BLOCKS = ("clinical", "semantic", "temporal", "pathological", "spatial")
# Bundle, a row, and what is told of each modality.
KINDS: dict[str, Made] = {
    "ecg": (
        write_toy_bundle, {**OWN, "ecg_base64": zipped_ecg()},
        {"ecg": {"lead_segment", "lead", "segment"}, "tabular": {"variable"}},
    ),
    "fields": (lambda f: write_toy_bundle(f, ecg=False), OWN, {"tabular": {"variable"}}),
    "heads": (
        write_heads_bundle,
        {**OWN, "ecg_base64": zipped_ecg(), "clinical_notes": CORPUS[0]},
        {"ecg": {"lead_segment", "lead", "segment"}, "tabular": {"variable"}, "text": set()},
    ),
    "survival": (
        lambda f: write_heads_bundle(f, HeadsOptions(heads=("survival", "lvef"))),
        {**OWN, "ecg_base64": zipped_ecg()},
        {"ecg": {"lead_segment", "lead", "segment"}, "tabular": {"variable"}},
    ),
    "risk": (
        lambda f: write_heads_bundle(f, HeadsOptions(heads=("risk",), notes_only=True)),
        {"clinical_notes": CORPUS[2]}, {"text": set()},
    ),
    "media": (
        write_media_bundle, everything(),
        {"tabular": {"variable"}, "ecg_image": {"region"}, "pcg": {"patch", "band"}},
    ),
    "embeddings": (
        write_embedding_bundle, dict(vectors()),
        {f"emb_{name}": {f"block_{name}"} for name in EMBEDDED_BLOCKS},
    ),
    "events": (
        write_event_bundle, {**FIELDS, "events": course()},
        {"tabular": {"variable"}, "events": {"event_cell", "event_kind", "event_window"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_is_explained(tmp_path: Path, kind: str) -> None:
    write, row, told = KINDS[kind]
    predictor = Predictor(write(tmp_path))
    taken = ready(predictor, **row)
    found = explained(predictor, taken, steps=MANY_STEPS)
    assert list(moved(found)) == list(told)
    assert found.log_odds == pytest.approx(predictor.answers([taken])[0].logit, rel=1e-6)
    gained = found.log_odds - found.baseline_log_odds
    assert found.error == pytest.approx(sum(moved(found).values()) - gained, abs=1e-12)
    assert abs(gained) > 1e-3
    assert abs(found.error) < 0.02 * sum(map(abs, moved(found).values()))
    assert found.baseline == {name: STATED[name] for name in told}
    parts = groups(found)
    assert set(parts) == set().union(*told.values())
    for modality, own in told.items():
        for each in own:
            assert sum(parts[each].values()) == pytest.approx(moved(found)[modality], abs=1e-5)
    for drawing in found.drawings:
        assert parse(drawing.svg.encode()).tag.endswith("svg")
        assert drawing.name in told


def captums(
    predictor: Predictor, taken: Ready, start: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, np.ndarray]:
    """Return modality → attributions `[…]` by Captum, the mean over the networks."""
    every: dict[str, list[np.ndarray]] = {}
    for member, raw in zip(predictor.members, taken.batches, strict=True):
        batch = member.finish(raw)
        base = start(batch)
        keys = tuple(base)
        f = of_tensors(Target([member.model], predictor.head), batch, keys)
        found = IntegratedGradients(f).attribute(
            tuple(batch[key] for key in keys),
            baselines=tuple(base[key] for key in keys),
            additional_forward_args=(record_numbers(batch),), n_steps=STEPS,
        )  # fmt: skip
        for key, own in zip(keys, found, strict=True):
            every.setdefault(key, []).append(own.detach()[0].double().numpy())
    return {key: np.mean(own, axis=0) for key, own in every.items()}


def test_it_is_captums_mean_over_the_networks(toy: Predictor) -> None:
    taken = ready(toy, **OWN, ecg_base64=zipped_ecg())
    # The toy's mean voltage is 0, so that 0 mV is a z-score of 0.
    expected = captums(toy, taken, lambda batch: {
        "ecg": torch.zeros_like(batch["ecg"]), "tabular": torch.tensor([REFERENCE.tabular]),
    })  # fmt: skip
    found = explained(toy, taken, steps=STEPS)
    for name, own in moved(found).items():
        assert own == pytest.approx(expected[name].sum(), abs=1e-5)
    beats = beats_of(taken.batches[0], toy.facts)
    assert beats is not None
    there = np.ones((1, len(LEADS)), np.bool_)
    parts = of_ecg(expected["ecg"][None], beats[None], leads=LEADS, there=there)
    for kind, each in parts.items():
        own = groups(found)[kind]
        assert tuple(own) == each.names
        np.testing.assert_allclose(list(own.values()), each.values[0], atol=1e-5)
    age, missing, female, male = expected["tabular"].tolist()
    assert groups(found)["variable"] == pytest.approx(
        {"age": age + missing, "sex": female + male}, abs=1e-5
    )


def test_pictures_and_sounds_are_captums_too(media: Predictor) -> None:
    taken = ready(media, **everything())
    # White paper, 255 of a mean of 230 and an SD of 40; the mean level of a sound.
    expected = captums(media, taken, lambda batch: {
        "tabular": torch.tensor([REFERENCE.tabular]),
        "ecg_image": torch.full_like(batch["ecg_image"], 25 / 40),
        "pcg": torch.zeros_like(batch["pcg"]),
    })  # fmt: skip
    found = explained(media, taken, steps=STEPS)
    for name, own in moved(found).items():
        assert own == pytest.approx(expected[name].sum(), abs=1e-5)


def test_the_mean_is_over_the_networks(tmp_path: Path, toy: Predictor) -> None:
    row = {**OWN, "ecg_base64": zipped_ecg()}
    alone = explain(Predictor(write_toy_bundle(tmp_path, members=1)), **row)  # toy's first network
    both = explain(toy, **row)
    assert both.log_odds != pytest.approx(alone.log_odds, rel=1e-3)
    assert moved(both)["ecg"] != pytest.approx(moved(alone)["ecg"], rel=1e-3)


def test_a_field_that_one_network_does_not_know_moves_nothing_in_it() -> None:
    each = [
        Attributed(log_odds=1.0, baseline=0.0, grouped={"variable": own}, dense={})
        for own in ({"age": 1.0}, {"age": 0.5, "bmi": 0.5})
    ]
    found = mean_of([*each, *each])
    assert found.grouped == {"variable": {"age": 0.75, "bmi": 0.25}}


def test_other_inputs_are_explained_otherwise(toy: Predictor) -> None:
    one = explain(toy, **OWN, ecg_base64=zipped_ecg())
    older = explain(toy, age=80.0, sex="F", ecg_base64=zipped_ecg())
    assert groups(older)["variable"]["age"] != pytest.approx(groups(one)["variable"]["age"])
    noise = explain(toy, **OWN, ecg_base64=csv_ecg(), **CSV)
    assert groups(noise)["lead"] != pytest.approx(groups(one)["lead"], rel=1e-3)


@pytest.mark.parametrize("points", [1, 5])
def test_how_many_points_are_asked_at_once_does_not_matter(
    toy: Predictor, monkeypatch: pytest.MonkeyPatch, points: int
) -> None:
    whole = explain(toy, **OWN, ecg_base64=zipped_ecg())
    monkeypatch.setattr(bundle_attributed, "POINTS", points)
    assert moved(explain(toy, **OWN, ecg_base64=zipped_ecg())) == pytest.approx(
        moved(whole), abs=1e-5
    )


def test_long_sequences_are_asked_by_fewer_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = Predictor(write_event_bundle(tmp_path))
    row = {**FIELDS, "events": course()}
    whole, asked = moved(explain(predictor, **row)), []
    inner = bundle_attributed.integrated_gradients

    def seen(*args: Any, **options: Any) -> Any:
        asked.append(options["internal_batch"])
        return inner(*args, **options)

    monkeypatch.setattr(bundle_attributed, "integrated_gradients", seen)
    for tokens, points in ((9 * 3 + 1, 3), (5, 1), (9_000, bundle_attributed.POINTS)):
        monkeypatch.setattr(bundle_attributed, "TOKENS", tokens)
        assert moved(explain(predictor, **row)) == pytest.approx(whole, abs=1e-5)
        assert asked[-1] == points


def test_what_a_row_lacks_has_no_attribution(media: Predictor) -> None:
    found = explain(media, pcg_base64=sent(sound()))
    assert list(moved(found)) == ["pcg"]
    assert set(groups(found)) == {"patch", "band"}
    assert [each.name for each in found.drawings] == ["pcg"]
    fields = explain(media, **OWN)
    assert list(moved(fields)) == list(fields.baseline) == ["tabular"]
    assert fields.drawings == ()


def test_windows_that_a_sound_does_not_fill_are_left_out(media: Predictor) -> None:
    found = explain(media, pcg_base64=sent(sound(seconds=4.0)))
    windows = {name.split(",")[0] for name in groups(found)["patch"]}
    assert windows == {"window 1", "window 2"}
    (drawn,) = found.drawings
    assert [f"<!-- window {k} -->" in drawn.svg for k in (1, 2, 3)] == [True, True, False]


def test_without_a_sequence_the_fields_are_explained(tmp_path: Path) -> None:
    found = explain(Predictor(write_event_bundle(tmp_path)), **FIELDS, events=None)
    assert list(moved(found)) == ["tabular"]


def test_a_model_of_a_note_that_is_not_there_rests_on_nothing(tmp_path: Path) -> None:
    predictor = Predictor(write_heads_bundle(tmp_path, HeadsOptions(notes_only=True)))
    found = explain(predictor, clinical_notes="")
    assert (found.modalities, found.groups, found.error) == ((), (), 0.0)
    assert found.log_odds == found.baseline_log_odds


def test_an_ecg_that_the_network_does_not_take_is_not_explained(tmp_path: Path) -> None:
    folder = write_toy_bundle(tmp_path, ecg=False)
    predictor = changed(folder, ecg=ECG.model_dump(mode="json"))
    found = explain(predictor, **OWN, ecg_base64=zipped_ecg())
    assert list(moved(found)) == ["tabular"]
    assert found.drawings == ()


def test_the_words_say_what_is_attributed(toy: Predictor) -> None:
    found = explain(toy, **OWN, ecg_base64=zipped_ecg())
    assert found.method == "Integrated Gradients"
    assert found.quantity == "log-odds of toy event"
    assert [each.title for each in found.modalities] == ["ECG", "clinical fields"]
    assert {each.kind: each.title for each in found.groups} == {
        "lead_segment": "leads × beat segments", "lead": "leads", "segment": "beat segments",
        "variable": "clinical variables",
    }  # fmt: skip


def test_the_ecg_is_drawn_with_risk_and_attribution(toy: Predictor) -> None:
    taken = ready(toy, **OWN, ecg_base64=zipped_ecg())
    found = explained(toy, taken, steps=STEPS)
    (ecg,) = found.drawings
    assert (ecg.name, ecg.title) == ("ecg", "ECG with attribution")
    texts = [each.text for each in parse(ecg.svg.encode()).iter("{*}text")]
    assert texts[0] is not None
    shown = "\n".join(filter(None, texts))
    risk = 100 * toy.answers([taken])[0].probability
    assert f"risk {risk:.0f} % · log-odds " in shown
    assert "attribution in log-odds: ECG " in shown
    assert all(f" {name} " in shown for name in SEGMENTS)
    assert "towards toy" in shown
    assert ecg.alt.startswith("ECG with attribution. risk ")
    assert {*LEADS, "aVR", "aVL", "aVF", "III"} <= set(texts)  # the standard arrangement


def test_colours_stand_for_this_record_alone(media: Predictor) -> None:
    page, heard = explain(media, **everything()).drawings
    assert (page.name, heard.name) == ("ecg_image", "pcg")
    assert (page.title, heard.title) == (
        "ECG image with attribution", "Heart sound with attribution"
    )  # fmt: skip
    assert page.alt == "ECG image with attribution, orange towards toy, blue against it"
    other = explain(media, **everything(age=80.0, ecg_image_base64=sent(picture(1)))).drawings
    assert other[0].svg != page.svg
    assert explain(media, **everything()).drawings[0].svg == page.svg


def test_without_a_beat_there_are_leads_alone(toy: Predictor) -> None:
    found = explain(toy, **OWN, ecg_base64=csv_ecg(), **CSV)
    assert set(groups(found)) == {"lead", "variable"}
    assert "No beat was found" in found.drawings[0].svg


def test_padding_and_missing_leads_have_no_attribution(toy: Predictor) -> None:
    short = explain(toy, **OWN, ecg_base64=csv_ecg(3), **CSV)
    assert sum(groups(short)["lead"].values()) == pytest.approx(moved(short)["ecg"], abs=1e-5)
    assert "not recorded" not in short.drawings[0].svg
    taken = ready(toy, **OWN, ecg_base64=zipped_ecg())
    for batch in taken.batches:
        batch["ecg_lead_mask"][:, 3] = 0
        batch["ecg"][:, 3] = 0
    found = explained(toy, taken, steps=STEPS)
    assert set(groups(found)["lead"]) == set(LEADS) - {LEADS[3]}
    assert not any(name.startswith(LEADS[3]) for name in groups(found)["lead_segment"])
    assert "not recorded" in found.drawings[0].svg


def test_a_standardised_ecg_is_not_drawn(tmp_path: Path) -> None:
    folder = write_toy_bundle(tmp_path)
    predictor = changed(folder, ecg=ECG.model_dump(mode="json") | {"unit": "z"})
    row = {**OWN, "ecg_base64": csv_ecg(), "ecg_fs": 250.0, "ecg_unit": "z"}
    found = explain(predictor, **row)
    assert found.drawings == ()
    assert found.baseline["ecg"].startswith("a trace at 0 of the standardised signal")


def test_an_abstaining_model_is_explained_without_its_risk(tmp_path: Path) -> None:
    predictor = changed(write_toy_bundle(tmp_path), min_quality=1.0)
    taken = ready(predictor, **OWN, ecg_base64=csv_ecg(), **CSV)
    assert taken.answer.abstain
    found = explained(predictor, taken, steps=STEPS)
    assert np.isfinite(found.log_odds)
    assert "risk" not in found.drawings[0].svg
    assert "log-odds" in found.drawings[0].svg


def test_importing_it_imports_no_library_that_draws() -> None:
    asked = "import sys, components.core.bundle_explained; " \
        "print([m for m in ('matplotlib', 'captum') if m in sys.modules])"  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
