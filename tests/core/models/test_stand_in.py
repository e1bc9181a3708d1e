"""What stands in place of an absent modality is learned from records that lack it, and only so."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from components.core.models.stand_in import droppable, unlearned
from tests.core.models.test_event_transformer import ROWS, SPEC, batch, logits, model

DROPPABLE = ("events", "tabular")


def trained(*lacking: str) -> nn.Module:
    """Return a network after one step on records of which the first lacks what is named."""
    # Wide enough that no record's ReLUs are all shut.
    own, given = model(hidden=(64, 32)).train(), batch(ROWS - 1)
    for name in lacking:
        given[f"{name}_mask"] = (torch.arange(ROWS - 1) > 0).float()
    nn.functional.cross_entropy(logits(own, given), given["label"]).backward()
    torch.optim.AdamW(own.parameters(), lr=1e-3, weight_decay=0.1).step()
    return own


@pytest.mark.parametrize(
    ("lacking", "left"),
    [((), DROPPABLE), (("events",), ("tabular",)), (("tabular",), ("events",)), (DROPPABLE, ())],
)
def test_it_is_learned_where_a_record_lacked_the_modality(
    lacking: tuple[str, ...], left: tuple[str, ...]
) -> None:
    assert unlearned([trained(*lacking)]) == left


def test_one_network_that_never_learned_it_is_enough() -> None:
    assert unlearned([trained(*DROPPABLE), trained("tabular")]) == ("events",)


def test_a_model_has_one_for_each_of_its_inputs() -> None:
    assert droppable(model()) == DROPPABLE
    assert droppable(model(SPEC.model_copy(update={"tabular": 0}))) == ("events",)
    with pytest.raises(ValueError, match="the model reads no tabular"):
        model(SPEC.model_copy(update={"tabular": 0})).absent("tabular")


def test_other_models_have_none() -> None:
    assert droppable(nn.Linear(1, 1)) == ()
    assert unlearned([nn.Linear(1, 1)]) == ()
