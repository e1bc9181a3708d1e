"""What a promotion takes: `gate.yaml`, or a file of the user's, as a frozen configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, field_validator

from components.core.config.base import Frozen, validate
from components.core.config.task import assign, parse_overrides
from components.core.errors import ConfigError

DEFAULT = Path(__file__).with_name("gate.yaml")
# Evaluation ranks no smaller group (20 patients with and 20 without the event).
_RANKED = 20


class AuditGate(Frozen):
    """The audit passed without a waiver."""

    passed: Literal[True]


class ModelCardGate(Frozen):
    """What the model card must hold.

    Attributes:
        complete: everything named here is there.
        sections: headings.
        items: of TRIPOD+AI that must be answered.
    """

    complete: Literal[True]
    sections: tuple[str, ...]
    items: tuple[str, ...]


class ReproductionGate(Frozen):
    """How exactly the registered bundle gives the reported probabilities.

    Attributes:
        tolerance: largest difference in probability.
    """

    tolerance: float = Field(gt=0, le=1e-3)


class DiscriminationGate(Frozen):
    """How the candidate's AUROC must compare with the champion's.

    Attributes:
        rule: `superiority` (lower bound of the difference above 0) or `non_inferiority` (above
            minus the margin).
        margin: in AUROC.
        level: one-sided.
        draws: of the paired bootstrap.
        seed: of the draws.
    """

    rule: Literal["superiority", "non_inferiority"]
    margin: float = Field(ge=0, le=0.5)
    level: float = Field(gt=0.5, lt=1)
    draws: int = Field(ge=100)
    seed: int = Field(ge=0)


class FirstChampionGate(Frozen):
    """What a model must reach where there is no champion.

    Attributes:
        margin: by which AUROC's lower bound may lie below the best baseline's point value.
        above: which that bound must exceed.
    """

    margin: float = Field(ge=0, le=0.5)
    above: float = Field(ge=0.5, lt=1)


class CalibrationGate(Frozen):
    """Bounds of the recalibrated probability's calibration.

    Attributes:
        slope: least and largest slope.
        ece: largest expected calibration error.
        chance: share of samples in which a model with right probabilities would have a smaller
            one; above 0, what it is on these patients is allowed, too, since few make it large.
    """

    slope: tuple[float, float]
    ece: float = Field(gt=0, le=1)
    chance: float = Field(ge=0, lt=1)

    @field_validator("slope")
    @classmethod
    def _around_one(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 < value[0] <= 1 <= value[1]:
            raise ValueError("the slope's bounds must lie around 1, e.g. [0.8, 1.25]")
        return value


class SubgroupsGate(Frozen):
    """What no group of patients may fall below.

    Attributes:
        min_events: groups with fewer are not judged.
        floor: lowest AUROC.
        largest_fall: the champion's AUROC minus the candidate's, at most.
    """

    min_events: int = Field(ge=_RANKED)
    floor: float = Field(ge=0, lt=1)
    largest_fall: float = Field(ge=0, le=1)


class Gate(Frozen):
    """Every number that decides about a promotion; defaults are those of `gate.yaml`."""

    audit: AuditGate
    model_card: ModelCardGate
    reproduction: ReproductionGate
    discrimination: DiscriminationGate
    first_champion: FirstChampionGate
    calibration: CalibrationGate
    subgroups: SubgroupsGate

    def to_yaml(self) -> str:
        """Return the gate as YAML."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)


def load_gate(file: str = "", overrides: str = "") -> Gate:
    """Return the gate.

    Args:
        file: a gate given whole; empty takes `gate.yaml` of this component.
        overrides: `key=value` pairs, e.g. `discrimination.rule=non_inferiority`.

    Raises:
        ConfigError: the file is missing or no YAML mapping, or a key or value is wrong.
    """
    source = Path(file) if file else DEFAULT
    data = _mapping(source)
    for key, value in parse_overrides(overrides):
        assign(data, key, value)
    return validate(Gate, data, f"the gate '{source.name}'")


def _mapping(file: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"the gate file '{file}' cannot be read; correct the 'gate' parameter"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"the gate file '{file.name}' is not YAML; correct it") from error
    if not isinstance(data, dict):
        raise ConfigError(f"the gate file '{file.name}' must hold a mapping of sections")
    return data
