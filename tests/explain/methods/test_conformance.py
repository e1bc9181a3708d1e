"""What every method must do for every model; both are found by discovery."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from components.core.attribution.groups import BLOCKS, KINDS, Grouped
from components.core.config.explain import ExplainConfig
from components.core.modalities import ARRAYS, EVENTS, MEDIA
from components.core.models.registry import model_file, models_by_name
from components.explain import planar
from components.explain.joined import joined
from components.explain.method import Attributed, Method, all_methods, left_out
from components.explain.subject import Subject
from tests.cohorts import write_cohort
from tests.explain_subjects import (
    BEATLESS,
    MISSING,
    NOTELESS,
    OPTIONS,
    PADDING,
    made,
    options_of,
)

# Those that read sequences of events: `test_events`.
MODELS = sorted(name for name in models_by_name() if EVENTS not in model_file(name).INPUTS)
METHODS = list(all_methods())
CONFIG = ExplainConfig(steps=4, permutations=4)
EVERYONE = np.arange(6)
# What a method needs of a network; one that is not named here needs nothing.
CONVOLUTION, MAP, NOTES = "a convolutional ECG encoder", "any convolutional encoder", "notes"
NEEDS = {"layer_ig": CONVOLUTION, "grad_cam": MAP, "tokens": NOTES}
PAIRS = [(model, name) for model in MODELS for name in METHODS]
KINDS_OF = {"ecg_image": ("region",), "pcg": ("patch", "band")} | {
    name: (kind,) for name, kind in BLOCKS.items()
}
# Methods that say something of every sample.
DENSE = ("ig",)


def fits(model: str, name: str) -> bool:
    """Say by the model's file alone whether the method must fit it."""
    file = model_file(model)
    has = {
        CONVOLUTION: "kernel" in file.Config.model_fields,
        MAP: "kernel" in file.Config.model_fields or bool(set(MEDIA) & set(file.INPUTS)),
        NOTES: "text" in file.INPUTS,
    }
    return name not in NEEDS or has[NEEDS[name]]


each = pytest.mark.parametrize(("model", "name"), [pair for pair in PAIRS if fits(*pair)])
each_dense = pytest.mark.parametrize(
    ("model", "name"), [(m, n) for m in MODELS for n in DENSE if "ecg" in model_file(m).INPUTS]
)


@pytest.fixture(scope="module")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Subject]]:
    """One subject per model."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # networks this small only wait for a second thread
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("stages")))
        stages = {own: write_cohort(own) for own in map(options_of, MODELS)}
        yield {name: made(name, stage=stages[options_of(name)]) for name in MODELS}
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def said() -> dict[tuple[str, str], Attributed]:
    """What is found once, for tests that only look at it."""
    return {}


def once(
    said: dict[tuple[str, str], Attributed], subject: Subject, model: str, method: Method
) -> Attributed:
    key = (model, method.NAME)
    if key not in said:
        said[key] = method.explain(subject, EVERYONE, CONFIG)
    return said[key]


def fitting(subjects: dict[str, Subject], model: str, name: str) -> tuple[Subject, Method]:
    return subjects[model], all_methods()[name]


@pytest.mark.parametrize(("model", "name"), PAIRS)
def test_methods_fit_the_networks_that_they_must_and_say_why_not(
    subjects: dict[str, Subject], model: str, name: str
) -> None:
    subject, method = fitting(subjects, model, name)
    assert (not method.why_not(subject)) == fits(model, name)
    assert (name not in left_out(subject)) == fits(model, name)


def tables(found: Attributed) -> dict[str, np.ndarray]:
    """Return everything a method says, by name."""
    arrays = {kind: own.values for kind, own in found.grouped.items()}
    arrays |= {f"dense {name}": own for name, own in found.values.items()}
    if found.error is not None:
        arrays["error"] = found.error
    for number, own in enumerate(found.words or ()):
        arrays[f"words {number}"] = own.values
    return arrays


def lacking(kind: str, own: Grouped, subject: Subject) -> np.ndarray:
    """Return `[n, G]` whether a record lacks the picture, or the window of sound, of a group."""
    found = np.zeros(own.values.shape, np.bool_)
    batch = subject.batch(EVERYONE)
    for name in (each for each in ARRAYS if each in subject.inputs):
        none = batch[f"{name}_mask"].numpy() == 0
        if kind == "modality" and name in own.names:
            found[none, own.names.index(name)] = True
        if kind in KINDS_OF.get(name, ()):
            found[none] = True
    if kind == "patch":
        windows = [int(each.split(",")[0].removeprefix("window ")) - 1 for each in own.names]
        found |= batch["pcg_valid"].numpy()[:, windows] == 0
    assert not np.isfinite(own.values[found]).any()
    return found


def check_groups(kind: str, own: Grouped, subject: Subject) -> None:
    assert kind == own.kind
    assert kind in KINDS
    assert own.values.shape == (len(EVERYONE), len(own.names))
    expected = np.isfinite(own.values) | lacking(kind, own, subject)
    beatless = EVERYONE == BEATLESS
    if kind in ("segment", "lead_segment"):
        assert np.array_equal(expected.any(axis=1), ~beatless)
    if kind == "modality" and "text" in own.names:
        assert np.array_equal(expected[:, own.names.index("text")], EVERYONE != NOTELESS)
        expected[:, own.names.index("text")] = True
    if kind in ("lead", "lead_segment"):
        wide = expected.reshape(len(EVERYONE), len(subject.leads), -1)
        assert not wide[0, MISSING].any()
        wide[0, MISSING] = True
        expected = wide[~beatless] if kind == "lead_segment" else wide
    assert expected[~beatless[: len(expected)] if kind == "segment" else slice(None)].all()


@each
def test_groups_are_finite_where_the_record_has_them_and_only_there(
    subjects: dict[str, Subject],
    said: dict[tuple[str, str], Attributed],
    model: str,
    name: str,
) -> None:
    subject, method = fitting(subjects, model, name)
    found = once(said, subject, model, method)
    assert found.remark
    assert found.grouped or found.words
    for kind, own in found.grouped.items():
        check_groups(kind, own, subject)
    batch = subject.batch(EVERYONE)
    for modality, own in found.values.items():
        assert own.shape == tuple(batch[modality].shape)
        there = np.ones(len(own), np.bool_)
        if modality in ARRAYS:
            there = batch[f"{modality}_mask"].numpy() > 0
        assert np.isfinite(own[there]).all()
        assert np.isnan(own[~there]).all()
        assert own[there].any()


@each_dense
def test_padding_and_missing_leads_get_exactly_nothing(
    subjects: dict[str, Subject],
    said: dict[tuple[str, str], Attributed],
    model: str,
    name: str,
) -> None:
    subject, method = fitting(subjects, model, name)
    found = once(said, subject, model, method)
    own = found.values["ecg"]
    assert not own[0, MISSING].any()
    assert own[0, MISSING - 1].any()
    assert not own[:2, :, :PADDING].any()
    assert not own[:2, :, OPTIONS.length - PADDING :].any()
    assert own[2, :, :PADDING].any()


def size_of(subject: Subject) -> float:
    """Return by what log-odds exceed 10: single precision is relative to them."""
    batch = subject.batch(EVERYONE)
    empty = subject.log_odds({**batch, **subject.baselines(batch)})
    return max(1.0, float(np.abs(empty).max()) / 10)


@each
def test_a_record_is_explained_as_if_it_were_alone_and_always_the_same(
    subjects: dict[str, Subject],
    said: dict[tuple[str, str], Attributed],
    model: str,
    name: str,
) -> None:
    subject, method = fitting(subjects, model, name)
    together = tables(once(said, subject, model, method))
    again = tables(method.explain(subject, EVERYONE, CONFIG))
    assert all(np.array_equal(own, again[key], equal_nan=True) for key, own in together.items())
    alone = [method.explain(subject, lot, CONFIG) for lot in np.split(EVERYONE, [1, 2, 5])]
    apart = tables(joined(alone))
    assert apart.keys() == together.keys()
    for key, own in together.items():
        np.testing.assert_allclose(
            apart[key], own, atol=2e-5 * size_of(subject), rtol=1e-3, err_msg=key
        )


@each
def test_another_record_is_explained_otherwise(
    subjects: dict[str, Subject],
    said: dict[tuple[str, str], Attributed],
    model: str,
    name: str,
) -> None:
    subject, method = fitting(subjects, model, name)
    found = once(said, subject, model, method)
    for own in found.grouped.values():
        differ = own.values[3:] != own.values[3]
        assert (differ & np.isfinite(own.values[3:])).any()


@each
def test_the_cost_is_stated(subjects: dict[str, Subject], model: str, name: str) -> None:
    subject, method = fitting(subjects, model, name)
    asked = 0

    def count(_module: object, batch: tuple[dict[str, object], ...]) -> None:
        nonlocal asked
        asked += len(batch[0][subject.inputs[-1]])  # type: ignore[arg-type]

    hook = subject.target.models[0].register_forward_pre_hook(count)
    n = len(subject)  # the cost of words is a mean over all records
    method.explain(subject, np.arange(n), CONFIG)
    hook.remove()
    # Backward counts two: a pass with gradient is three, of which one is seen here.
    maps = len(planar.mapped(subject)) or 1
    gradients = {"ig": CONFIG.steps, "layer_ig": CONFIG.steps, "grad_cam": maps}.get(name, 0)
    assert asked / n + 2 * gradients == pytest.approx(method.passes(subject, CONFIG), rel=0.1)


@pytest.mark.parametrize(
    ("model", "name"), [(m, n) for m in MODELS for n in ("ig", "layer_ig") if fits(m, n)]
)
def test_gradients_are_complete_with_enough_steps(
    subjects: dict[str, Subject], model: str, name: str
) -> None:
    subject, method = fitting(subjects, model, name)
    config = ExplainConfig(steps=200)
    lot = EVERYONE[:3]
    found = method.explain(subject, lot, config)
    batch = subject.batch(lot)
    base = subject.baselines(batch)
    base = {each: base[each] for each in found.over or subject.inputs}
    gain = subject.log_odds(batch) - subject.log_odds({**batch, **base})
    assert found.error is not None
    assert np.abs(found.error).mean() < 0.01 * np.abs(gain).mean()
    if name == "ig":
        total = np.nansum(found.grouped["modality"].values, axis=1)
        np.testing.assert_allclose(total - gain, found.error, atol=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_shapley_values_add_up_exactly(subjects: dict[str, Subject], model: str) -> None:
    subject, method = fitting(subjects, model, "shapley")
    found = method.explain(subject, EVERYONE, CONFIG)
    batch = subject.batch(EVERYONE)
    gain = subject.log_odds(batch) - subject.log_odds({**batch, **subject.baselines(batch)})
    total = np.nansum(found.grouped["modality"].values, axis=1)
    size = size_of(subject)
    np.testing.assert_allclose(total, gain, atol=1e-5 * size)
    assert found.error is not None
    assert np.abs(found.error).max() < 1e-5 * size


def test_data_are_where_the_tests_expect_them(subjects: dict[str, Subject]) -> None:
    rows = subjects["trunk"].rows
    batch = subjects["trunk"].batch(EVERYONE)
    assert batch["ecg_lead_mask"][0, MISSING] == 0
    assert batch["ecg_valid"][1].tolist() == [PADDING, OPTIONS.length - PADDING]
    assert not rows.text_mask[NOTELESS]
