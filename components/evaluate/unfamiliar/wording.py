"""What the report says of recordings made strange: paragraphs, a table, rows of the picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from components.core.metrics.resampling import RARE_PATIENTS
from components.core.report.forest import Row
from components.core.report.section import Notice, Table
from components.evaluate.unfamiliar.figures import CONFIDENCE, DISTANCE, Strange, Unfamiliar

_SAID = {
    "stated": "Stated confidence",
    "accuracy": "Accuracy",
    "overconfidence": "Stated minus accuracy",
}
_TOLD = {
    CONFIDENCE: "AUROC by 1 − confidence",
    DISTANCE: "AUROC by distance",
    "abstained": "Model abstains",
}


def paragraphs(found: Unfamiliar, of: str, *, folded: bool) -> Iterator[str]:
    """Yield what was done, and which strangeness goes unnoticed.

    Args:
        found: the figures.
        of: name of the judged head.
        folded: cross-validated.
    """
    repeat = ", of the first repeat of the cross-validation" if folded else ""
    yield (
        f"The same networks on {found.records:,} test recordings of {found.patients:,} patients"
        f"{repeat}, each made strange in {len(found.strange)} ways; training may hold a few "
        "loose or exchanged electrodes, too. "
        f"Accuracy is that of the head '{of}' where its truth is known ({found.known:,} "
        "recordings). AUROCs are of telling the strange recordings from the untouched ones: by "
        "1 − confidence, and by the distance from the training recordings by which the served "
        "model abstains, beside its quality gate. Recordings are judged at the task's own rate."
    )
    if not found.powered:
        yield f"Underpowered: fewer than {RARE_PATIENTS} patients. Read the intervals."
        return
    yield _unnoticed(found)
    yield from _distance(found)
    yield from _too_sure(found)


def _unnoticed(found: Unfamiliar) -> str:
    missed = [each for each in found.strange if not each.noticed]
    if not missed:
        return "The confidence head notices every one of them: it is less sure of each."
    surer = [each for each in missed if each.surer]
    more = f" It is surer than of untouched recordings of: {_names(surer)}." if surer else ""
    return f"The confidence head does not notice: {_names(missed)}.{more}"


def _distance(found: Unfamiliar) -> Iterator[str]:
    if not any(DISTANCE in each.figures for each in found.strange):
        yield "No distance from the training recordings can be given at this sampling rate."
        return
    caught = [each for each in found.strange if each.far and not each.noticed]
    neither = [each for each in found.strange if not each.far and not each.noticed]
    if caught:
        yield f"The distance alone tells: {_names(caught)}."
    if neither:
        yield f"Neither tells: {_names(neither)}."


def _too_sure(found: Unfamiliar) -> Iterator[str]:
    over = [
        each
        for each in found.strange
        if "overconfidence" in each.figures and each.figures["overconfidence"].lo > 0
    ]
    if over:
        yield (
            "More confident than right (stated minus accuracy): "
            + "; ".join(f"{e.condition.title}, {e.figures['overconfidence'].text()}" for e in over)
            + "."
        )


def _names(strange: Sequence[Strange]) -> str:
    return ", ".join(each.condition.title for each in strange)


def notices(found: Unfamiliar, name: str) -> Iterator[Notice]:
    """Yield what the top of the page must say."""
    missed = [each for each in found.strange if not each.noticed]
    if found.powered and missed:
        yield Notice(
            "note",
            f"The head '{name}' stays as sure of strange recordings as of others where these are: "
            f"{_names(missed)}.",
        )


def tables(found: Unfamiliar) -> tuple[Table, ...]:
    """Return what is said of the recordings, and who tells them, a row per strangeness."""
    every = (found.base, *found.strange)
    said = tuple((*_cells(each, _SAID), _remark(each)) for each in every)
    told = tuple(_cells(each, _TOLD) for each in every)
    return (
        Table(
            "What is said of recordings made strange",
            ("Recording", *_SAID.values(), "Remark"),
            said,
            "Stated minus accuracy above 0: the head is surer than it is right.",
        ),
        Table(
            "Who tells them from untouched ones",
            ("Recording", *_TOLD.values()),
            told,
            "AUROC by chance 0.500. Model abstains: share of the recordings from which the served "
            "model withholds its answer.",
        ),
    )


def _cells(each: Strange, columns: dict[str, str]) -> tuple[str, ...]:
    figures = each.figures
    found = (figures[name].text() if name in figures else "—" for name in columns)
    return (each.condition.title, *found)


def _remark(each: Strange) -> str:
    lost = f"{each.unanswered:,} without a lead left" if each.unanswered else ""
    return "; ".join(text for text in (each.condition.remark, lost) if text)


def picture(found: Unfamiliar) -> list[Row]:
    """Return the rows of the forest plot: both AUROCs of every strangeness."""
    rows: list[Row] = []
    for each in found.strange:
        rows.append(Row(label=each.condition.title))
        plain = "plain" if found.powered else "faint"
        for name, label, tone in (
            (CONFIDENCE, "1 − confidence", plain),
            (DISTANCE, "distance", "reference" if found.powered else "faint"),
        ):
            if name in each.figures:
                rows.append(Row(label=label, interval=each.figures[name], tone=tone))
    return rows
