"""The behaviour check: donors, values, and a network that ignores an input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from components.core.data.batches import raw_batch
from components.evaluate.analyses import behaviour
from components.evaluate.analysis import Context
from components.evaluate.inputs.exchange import changes_of, donors, exchanges
from components.evaluate.robustness.setting import network_of
from tests.evaluate.conftest import Example, context_of

INPUTS = ("ecg_image", "pcg", "tabular")


@pytest.fixture(scope="module")
def context(examples: Callable[[str], Example]) -> Context:
    return context_of(examples("media"))


class _Deaf(nn.Module):
    """A network that never hears the sound, and sees of the table the first column alone."""

    def forward(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        image = batch["ecg_image"].flatten(1).mean(1) * batch["ecg_image_mask"]
        logit = image + batch["tabular"][:, 0]
        return {"toy": torch.stack([torch.zeros_like(logit), logit], dim=1)}


def test_a_donor_is_another_patient_who_has_the_input(context: Context) -> None:
    (test,) = context.tests
    there, index = test.rows.arrays["pcg"].there, np.arange(len(test.rows))
    found = donors(test.rows, there, index, seed=0)
    patient = test.rows.frame["patient_id"].to_numpy()
    given = found >= 0
    assert (given == there).all()
    assert there[found[given]].all()
    assert (patient[found[given]] != patient[given]).all()
    one = replace(test.rows, frame=test.rows.frame.assign(patient_id="p"))
    assert (donors(one, there, index, seed=0) == -1).all()


def test_exchanges_change_their_own_input_alone(context: Context) -> None:
    (test,) = context.tests
    index = np.arange(len(test.rows))
    found = {each.key: each for each in exchanges(test.rows, INPUTS, index, seed=0)}
    assert list(found) == ["ecg_image", "pcg", "tabular.x", "tabular.arm"]
    raw = raw_batch(test.rows, index)
    donor = donors(test.rows, test.rows.arrays["pcg"].there, index, seed=0)
    changed = found["pcg"].change(raw, index)
    (row,) = np.flatnonzero(donor >= 0)[:1]
    assert torch.equal(changed["pcg"][row], raw["pcg"][donor[row]])
    assert torch.equal(changed["pcg_valid"][row], raw["pcg_valid"][donor[row]])
    assert torch.equal(changed["ecg_image"], raw["ecg_image"])
    value = found["tabular.x"].change(raw, index)["tabular"]
    np.testing.assert_allclose(value[:, 0], 1.0, atol=1e-6)  # mean plus one SD, standardised
    assert torch.equal(value[:, 1:], raw["tabular"][:, 1:])
    other = found["tabular.arm"].change(raw, index)["tabular"]
    assert torch.equal(other[:, 1:], 1 - raw["tabular"][:, 1:])


def test_a_network_that_ignores_an_input_is_found_out(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = network_of(context, "holdout")
    monkeypatch.setattr(behaviour, "network_of", lambda *_: replace(own, models=[_Deaf()]))
    found = {each.key: each for each in behaviour.reactions(context)}
    assert found["pcg"].ignored
    assert found["tabular.arm"].ignored
    assert found["pcg"].change[0] == 0
    assert not found["ecg_image"].ignored
    assert found["tabular.x"].share is not None
    assert found["tabular.x"].share.value > 0.9
    (notice,) = behaviour.analyse(context).notices
    assert notice.level == "warning"
    assert "heart sound: another patient's; arm: another category" in notice.text


def test_the_trained_network_reacts_to_all(context: Context) -> None:
    section = behaviour.analyse(context)
    assert section.notices == ()
    figures = {name: interval.value for name, interval in section.figures.items()}
    assert min(figures.values()) > 0.5
    assert len(figures) == 4


def test_what_cannot_be_exchanged_is_no_answer(context: Context) -> None:
    (test,) = context.tests
    index = np.arange(len(test.rows))
    network = network_of(context, test.fold)
    found = exchanges(test.rows, INPUTS, index, seed=0)
    frame = changes_of(network, test, index, found, advance=lambda _: None)
    assert (frame["ecg_image"].isna() == ~test.rows.arrays["ecg_image"].there).all()
    none = behaviour._reaction("a b", "a", frame["pcg"].iloc[:0], next(iter(
        behaviour.analyse(context).figures.values())))  # fmt: skip
    assert none.share is None
    assert not none.ignored
    assert behaviour._table([none]).rows == (("a", "0", "not exchanged", ""),)
