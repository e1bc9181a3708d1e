"""Methods against what is known: linear networks, enumeration, Captum record by record."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.attr import FeatureAblation, IntegratedGradients
from torch import Tensor, nn

from components.core.attribution.groups import cell_ids
from components.core.bundle_inputs import tabular_row
from components.core.config.explain import ExplainConfig
from components.core.data.batches import Batch
from components.core.data.cohort import Rows
from components.core.data.texts import NOTE, EncodedText
from components.core.text.identity import EncoderIdentity
from components.explain import encoders
from components.explain.method import all_methods
from components.explain.methods import (
    feature_ablation,
    grad_cam,
    integrated_gradients,
    layer_integrated_gradients,
    shapley_sampling,
    token_ablation,
)
from components.explain.subject import Subject
from tests.explain_subjects import BEATLESS, NOTELESS, made, subject_of

LOT = np.arange(6)
CONFIG = ExplainConfig(steps=10, permutations=6)


class Weighted(nn.Module):
    """log-odds = Σ weight · input; with `pairs`, products of tabular columns and the note, too."""

    def __init__(self, rows: Rows, *, pairs: float = 0.0, cubes: float = 0.0) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(3)
        self.tabular = nn.Parameter(torch.randn(rows.tabular.shape[1], generator=rng))
        self.text = nn.Parameter(torch.randn(rows.text.shape[1], generator=rng))
        self.ecg = nn.Parameter(torch.randn(8, 256, generator=rng) / 100)
        self.pairs, self.cubes = pairs, cubes

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        tabular, text = batch["tabular"] @ self.tabular, batch["text"] @ self.text
        ecg = (batch["ecg"] * self.ecg).sum((1, 2))
        first = batch["tabular"][:, 0]
        own = tabular + text + ecg + self.pairs * (first * text + ecg * text)
        own = own + self.cubes * first * text * ecg
        return {"ctrcd": torch.stack([torch.zeros_like(own), own], dim=1)}


@pytest.fixture(scope="module")
def trunk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("stages")))
        yield made("trunk")
    torch.set_num_threads(threads)


def weighted(trunk: Subject, *, pairs: float = 0.0, cubes: float = 0.0) -> Subject:
    rows = trunk.rows
    return subject_of([Weighted(rows, pairs=pairs, cubes=cubes)], trunk.inputs, rows)


def differences(subject: Subject) -> dict[str, np.ndarray]:
    """Return weight · (input − baseline) of a linear network's inputs."""
    batch = subject.batch(LOT)
    base = subject.baselines(batch)
    network = subject.target.models[0]
    return {
        key: ((batch[key] - base[key]) * getattr(network, key)).detach().numpy() for key in base
    }


@pytest.mark.parametrize("name", ["ig", "ablation", "shapley"])
def test_a_linear_network_is_attributed_weight_times_difference(trunk: Subject, name: str) -> None:
    subject = weighted(trunk)
    expected = differences(subject)
    found = all_methods()[name].explain(subject, LOT, CONFIG)
    variable = found.grouped["variable"]
    np.testing.assert_allclose(variable.values[:, 0], expected["tabular"][:, :2].sum(1), atol=1e-5)
    assert variable.names == ("age", "sex")
    np.testing.assert_allclose(variable.values[:, 1], expected["tabular"][:, 2:].sum(1), atol=1e-5)
    segments = subject.segments
    assert segments is not None
    segment = found.grouped["segment"].values
    for number in (0, 1, 5):
        for part in range(5):
            own = expected["ecg"][number][:, segments[number] == part].sum()
            assert segment[number, part] == pytest.approx(own, abs=2e-5)
    if name == "ig":
        for key, own in expected.items():
            np.testing.assert_allclose(found.values[key], own, atol=1e-6)


def test_a_taken_modality_is_what_serving_makes_of_its_absence(trunk: Subject) -> None:
    found = feature_ablation.explain(trunk, LOT, CONFIG).grouped["modality"]
    assert found.names == ("ecg", "tabular", "text")
    batch = trunk.batch(LOT)
    encoder = trunk.rows.stats.tabular
    nothing = encoder.transform(tabular_row({}, {"age": "numeric", "sex": "categorical"}))
    assert nothing.tolist() == [[0, 1, 0, 0]]  # age, its indicator, two levels of sex
    without = {
        "ecg": {"ecg": trunk.baselines(batch)["ecg"]},
        "tabular": {"tabular": torch.from_numpy(nothing).expand_as(batch["tabular"])},
        "text": {"text_mask": torch.zeros(len(LOT))},
    }
    for number, name in enumerate(found.names):
        lost = trunk.log_odds(batch) - trunk.log_odds({**batch, **without[name]})
        there = LOT != NOTELESS if name == "text" else LOT >= 0
        np.testing.assert_allclose(found.values[there, number], lost[there], rtol=1e-4, atol=1e-4)
    assert np.isnan(found.values[NOTELESS, 2])


def test_ablated_cells_are_captums_own_with_a_mask_of_groups(trunk: Subject) -> None:
    found = feature_ablation.explain(trunk, LOT, CONFIG).grouped["lead_segment"].values
    segments = trunk.segments
    assert segments is not None
    ids = torch.from_numpy(cell_ids(segments, 8))
    for number in (0, 1, 5):
        one = trunk.batch(LOT[number : number + 1])
        rest = {key: value for key, value in one.items() if key != "ecg"}
        lost = FeatureAblation(lambda ecg, own=rest: trunk.target({**own, "ecg": ecg})).attribute(
            one["ecg"], baselines=trunk.baselines(one)["ecg"], feature_mask=ids[number : number + 1]
        )
        expected = np.full(40, np.nan)
        expected[ids[number].flatten().numpy()] = lost.flatten().numpy()
        there = np.isfinite(found[number])
        np.testing.assert_allclose(found[number, there], expected[there], rtol=1e-4, atol=1e-4)


def test_integrated_gradients_are_captums_own_record_by_record(trunk: Subject) -> None:
    found = integrated_gradients.explain(trunk, LOT, CONFIG)
    for number in LOT:
        one = trunk.batch(LOT[number : number + 1])
        keys = trunk.inputs
        base = trunk.baselines(one)

        def f(*tensors: Tensor, own: Batch = one, keys: tuple[str, ...] = keys) -> Tensor:
            rows = len(tensors[0])
            rest = {
                key: own[key].expand(rows, -1)
                for key in ("ecg_lead_mask", "ecg_valid")
                if key in own
            }
            mask = {"text_mask": own["text_mask"].expand(rows)}
            return trunk.target({**rest, **mask, **dict(zip(keys, tensors, strict=True))})

        alone = IntegratedGradients(f).attribute(
            tuple(one[key] for key in keys), tuple(base[key] for key in keys), n_steps=CONFIG.steps
        )
        for key, own in zip(keys, alone, strict=True):
            np.testing.assert_allclose(
                found.values[key][number], own[0].detach().numpy(), atol=1e-5
            )


def enumerated(subject: Subject, groups: list[dict[str, Tensor]], batch: Batch) -> np.ndarray:
    """Return `[n, G]` Shapley values by all 2^G coalitions (Shapley 1953)."""
    n = len(groups)
    base = subject.baselines(batch)
    worth: dict[frozenset[int], np.ndarray] = {}
    for size in range(n + 1):
        for members in itertools.combinations(range(n), size):
            own = {**batch, **{key: value.clone() for key, value in base.items()}}
            for member in members:
                for key, place in groups[member].items():
                    own[key] = torch.where(place, batch[key], own[key])
            worth[frozenset(members)] = subject.log_odds(own)
    found = np.zeros((len(next(iter(batch.values()))), n))
    for member in range(n):
        others = [other for other in range(n) if other != member]
        for size in range(n):
            share = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
            for members in map(frozenset, itertools.combinations(others, size)):
                found[:, member] += share * (worth[members | {member}] - worth[members])
    return found


def tables_of(subject: Subject) -> Subject:
    """Return the subject with its ECG taken out of what is explained: three groups."""
    return replace(subject, inputs=("tabular", "text"))


def table_groups(batch: Batch) -> list[dict[str, Tensor]]:
    age = torch.zeros_like(batch["tabular"], dtype=torch.bool)
    age[:, :2] = True
    return [
        {"tabular": age},
        {"tabular": ~age},
        {"text": torch.ones_like(batch["text"], dtype=torch.bool)},
    ]


@pytest.mark.parametrize("cubes", [0.0, 0.5])
def test_few_groups_have_exact_shapley_values(trunk: Subject, cubes: float) -> None:
    subject = tables_of(weighted(trunk, pairs=0.7, cubes=cubes))
    batch = subject.batch(LOT)
    assert len(list(shapley_sampling.orders(3, 6, seed=0))) == math.factorial(3)
    found = shapley_sampling.explain(subject, LOT, CONFIG)
    own = np.hstack([found.grouped["variable"].values, found.grouped["modality"].values[:, 1:]])
    expected = enumerated(subject, table_groups(batch), batch)
    there = np.isfinite(own)
    assert not there[NOTELESS, 2]
    np.testing.assert_allclose(own[there], expected[there], atol=1e-5)


def test_orders_and_their_reverses_are_exact_for_pairs(trunk: Subject) -> None:
    subject = weighted(trunk, pairs=0.7)
    batch = subject.batch(LOT[:2])
    assert subject.segments is not None
    segments = torch.from_numpy(subject.segments[:2].astype(np.int64))
    parts = [{"ecg": (segments == part)[:, None].expand_as(batch["ecg"])} for part in range(5)]
    expected = enumerated(subject, [*parts, *table_groups(batch)], batch)
    config = ExplainConfig(permutations=2)
    found = shapley_sampling.explain(subject, LOT[:2], config).grouped
    own = np.hstack(
        [found["segment"].values, found["variable"].values, found["modality"].values[:, 2:]]
    )
    np.testing.assert_allclose(own, expected, atol=1e-4)


def test_orders_are_as_many_as_asked_for_and_follow_the_seed() -> None:
    drawn = list(shapley_sampling.orders(8, 5, seed=1))
    assert len(drawn) == 5
    assert all(sorted(order) == list(range(8)) for order in drawn)
    assert drawn[1] == drawn[0][::-1]
    assert drawn[2] not in drawn[:2]
    assert drawn == list(shapley_sampling.orders(8, 5, seed=1))
    assert drawn != list(shapley_sampling.orders(8, 5, seed=2))


def test_a_record_without_a_beat_is_let_in_as_a_whole(trunk: Subject) -> None:
    found = shapley_sampling.explain(trunk, LOT, CONFIG).grouped
    assert np.isnan(found["segment"].values[BEATLESS]).all()
    assert found["modality"].values[BEATLESS, 0] != 0


def test_the_first_convolution_is_given_what_the_trace_is_given(trunk: Subject) -> None:
    """It is linear, so both paths are one, and the sums over a record agree."""
    only_ecg = replace(trunk, inputs=("ecg",))
    layer = layer_integrated_gradients.explain(only_ecg, LOT, CONFIG)
    dense = integrated_gradients.explain(only_ecg, LOT, CONFIG)
    assert layer.error is not None
    assert dense.error is not None
    np.testing.assert_allclose(layer.error, dense.error, atol=1e-5)
    there = LOT != BEATLESS
    np.testing.assert_allclose(
        np.nansum(layer.grouped["segment"].values, axis=1)[there],
        dense.grouped["modality"].values[there, 0],
        atol=1e-5,
    )


def test_a_step_is_shared_by_its_samples_within_the_record() -> None:
    inside = torch.tensor([[0.0, 0, 1, 1, 1, 1, 1, 1, 1, 0], [1.0] * 10])
    steps = torch.tensor([[2.0, 4.0, 3.0], [4.0, 8.0, 6.0]])
    expected = [[0.0, 0, 1, 1, 1, 1, 1, 1, 3, 0], [1.0] * 4 + [2.0] * 4 + [3.0] * 2]
    assert encoders.spread(steps, inside).tolist() == expected


def test_grad_cam_is_the_mean_gradient_times_the_activation(trunk: Subject) -> None:
    """One network, no padding: by the formula of Selvaraju et al., written out."""
    subject = replace(trunk, target=trunk.target.each()[0])
    lot = np.array([5])
    batch = subject.batch(lot)
    block = encoders.only(subject.target).blocks[-1]
    kept: list[Tensor] = []
    hook = block.register_forward_hook(lambda _m, _i, out: kept.append(out))
    said = subject.target(batch).sum()
    hook.remove()
    (gradient,) = torch.autograd.grad(said, kept[0])
    steps = (gradient.mean(3, keepdim=True) * kept[0]).sum((1, 2)).detach().numpy()[0]
    stride = encoders.stride(encoders.only(subject.target))
    assert stride == 16
    # Linear between the middles of steps, level beyond the first and the last.
    middles = (np.arange(len(steps)) + 0.5) * stride - 0.5
    samples = np.interp(np.arange(256), middles, steps).clip(min=0) / stride
    assert subject.segments is not None
    expected = [samples[subject.segments[5] == part].sum() for part in range(5)]
    found = grad_cam.explain(subject, lot, CONFIG)
    np.testing.assert_allclose(found.grouped["segment"].values[0], expected, atol=1e-6)
    assert "32 ms" in found.remark


def test_grad_cam_keeps_what_speaks_for_the_event_alone(trunk: Subject) -> None:
    """Whichever sign the activations have, nothing negative is left."""
    found = grad_cam.explain(trunk, LOT, CONFIG).grouped["segment"].values
    known = found[np.isfinite(found)]
    assert (known >= 0).all()
    assert known.any()
    last = [encoders.only(own).blocks[-1] for own in trunk.target.each()]
    hooks = [block.register_forward_hook(lambda _m, _i, out: -out) for block in last]
    turned = grad_cam.explain(trunk, LOT, CONFIG).grouped["segment"].values
    for hook in hooks:
        hook.remove()
    assert (turned[np.isfinite(turned)] >= 0).all()
    assert not np.allclose(turned, found, equal_nan=True)


def test_a_word_loses_what_the_note_loses_without_it(trunk: Subject) -> None:
    subject = weighted(trunk)
    found = token_ablation.explain(subject, LOT, CONFIG)
    assert found.words is not None
    assert found.words[NOTELESS].words == ()
    weights = subject.target.models[0].text.detach().numpy()
    encoder = token_ablation.encoder_of(subject)
    for number in (0, 1):
        note = str(subject.rows.frame[NOTE].iloc[number])
        own = found.words[number]
        assert own.words == tuple(dict.fromkeys(token_ablation.words_of(note)))
        assert own.values[own.words.index("unseenword")] != 0  # it is a term of these notes
        bare = note.replace(",", "").replace(".", "").replace("55", "0")
        gap = " ".join("ʬ" if word == own.words[0] else word for word in bare.split())
        plain, shorter = encoder.transform([note, gap])
        assert own.values[0] == pytest.approx(float((plain - shorter) @ weights), abs=1e-5)
        assert own.values.any()


def test_a_word_that_the_encoder_does_not_know_does_nothing(trunk: Subject) -> None:
    frame = trunk.rows.frame.assign(**{NOTE: "Zzz zzz dyspnoea 12"})
    encoder = token_ablation.encoder_of(trunk)
    rows = replace(trunk.rows, frame=frame, text=encoder.transform(list(frame[NOTE])))
    found = token_ablation.explain(replace(trunk, rows=rows), LOT[:1], CONFIG)
    assert found.words is not None
    assert found.words[0].words == ("zzz", "dyspnoea", "0")
    assert found.words[0].values[0] == 0
    assert found.words[0].values[1] != 0


def frozen(trunk: Subject) -> Subject:
    """Return the subject as if a frozen encoder had read its notes."""
    identity = EncoderIdentity.model_construct(model="x", width=6)
    stats = EncodedText.model_construct(identity=identity, mean=(0.0,) * 6, sd=(1.0,) * 6)
    return replace(
        trunk, rows=replace(trunk.rows, stats=trunk.rows.stats.model_copy(update={"text": stats}))
    )


def test_why_words_cannot_be_taken_out_is_said(trunk: Subject) -> None:
    assert token_ablation.why_not(trunk) == ""
    assert "no note" in token_ablation.why_not(replace(trunk, inputs=("ecg",)))
    assert "a frozen encoder" in token_ablation.why_not(frozen(trunk))
    silent = replace(trunk.rows, frame=trunk.rows.frame.drop(columns=NOTE))
    assert "no note's text" in token_ablation.why_not(replace(trunk, rows=silent))


def test_a_frozen_trunk_is_explained_too(trunk: Subject) -> None:
    before = grad_cam.explain(trunk, LOT, CONFIG).grouped["segment"].values
    layer = layer_integrated_gradients.explain(trunk, LOT, CONFIG).grouped["segment"].values
    for parameter in trunk.target.parameters():
        parameter.requires_grad_(False)
    again = grad_cam.explain(trunk, LOT, CONFIG).grouped["segment"].values
    np.testing.assert_array_equal(again, before)
    once_more = layer_integrated_gradients.explain(trunk, LOT, CONFIG).grouped["segment"].values
    np.testing.assert_array_equal(once_more, layer)
    for parameter in trunk.target.parameters():
        parameter.requires_grad_(True)
