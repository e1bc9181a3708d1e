"""The attributed quantity as a function of some tensors, however Captum cuts its rows."""

from __future__ import annotations

import pytest
import torch
from captum.attr import FeatureAblation, IntegratedGradients
from torch import Tensor, nn

from components.core.attribution.target import Target, is_input, of_tensors, record_numbers
from components.core.config.heads import BinaryHead
from components.core.data.batches import Batch
from components.core.errors import CardioError
from components.core.heads.registry import View

VIEW = View(name="event", head=BinaryHead())


class Products(nn.Module):
    """Logit₁ − logit₀ = scale · mean(tabular²) · text₀: every record's own text matters."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))
        self.drop = nn.Dropout(0.5)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        own = self.scale * self.drop(batch["tabular"]).square().mean(1) * batch["text"][:, 0]
        return {"event": torch.stack([own.new_full(own.shape, 3.0), 3 + own], dim=1)}


@pytest.fixture
def batch() -> Batch:
    torch.manual_seed(0)
    return {
        "label": torch.arange(5),
        "tabular": torch.randn(5, 3),
        "text": torch.tensor([[1.0], [10.0], [100.0], [1000.0], [10_000.0]]),
    }


def test_the_target_is_the_mean_over_networks_in_evaluation_mode(batch: Batch) -> None:
    target = Target([Products(1.0).train(), Products(3.0)], VIEW)
    expected = 2 * batch["tabular"].square().mean(1) * batch["text"][:, 0]
    torch.testing.assert_close(target(batch), expected)


def test_the_target_is_the_mean_of_its_networks_own(batch: Batch) -> None:
    target = Target([Products(1.0), Products(3.0)], VIEW)
    each = [own(batch) for own in target.each()]
    assert len(each) == 2
    assert not torch.equal(each[0], each[1])
    torch.testing.assert_close(torch.stack(each).mean(0), target(batch))


# 5 records at 7 steps: lots of 5, 10 and 15 rows leave a rest of steps, 36 take all at once.
@pytest.mark.parametrize("rows", [5, 10, 15, 36])
def test_steps_cut_into_lots_give_what_one_record_by_itself_gives(batch: Batch, rows: int) -> None:
    target = Target([Products()], VIEW)
    found = IntegratedGradients(of_tensors(target, batch, ("tabular",))).attribute(
        batch["tabular"],
        additional_forward_args=(record_numbers(batch),),
        n_steps=7,
        internal_batch_size=rows,
    )
    for number in range(5):
        one = {key: value[number : number + 1] for key, value in batch.items()}
        alone = IntegratedGradients(
            lambda tabular, own=one: target(
                {"tabular": tabular, "text": own["text"].expand(len(tabular), 1)}
            )
        ).attribute(one["tabular"], n_steps=7)
        torch.testing.assert_close(found[number : number + 1], alone)


def test_rows_may_come_in_any_order(batch: Batch) -> None:
    target = Target([Products()], VIEW)
    record = torch.tensor([4, 0, 0, 3, 1, 2, 2, 4])
    found = of_tensors(target, batch, ("tabular",))(batch["tabular"][record], record)
    torch.testing.assert_close(found, target(batch)[record])


def test_captum_expands_the_record_numbers_with_its_rows(batch: Batch) -> None:
    target = Target([Products()], VIEW)
    f = of_tensors(target, batch, ("tabular",))
    lots = [
        FeatureAblation(f).attribute(
            batch["tabular"],
            additional_forward_args=(record_numbers(batch),),
            perturbations_per_eval=n,
        )
        for n in (1, 2, 3)
    ]
    torch.testing.assert_close(lots[1], lots[0])
    torch.testing.assert_close(lots[2], lots[0])


def test_forgotten_record_numbers_are_refused(batch: Batch) -> None:
    f = of_tensors(Target([Products()], VIEW), batch, ("tabular",))
    with pytest.raises(
        CardioError, match="1 tensors came for tabular and the record numbers; hand"
    ):
        f(batch["tabular"])


def test_labels_are_not_handed_to_networks() -> None:
    assert is_input("ecg")
    assert is_input("ecg_lead_mask")
    assert not is_input("label")
    assert not is_input("y.lvef")
