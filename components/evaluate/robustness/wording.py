"""What the report says of the disturbances: paragraphs, tables, rows of the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.core.metrics.interval import Interval
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.report.forest import Row
from components.core.report.section import Table
from components.evaluate.report.wording import percent
from components.evaluate.robustness.figures import NAMES, Disturbed, Found

_TITLES = {"auroc": "AUROC", "auprc": "AUPRC", "brier": "Brier score"}


def paragraphs(
    found: Found, *, seed: int, folded: bool, what: str = "recordings"
) -> tuple[str, ...]:
    """Return what was done, to how many.

    Args:
        found: the battery.
        seed: of the draw.
        folded: whether the test parts are of folds.
        what: is disturbed.
    """
    all_ = found.records == found.of_records
    drawn = "all" if all_ else f"drawn by seed {seed} from {found.of_records:,}, whole patients"
    told = (
        f"The same networks on disturbed copies of {found.records:,} test {what} ({drawn}): "
        f"{found.patients:,} patients, {found.events:,} with the event, prevalence "
        f"{percent(found.prevalence)}. Changes are disturbed minus undisturbed, on the same draws "
        "of the same patients; the intervals are not corrected for the number of conditions."
    )
    repeat = "Under cross-validation the first repeat alone is used." if folded else ""
    few = (
        f"Underpowered: fewer than {RARE_PATIENTS} patients in one class. Read the intervals."
        if not found.powered
        else ""
    )
    return tuple(text for text in (told, repeat, few) if text)


def tables(found: Found, *, first: str = "Recording") -> tuple[Table, ...]:
    """Return one table per kind of disturbance, the undisturbed on top; `first` heads them."""
    kinds = dict.fromkeys(each.condition.kind for each in found.disturbed)
    return tuple(
        _table(kind, [d for d in found.disturbed if d.condition.kind == kind], found, first)
        for kind in kinds
    )


def picture(found: Found) -> Sequence[Row]:
    """Return the rows of the forest plot."""
    rows = [Row(label="undisturbed", interval=found.base["auroc"], tone="reference")]
    kind = ""
    for each in found.disturbed:
        if not each.figures:
            continue
        if each.condition.kind != kind:
            kind = each.condition.kind
            rows.append(Row(label=kind))
        tone = "plain" if found.powered else "faint"
        rows.append(Row(label=each.condition.title, interval=each.figures["auroc"], tone=tone))
    return rows


def _table(kind: str, disturbed: Sequence[Disturbed], found: Found, first: str) -> Table:
    columns = [column for name in NAMES for column in (_TITLES[name], "Change")]
    undisturbed = (
        "undisturbed", f"{found.patients:,}",
        *(cell for name in NAMES for cell in (found.base[name].text(), "")), "",
    )  # fmt: skip
    rows = [undisturbed, *(_row(each) for each in disturbed)]
    note = f"Chance: AUROC 0.500, AUPRC {found.prevalence:.3f} (prevalence)."
    return Table(kind, (first, "Patients", *columns, "Remark"), tuple(rows), note)


def _row(each: Disturbed) -> tuple[str, ...]:
    own = each.figures
    cells = [cell for name in NAMES for cell in (_text(own, name), _text(own, f"{name}_diff"))]
    size = f"{each.patients:,}" if own else ""
    return (each.condition.title, size, *cells, each.condition.remark)


def _text(figures: Mapping[str, Interval], name: str) -> str:
    return figures[name].text() if name in figures else ""
