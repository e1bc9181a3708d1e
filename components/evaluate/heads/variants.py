"""The whole network against one trained on the same folds with something left out.

The table of variants (`Context.variants`) has one row per variant, head, fold and test record:
`variant, head, sample_id, patient_id, repeat, fold, label, weight, logit`. A variant is `whole`,
`without:<input>`, `only:<input>` or `alone:<head>`; all are of one seed, so that what differs is
what was left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from components.core.errors import CardioError
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import (
    RANKING,
    Figures,
    PatientTables,
    difference,
    headline_figures,
    patient_table,
    pooled,
)
from components.evaluate.heads.tables import is_folded
from components.evaluate.power import class_sizes, is_small, prevalence

WHOLE, WITHOUT, ALONE, ONLY = "whole", "without:", "alone:", "only:"
_KEYS = ["repeat", "fold", "sample_id"]
_OTHER = "logit.other"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A variant beside the whole network, on the same records of known label.

    Attributes:
        variant: as the table names it.
        head: whose binary view is compared.
        patients: tested.
        events: of them with the event.
        prevalence: weighted for censoring.
        powered: at least 20 patients of either class.
        whole: AUROC and AUPRC of the whole network.
        other: those of the variant.
        gap: whole minus variant, on the same draws.
    """

    variant: str
    head: str
    patients: int
    events: int
    prevalence: float
    powered: bool
    whole: Figures
    other: Figures
    gap: Figures

    @property
    def left_out(self) -> str:
        """Return what the variant lacks, or the head or the input that it has alone."""
        return self.variant.partition(":")[2]


def variants_of(table: pd.DataFrame | None, prefix: str) -> list[tuple[str, str]]:
    """Return (variant, head) of the variants that begin with `prefix`, in the table's order."""
    if table is None:
        return []
    rows = table[table["variant"].str.startswith(prefix)]
    pairs = rows[["variant", "head"]].drop_duplicates()
    return [(str(variant), str(head)) for variant, head in pairs.itertuples(index=False)]


def compare(table: pd.DataFrame, variant: str, head: str, plan: Plan) -> Pair:
    """Return the variant's figures, the whole network's, and their paired difference.

    Args:
        table: of variants.
        variant: to be compared.
        head: whose rows are taken.
        plan: the bootstrap.

    Raises:
        CardioError: both were not tested on the same records.
    """
    tables = _paired(table, variant, head)
    events, others = class_sizes(tables.pooled)
    return Pair(
        variant=variant,
        head=head,
        patients=events + others,
        events=events,
        prevalence=prevalence(tables.pooled),
        powered=not is_small(tables.pooled),
        whole=headline_figures(tables, "logit", plan),
        other=headline_figures(tables, _OTHER, plan),
        gap=difference(tables, _OTHER, plan),
    )


def _paired(table: pd.DataFrame, variant: str, head: str) -> PatientTables:
    rows = table[(table["head"] == head) & table["label"].notna()]
    whole, other = (
        rows[rows["variant"] == each].set_index(_KEYS).sort_index() for each in (WHOLE, variant)
    )
    if not len(whole) or not whole.index.equals(other.index):
        raise CardioError(
            f"the variant '{variant}' of head '{head}' was tested on {len(other)} records where "
            f"the whole network has {len(whole)}, or on others; this is a fault of the software"
        )
    frame = whole.assign(**{_OTHER: other["logit"]}).reset_index()
    columns = ["logit", _OTHER]
    each = patient_table(frame, columns)
    return PatientTables(each=each, pooled=pooled(each, columns), folded=is_folded(frame))


def tracked(pair: Pair, prefix: str) -> dict[str, Interval]:
    """Return `<prefix>/<figure>` of the variant and `<prefix>/<figure>_diff`, whole minus it."""
    own = {f"{prefix}/{name}": pair.other[name] for name in RANKING}
    return own | {f"{prefix}/{name}_diff": pair.gap[name] for name in RANKING}
