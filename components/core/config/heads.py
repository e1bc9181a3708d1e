"""What the heads on one hidden representation answer, and from which truth each learns."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from components.core.config.base import Frozen

# Names of endpoints become parts of column and file names.
ENDPOINT = r"^([a-z][a-z0-9_]*)?$"


class _Head(Frozen):
    """What every head has.

    Attributes:
        weight: of its loss among several heads; ignored under uncertainty weighting.
        definition: of what it answers, in words, for report and card.
    """

    weight: float = Field(default=1.0, gt=0)
    definition: str = ""


class BinaryHead(_Head):
    """Two logits; logit₁ − logit₀ is the log-odds of the positive class.

    Attributes:
        target: column of truths; empty takes the label column.
        positive: categories of the target that count as 1, all other known ones as 0.
        below: of a numeric target, values below this count as 1.
        above: of a numeric target, values above this count as 1.
        endpoint: name of an endpoint beside the label's, whose event by `horizon_days` it answers;
            patients censored before are masked, the others weighted by inverse probability of
            censoring, competing death before the event is a known non-event.
        horizon_days: of that endpoint.
        focal_gamma: of the focal loss (Lin et al., ICCV 2017), which counts records that are
            answered well already for less; 0 is the plain cross-entropy.
    """

    kind: Literal["binary"] = "binary"
    target: str = ""
    positive: tuple[str, ...] = ()
    below: float | None = None
    above: float | None = None
    endpoint: str = Field(default="", pattern=ENDPOINT)
    horizon_days: float | None = Field(default=None, gt=0)
    focal_gamma: float = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _endpoint_has_a_horizon(self) -> BinaryHead:
        if self.endpoint and self.target:
            raise ValueError("a binary head answers of a target or of an endpoint, not of both")
        if bool(self.endpoint) != (self.horizon_days is not None):
            raise ValueError(
                "endpoint and horizon_days go together; the label's own horizon is "
                "label.horizon_days"
            )
        return self

    @model_validator(mode="after")
    def _one_rule(self) -> BinaryHead:
        rules = [bool(self.positive), self.below is not None, self.above is not None]
        if sum(rules) != (1 if self.target else 0):
            raise ValueError(
                "a binary head with a target needs one of positive, below and above; the label "
                "column needs none"
            )
        return self


class SurvivalHead(_Head):
    """Discrete-time cause-specific hazards of the event and of competing death.

    Attributes:
        horizons_days: ends of the intervals, ascending; the cumulative incidence is given at each.
        endpoint: name of an endpoint beside the label's; "" is the label's own.
    """

    kind: Literal["survival"] = "survival"
    endpoint: str = Field(default="", pattern=ENDPOINT)
    # Immediate (30 days), 3, 6 and 12 months.
    horizons_days: tuple[float, ...] = (30, 91, 182, 365)

    @field_validator("horizons_days")
    @classmethod
    def _ascending(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or value[0] <= 0 or any(low >= high for low, high in pairwise(value)):
            raise ValueError("give at least one horizon above 0 days, each above the one before")
        return value


class ClassesHead(_Head):
    """One of several ordered categories.

    Attributes:
        target: column of truths.
        classes: its categories from the lowest to the highest; the binary view is "the highest".
        ordinal: cumulative logits (P(above category k), Frank and Hall 2001; one slope, McCullagh
            1980) in place of one logit a category.
    """

    kind: Literal["classes"] = "classes"
    target: str = Field(min_length=1)
    classes: tuple[str, ...] = Field(min_length=2)
    ordinal: bool = False

    @field_validator("classes")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError("a category is named twice")
        return value


class ConfidenceHead(_Head):
    """Whether another head's answer is right, in [0, 1].

    Attributes:
        of: the binary head whose answers it judges; of the label's own endpoint.
        truth: `out_of_fold` learns from the correctness of predictions that networks of inner
            folds made for training patients; `disagreement` from the spread of those networks.
        inner_folds: how many such networks.
    """

    kind: Literal["confidence"] = "confidence"
    of: str = Field(min_length=1)
    truth: Literal["out_of_fold", "disagreement"] = "out_of_fold"
    inner_folds: int = Field(default=3, ge=2)


HeadConfig = Annotated[
    BinaryHead | SurvivalHead | ClassesHead | ConfidenceHead, Field(discriminator="kind")
]
HeadMap = dict[str, HeadConfig]


def check_heads(heads: HeadMap, primary: str) -> None:
    """Refuse heads that do not fit together.

    Raises:
        ValueError: the primary head is missing or judges another, or a confidence head judges one
            that is not there, not binary or of another endpoint.
    """
    if not heads:
        return
    if primary not in heads:
        raise ValueError(f"heads lacks '{primary}', which label.name calls the primary head")
    for name, head in heads.items():
        if isinstance(head, ConfidenceHead):
            _check_judged(name, head, heads.get(head.of))
    if getattr(heads[primary], "endpoint", ""):
        raise ValueError(
            f"the primary head '{primary}' answers of another endpoint than the label's; leave its "
            "endpoint out, or name another head in label.name"
        )
    if isinstance(heads[primary], ConfidenceHead):
        raise ValueError(f"the primary head '{primary}' judges another head; name that one")


def _check_judged(name: str, head: ConfidenceHead, judged: HeadConfig | None) -> None:
    if not isinstance(judged, BinaryHead):
        raise ValueError(f"heads.{name}.of is '{head.of}', which is no binary head among them")
    # Whether an answer is right is asked of everyone alike; a fold's validation part may lack the
    # events of another endpoint, and then nobody knows where its threshold lies.
    if judged.endpoint:
        raise ValueError(
            f"heads.{name}.of is '{head.of}', which answers of the endpoint '{judged.endpoint}'; "
            "a confidence head judges one of the label's own endpoint"
        )
