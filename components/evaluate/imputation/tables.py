"""The section's tables on imputation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.core.imputation.figures import OVERALL, of
from components.core.imputation.pairs import LEVELS, OURS
from components.core.imputation.peers import MEAN
from components.core.metrics.interval import Interval
from components.core.modalities import TITLES
from components.core.report.section import Table
from components.evaluate.imputation.downstream import WHOLE, Worth
from components.evaluate.imputation.words import WAYS

Found = Mapping[str, Interval]
Counts = Mapping[str, tuple[int, int]]
_UNDEFINED = "undefined"


def errors_table(
    found: Found, counts: Counts, modalities: Sequence[str], ways: Sequence[str]
) -> Table:
    """Return relative errors of ours and of other ways, modality by modality."""
    shown = [way for way in (OURS, *ways) if way != MEAN]
    header = ("Hidden", "Embeddings", "Patients", *(_capital(WAYS[way]) for way in shown))
    rows = tuple(
        (_title(name), f"{counts[name][0]:,}", f"{counts[name][1]:,}",
         *(of(dict(found), name)[f"mse_relative_{way}"].text() for way in shown))
        for name in (*modalities, OVERALL)
    )  # fmt: skip
    note = (
        "Mean squared error over that of the training mean, each embedding hidden by itself. Over "
        "all modalities relative errors are averaged, each modality counting alike."
    )
    return Table("Error of imputed embeddings", header, rows, note)


def gains_table(found: Found, modalities: Sequence[str], ways: Sequence[str]) -> Table:
    """Return each way's relative error minus ours."""
    header = ("Hidden", *(f"Minus ours: {WAYS[way]}" for way in ways))
    rows = tuple(
        (_title(name), *(of(dict(found), name)[f"gain_over_{way}"].text() for way in ways))
        for name in (*modalities, OVERALL)
    )
    note = (
        "Relative error of the other way minus that of the model, on the same draws of the same "
        "patients: above 0 the model is better. Against the mean it is the share of its error that "
        "is done away with."
    )
    return Table("The model against other ways", header, rows, note)


def cosine_table(found: Found, modalities: Sequence[str], ways: Sequence[str]) -> Table:
    """Return cosines between truth and imputation, as distances from the training mean."""
    shown = [way for way in (OURS, *ways) if way != MEAN]
    header = ("Hidden", *(_capital(WAYS[way]) for way in shown))
    rows = tuple(
        (_title(name), *(_text(of(dict(found), name), f"cosine_{way}") for way in shown))
        for name in (*modalities, OVERALL)
    )
    note = (
        "−1 to 1, higher is better; both sides as distances from the training mean, which itself "
        "has none. Undefined where the mean is given out."
    )
    return Table("Cosine between truth and imputation", header, rows, note)


def coverage_table(parts: Mapping[str, tuple[Found, Counts]], modalities: Sequence[str]) -> Table:
    """Return how many entries lie within intervals, hidden at random and not at random.

    Args:
        parts: how they were hidden → figures and counts.
        modalities: in use.
    """
    header = (
        "Hidden",
        "Embedding",
        "Patients",
        *(f"{100 * level:g} % interval" for level in LEVELS),
    )
    rows = tuple(
        (how, _title(name), f"{counts[name][1]:,}",
         *(_text(of(dict(found), name), f"coverage_{round(100 * level)}") for level in LEVELS))
        for how, (found, counts) in parts.items()
        for name in (*modalities, OVERALL)
        if counts[name][1]
    )  # fmt: skip
    note = "Share of entries within the normal interval of the SD that is given out."
    return Table("Is the stated uncertainty right?", header, rows, note)


def worth_table(found: Sequence[Worth]) -> Table:
    """Return the heads' AUROC where half of what each patient has is hidden, by what is done."""
    header = ("Head", "What is hidden is", "Patients", "Events", "AUROC", "The model minus it")
    rows: list[tuple[str, ...]] = []
    for each in found:
        few = "" if each.powered else " (underpowered)"
        for way, figures in each.figures.items():
            gap = each.gaps[way]["auroc"].text() if way in each.gaps else ""
            how = "imputed by the model" if way == OURS else _filled(way)
            rows.append((each.head, how, f"{each.patients:,}", f"{each.events:,}{few}",
                         figures["auroc"].text(), gap))  # fmt: skip
    note = (
        "Half of the embeddings that each test patient has, rounded down, drawn at random. What "
        "another way imputes the same networks take as if it were recorded. Chance: AUROC 0.500."
    )
    return Table("What imputing is worth to the heads", header, tuple(rows), note)


def _filled(way: str) -> str:
    return WAYS[way] if way in (WHOLE, "masked") else f"filled by {WAYS[way]}"


def _title(name: str) -> str:
    return TITLES.get(name, "all")


def _text(own: Found, name: str) -> str:
    return own[name].text() if name in own else _UNDEFINED


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
