"""Does the explanation point to where the signal was planted? The synthetic cohort alone can tell.

Planted cells are the smallest set of lead × segment cells that holds `HELD` of the planted energy
(`signal_share` of truth.json). An explanation's share on them is compared with the share in
networks of the same architecture that were trained on shuffled labels: Integrated Gradients
multiply by the input, so any network draws attribution to where the amplitude is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.core.attribution.groups import SEGMENTS, Grouped, cell_names
from components.core.errors import InputError
from components.core.metrics.interval import Interval
from components.core.metrics.metric import RowWeights, Statistic
from components.core.metrics.resampling import Plan
from components.explain.faithfulness.means import Floats, Ids, bootstrapped, quotient

HELD = 0.8
# Planted cells that cover more of the trace than this are no place at all.
LARGEST_AREA = 0.25


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the signal lies.

    Attributes:
        leads: of the cells, in the order of the tensors.
        cells: names as in `cell_names`, the one with most energy first.
        held: share of the planted energy in them.
    """

    leads: tuple[str, ...]
    cells: tuple[str, ...]
    held: float

    @property
    def marked(self) -> npt.NDArray[np.bool_]:
        """Return `[G]` which of all cells they are."""
        return np.isin(cell_names(self.leads), self.cells)

    def area(self, segments: npt.NDArray[np.int8]) -> float:
        """Return the share of all leads' samples that lies in the cells.

        Args:
            segments: `[n, L]` of the records; those in which no beat is found do not count.
        """
        counts = np.array([(segments == number).sum() for number in range(len(SEGMENTS))])
        samples = np.tile(counts, len(self.leads))
        return float(samples[self.marked].sum() / samples.sum()) if samples.sum() else float("nan")


def place(truth: Mapping[str, Any], leads: tuple[str, ...]) -> Place:
    """Return where the signal was planted.

    Args:
        truth: content of truth.json.
        leads: of the tensors.

    Raises:
        InputError: the truth does not know one of the leads.
    """
    share = truth["ecg"]["signal_share"]
    unknown = [lead for lead in leads if lead not in share]
    if unknown:
        raise InputError(
            f"the planted truth does not say what lies in lead(s) {', '.join(unknown)}; prepare "
            f"the cohort with {', '.join(share)}"
        )
    energy = {f"{lead} {part}": float(share[lead][part]) for lead in leads for part in share[lead]}
    total, held, cells = sum(energy.values()), 0.0, list[str]()
    for name in sorted(energy, key=lambda each: -energy[each]):
        if held >= HELD * total:
            break
        cells.append(name)
        held += energy[name]
    return Place(leads=leads, cells=tuple(cells), held=held / total)


@dataclass(frozen=True, kw_only=True)
class Located:
    """How much attribution lies on the planted cells.

    Attributes:
        share: of the model, with its interval.
        control: mean share of the networks trained on shuffled labels; None without any.
        controls: share of each such network.
        blind: such networks whose answer does not depend on the ECG at all: they have no share and
            are left out.
        ratio: `share / control`; None without a control.
        records: that were compared.
    """

    share: Interval
    control: Interval | None
    controls: tuple[float, ...]
    blind: int
    ratio: Interval | None
    records: int

    def cells(self) -> tuple[str, ...]:
        """Return share, share in controls, ratio and each control network's share, in print."""
        pair = ("—" if each is None else each.text(2) for each in (self.control, self.ratio))
        spread = ", ".join(f"{each:.2f}" for each in self.controls) or "—"
        return (self.share.text(2), *pair, spread)


def located(
    own: Grouped, controls: Sequence[Grouped], *, where: Place, patients: Ids, plan: Plan
) -> Located:
    """Return the share on the planted cells and its ratio to that of the controls.

    The share is the sum over records of |attribution of a planted cell| over the same of all cells,
    attributions being signed sums within a cell. All shares are of the same records and the same
    draws of patients; chance in the training of the controls shows in `controls` alone.

    Args:
        own: `lead_segment` attributions of the model's networks together.
        controls: of each network trained on shuffled labels, of the same records.
        where: the planted cells.
        patients: `[n]` ids.
        plan: how to resample.
    """
    taught = [_sums(each.values, where.marked) for each in controls]
    seeing = [each for each in taught if each[:, 1].sum() > 0]
    sums = [_sums(own.values, where.marked), *seeing]

    def evaluate(weights: RowWeights) -> Floats:
        totals = np.stack([weights.totals(each) for each in sums], axis=1)
        shares = quotient(totals[:, :, 0], totals[:, :, 1])
        if not seeing:
            return shares
        mean = shares[:, 1:].mean(axis=1, keepdims=True)
        return np.hstack([shares[:, :1], mean, quotient(shares[:, :1], mean)])

    names = ("share", "control", "ratio") if seeing else ("share",)
    told = bootstrapped(Statistic(names, evaluate), patients, plan)
    return Located(
        share=told["share"],
        control=told.get("control"),
        controls=tuple(float(one[:, 0].sum() / one[:, 1].sum()) for one in seeing),
        blind=len(taught) - len(seeing),
        ratio=told.get("ratio"),
        records=int(np.isfinite(own.values).any(axis=1).sum()),
    )


def _sums(values: Floats, marked: npt.NDArray[np.bool_]) -> Floats:
    """Return `[n, 2]` |attribution| in the marked cells and in all; 0 for a record without beat."""
    size = np.abs(np.where(np.isfinite(values), values, 0.0))
    return np.stack([size[:, marked].sum(axis=1), size.sum(axis=1)], axis=1)
