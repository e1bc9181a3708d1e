"""How the risks of the validation records are distributed: counts, to show one risk beside them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from components.core.config.base import Frozen
from components.core.errors import InputError
from components.core.metrics.checks import Vector, binary, probabilities

_BINS = 50
# Quotients, as a page writes them: a step added up would give 0.06000000000000001.
EDGES = tuple(i / _BINS for i in range(_BINS + 1))


class ValidationRisks(Frozen):
    """Calibrated risks of the validation records of known outcome, counted by bins.

    Counts alone: no value of a single patient and no id. Nothing is weighted for censoring.

    Attributes:
        edges: `[51]` of the bins, ascending from 0 to 1; a bin holds its lower edge, the last one
            its upper, too.
        event: `[50]` records with the event (the positive class of the primary head's binary
            view), bin by bin.
        no_event: `[50]` records known to be without it.
        records: how many that is together.
        patients: how many patients these records are of.
    """

    edges: tuple[float, ...]
    event: tuple[int, ...]
    no_event: tuple[int, ...]
    records: int = Field(ge=1)
    patients: int = Field(ge=1)

    @model_validator(mode="after")
    def _is_a_distribution(self) -> ValidationRisks:
        if len(self.edges) != _BINS + 1:
            raise ValueError(f"edges has {len(self.edges)} numbers, not {_BINS + 1}")
        ascending = all(low < high for low, high in pairwise(self.edges))
        if not ascending or (self.edges[0], self.edges[-1]) != (0, 1):
            raise ValueError("edges does not ascend from 0 to 1")
        for name, counts in (("event", self.event), ("no_event", self.no_event)):
            if len(counts) != _BINS:
                raise ValueError(f"{name} has {len(counts)} counts, not one for each of {_BINS}")
            if min(counts) < 0:
                raise ValueError(f"{name} holds {min(counts)}, which is no count")
        total = sum(self.event) + sum(self.no_event)
        if total != self.records:
            raise ValueError(f"the bins hold {total} records together, and records says otherwise")
        if self.patients > self.records:
            raise ValueError(f"patients is {self.patients}, more than the {self.records} records")
        return self


def validation_risks(
    probability: Vector, label: Vector, patient_id: npt.NDArray[np.object_]
) -> ValidationRisks:
    """Return the distribution of risks; records of unknown outcome are left out.

    Args:
        probability: `[n]` calibrated, of the positive class, in [0, 1].
        label: `[n]` 1 the event, 0 without it, NaN where it is not known.
        patient_id: `[n]`; counted, not kept.

    Raises:
        InputError: arrays of several lengths, a probability that is none, another label, or no
            record of known outcome.
    """
    truth = np.asarray(label, dtype=np.float64)
    if len(patient_id) != truth.size:
        raise InputError(
            f"the patient's id has {len(patient_id)} rows where {truth.size} are needed; align the "
            "arrays"
        )
    known = ~np.isnan(truth)
    risk, truth = probabilities(probability, rows=truth.size)[known], binary(truth[known])
    return ValidationRisks(
        edges=EDGES,
        event=_counts(risk[truth == 1]),
        no_event=_counts(risk[truth == 0]),
        records=int(truth.size),
        patients=len(np.unique(patient_id[known])),
    )


def _counts(risk: npt.NDArray[np.float64]) -> tuple[int, ...]:
    return tuple(int(count) for count in np.histogram(risk, EDGES)[0])
