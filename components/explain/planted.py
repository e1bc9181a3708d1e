"""Does the explanation point to where the signal was planted? The synthetic cohort alone can tell.

Planted cells are the smallest set of lead × segment cells that holds `HELD` of the planted energy
(`signal_share` of truth.json). An explanation's share on them is compared with the share in
networks of the same architecture that were trained on shuffled labels: Integrated Gradients
multiply by the input, so any network draws attribution to where the amplitude is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
# A network that attributes less than this of what the model does answers without the ECG: where its
# remaining attribution lies is chance.
BLIND = 0.01


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


def unknown_leads(truth: Mapping[str, Any], leads: tuple[str, ...]) -> tuple[str, ...]:
    """Return the leads of the tensors of which the truth does not say what was planted."""
    return tuple(lead for lead in leads if lead not in truth["ecg"]["signal_share"])


def place(truth: Mapping[str, Any], leads: tuple[str, ...]) -> Place:
    """Return where the signal was planted.

    Args:
        truth: content of truth.json.
        leads: of the tensors.

    Raises:
        InputError: the truth does not know one of the leads.
    """
    share = truth["ecg"]["signal_share"]
    unknown = unknown_leads(truth, leads)
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
class Taught:
    """A network trained on shuffled labels.

    Attributes:
        share: of its |attribution| that lies on the cells.
        relative: its |attribution| over the model's, on the same records; infinite where the model
            has none.
    """

    share: float
    relative: float

    def text(self) -> str:
        """Return the share, and how much it is a share of, in print."""
        much = f"{self.relative:.0%}".replace("%", " %") if np.isfinite(self.relative) else "∞"
        return f"{self.share:.2f} ({much} as much)"


@dataclass(frozen=True, kw_only=True)
class Located:
    """How much attribution lies on the planted cells.

    Attributes:
        share: of the model, with its interval.
        control: share of the networks trained on shuffled labels, their sums pooled; None without
            any.
        controls: each such network.
        blind: such networks with less than `BLIND` of the model's |attribution|, which are left
            out.
        ratio: `share / control`; None without a control.
        records: that were compared.
    """

    share: Interval
    control: Interval | None
    controls: tuple[Taught, ...]
    blind: int
    ratio: Interval | None
    records: int

    def cells(self) -> tuple[str, ...]:
        """Return share, share in controls, ratio and each control network's share, in print."""
        pair = ("—" if each is None else each.text(2) for each in (self.control, self.ratio))
        spread = ", ".join(each.text() for each in self.controls) or "—"
        return (self.share.text(2), *pair, spread)


def located(
    own: Grouped, controls: Sequence[Grouped], *, where: Place, patients: Ids, plan: Plan
) -> Located:
    """Return the share on the planted cells and its ratio to that of the controls.

    The share is the sum over records of |attribution of a planted cell| over the same of all cells,
    attributions being signed sums within a cell. Of the controls it is the sum over records and
    networks, so that a network counts by how much it attributes and one that hardly looks at the
    ECG hardly counts. All shares are of the same records and the same draws of patients; chance in
    the training of the controls shows in `controls` alone.

    Args:
        own: `lead_segment` attributions of the model's networks together.
        controls: of each network trained on shuffled labels, of the same records.
        where: the planted cells.
        patients: `[n]` ids.
        plan: how to resample.
    """
    taught = [marked_sums(each.values, where.marked) for each in controls]
    model = marked_sums(own.values, where.marked)
    found = of_sums(model, taught, patients=patients, plan=plan)
    return replace(found, records=int(np.isfinite(own.values).any(axis=1).sum()))


def of_sums(model: Floats, controls: Sequence[Floats], *, patients: Ids, plan: Plan) -> Located:
    """Return the share of attribution on marked places and its ratio to that of the controls.

    Args:
        model: `[n, 2]` |attribution| of each record on the places and in all; 0 where it has none.
        controls: the same of each network to compare with, of the same records.
        patients: `[n]` ids.
        plan: how to resample.
    """
    least = BLIND * model[:, 1].sum()
    seeing = [each for each in controls if each[:, 1].sum() > 0 and each[:, 1].sum() >= least]
    sums = [model, np.sum(seeing, axis=0)] if seeing else [model]

    def evaluate(weights: RowWeights) -> Floats:
        totals = np.stack([weights.totals(each) for each in sums], axis=1)
        shares = quotient(totals[:, :, 0], totals[:, :, 1])
        ratio = quotient(shares[:, :1], shares[:, 1:]) if seeing else shares[:, 1:]
        return np.hstack([shares, ratio])

    names = ("share", "control", "ratio") if seeing else ("share",)
    told = bootstrapped(Statistic(names, evaluate), patients, plan)
    return Located(
        share=told["share"],
        control=told.get("control"),
        controls=tuple(_taught(each, model) for each in seeing),
        blind=len(controls) - len(seeing),
        ratio=told.get("ratio"),
        records=int((model[:, 1] > 0).sum()),
    )


def _taught(sums: Floats, model: Floats) -> Taught:
    marked, total = sums.sum(axis=0)
    of = float(model[:, 1].sum())
    relative = float(total) / of if of else float("inf")
    return Taught(share=float(marked / total), relative=relative)


def marked_sums(values: Floats, marked: npt.NDArray[np.bool_]) -> Floats:
    """Return `[n, 2]` |attribution| in the marked cells and in all; 0 for a record without beat."""
    size = np.abs(np.where(np.isfinite(values), values, 0.0))
    return np.stack([size[:, marked].sum(axis=1), size.sum(axis=1)], axis=1)
