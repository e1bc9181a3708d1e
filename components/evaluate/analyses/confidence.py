"""The confidence head: does it know which answers are wrong? And is poor ECG quality found?"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from components.core.config.heads import ConfidenceHead
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.metrics.selective import COVERAGES
from components.core.metrics.tables import Figures, floats
from components.core.report.section import Notice, Plot, Section, Table
from components.core.schemas import MANIFEST
from components.evaluate.analysis import Context
from components.evaluate.heads.confidence import (
    HALF,
    HEAD,
    THRESHOLD,
    Judged,
    check_probability,
    confidence_figures,
    judged,
)
from components.evaluate.heads.quality import (
    QualityFigures,
    head_figures,
    quality_figures,
    quality_head,
)
from components.evaluate.heads.tables import key, known, merged, of_kind
from components.evaluate.report.risk_coverage import Series, risk_coverage_plot
from components.evaluate.report.wording import percent
from components.evaluate.subgroups.grouping import safe

NAME = "confidence"
ORDER = 23
_TITLE = "Does it know when it is wrong?"
_SCORES = {
    HEAD: "Confidence head",
    HALF: "Distance of the probability from one half",
    THRESHOLD: "Distance of the logit from the threshold",
}
_FIGURES = {
    "wrong_auroc": "AUROC of being wrong",
    "aurc": "AURC",
    "aurc_excess": "AURC above the best possible",
}


def applies(context: Context) -> bool:
    """Return whether a confidence head has answers of known correctness."""
    return context.heads is not None and bool(_known(context, context.heads))


def analyse(context: Context) -> Section:
    """Return how well wrong answers are told, what coverage buys, and ECG quality."""
    frame = context.heads if context.heads is not None else pd.DataFrame()
    manifest = pd.read_parquet(context.stages.cohort.folder / MANIFEST)
    quality = _judged_quality(context, manifest, frame)
    parts: dict[str, Section] = {}
    for name, head in _known(context, frame).items():
        found = judged(frame, name, head)
        check_probability(found)
        figures = confidence_figures(found, context.plan)
        parts[name] = Section(
            name=NAME,
            title=_TITLE,
            text=(*_words(found, head, figures), *_quality(quality)),
            tables=tuple(_tables(found, figures)),
            plots=(_plot(name, found, figures),),
            notices=tuple(_notices(name, found, figures)),
            figures=dict(_tracked(name, figures, quality)),
        )
    return merged(NAME, _TITLE, parts)


def _judged_quality(
    context: Context, manifest: pd.DataFrame, frame: pd.DataFrame
) -> QualityFigures | None:
    """Return the figures of the quality head where there is one, else those of the rule's score."""
    name = quality_head(context.task.all_heads())
    if name:
        return head_figures(manifest, frame, name, context.plan)
    return quality_figures(manifest, frame["sample_id"], context.plan)


def _known(context: Context, frame: pd.DataFrame) -> dict[str, ConfidenceHead]:
    heads = of_kind(context.task.all_heads(), ConfidenceHead)
    return {name: head for name, head in heads.items() if len(known(frame, name))}


def _words(found: Judged, head: ConfidenceHead, figures: Figures) -> Iterator[str]:
    yield (
        f"{found.records:,} answers of the head '{head.of}' at its validation threshold; wrong: "
        f"{figures['wrong'].text()}. AURC is the error rate averaged over all coverages when the "
        "most confident answers are given first; low is good. A confidence head is worth having "
        "where it beats the distances that the judged head's own output gives for nothing."
    )
    if THRESHOLD not in found.scores:
        yield ("The threshold cannot be read off the answers, so the distance from it is left out.")
    if not found.powered:
        yield (
            f"Underpowered: fewer than {RARE_PATIENTS} patients with a wrong or with a right "
            "answer. Read the intervals; no score is ranked above another."
        )
        return
    for score in found.scores[1:]:
        gap = figures[f"{score}-{HEAD}|wrong_auroc"]
        verdict = (
            "tells wrong answers better than" if gap.lo > 0
            else "tells wrong answers worse than" if gap.hi < 0
            else "is not shown to tell wrong answers better than"
        )  # fmt: skip
        what = f"{_SCORES[score][0].lower()}{_SCORES[score][1:]}"
        yield f"The head {verdict} the {what}: AUROC, head minus it, {gap.text()}."


def _quality(found: QualityFigures | None) -> Iterator[str]:
    if found is None:
        yield "ECG quality: no tested recording has an answer and anything to hold it to."
        return
    truth = {
        "annotations": "people's annotations",
        "flags": (
            "quality flags, since nobody annotated the recordings; score and flags come from the "
            "same measurements, so this is agreement and no validation"
        ),
    }[found.against]
    who = f"head '{found.head}'" if found.head else "preprocess' score"
    lead = (
        f"ECG quality, {who} against {truth}: {found.poor:,} of {found.records:,} recordings are "
        "poor"
    )
    if found.auroc is None:
        yield f"{lead}, so no AUROC can be given."
        return
    few = "" if found.powered else f" (underpowered: fewer than {RARE_PATIENTS} of one kind)"
    yield f"{lead} ({percent(found.poor / found.records)}); AUROC {found.auroc.text()}{few}."
    if found.score is not None and found.gain is not None:
        yield (
            f"Preprocess' score, which needs no training, reaches {found.score.text()} on the same "
            f"recordings; head minus score {found.gain.text()}, paired."
        )


def _tables(found: Judged, figures: Figures) -> Iterator[Table]:
    header = ["Score", *_FIGURES.values(), "AUROC: head minus it", "AURC: head minus it"]
    rows = [
        (
            _SCORES[score],
            *(figures[f"{score}|{name}"].text() for name in _FIGURES),
            *(
                figures[f"{score}-{HEAD}|{name}"].text() if score != HEAD else "—"
                for name in ("wrong_auroc", "aurc")
            ),
        )
        for score in found.scores
    ]
    best, random = (figures[f"{HEAD}|aurc_{kind}"].text() for kind in ("best", "random"))
    note = f"AURC: best possible {best}; no order {random}. AUROC by chance 0.500."
    yield Table("Telling wrong answers from right ones", tuple(header), tuple(rows), note)
    shares = [f"{100 * share:g}" for share in COVERAGES]
    yield Table(
        "Accuracy of the answers given",
        ("Score", *(f"at {share} % coverage" for share in shares)),
        tuple(
            (
                _SCORES[score],
                *(figures[f"{score}|accuracy_at_coverage_{share}"].text() for share in shares),
            )
            for score in found.scores
        ),
    )
    titles = {
        "observed_expected": ("Right answers observed / expected", "1"),
        "brier": ("Brier score", "0"),
        "ece": ("ECE (10 equal-mass bins)", "0"),
    }
    yield Table(
        "Can the confidence be taken at its word?",
        ("Figure", "Value", "Ideal"),
        tuple((title, figures[name].text(), ideal) for name, (title, ideal) in titles.items()),
        "Observed / expected below 1: the head is more confident than it should be.",
    )


def _plot(name: str, found: Judged, figures: Figures) -> Plot:
    wrong = floats(found.frame, "wrong")
    each = [
        Series(
            name=_SCORES[score],
            area=figures[f"{score}|aurc"],
            confidence=floats(found.frame, score),
        )
        for score in found.scores
    ]
    return Plot(
        name=f"{NAME}_{safe(name)}",
        svg=risk_coverage_plot(wrong, each),
        alt="Share of wrong answers against the share of answers given, by each score",
        wide=True,
    )


def _notices(name: str, found: Judged, figures: Figures) -> Iterator[Notice]:
    gaps = [figures[f"{score}-{HEAD}|wrong_auroc"] for score in found.scores[1:]]
    if found.powered and not all(gap.lo > 0 for gap in gaps):
        yield Notice(
            "note",
            f"The head '{name}' is not shown to tell wrong answers better than the judged head's "
            "own output does.",
        )


def _tracked(
    name: str, figures: Figures, quality: QualityFigures | None
) -> Iterator[tuple[str, Interval]]:
    for label, interval in figures.items():
        who, _, figure = label.rpartition("|")
        if who in ("", HEAD):
            yield key(name, figure), interval
        elif who.endswith(f"-{HEAD}") and figure in ("wrong_auroc", "aurc"):
            yield key(name, f"{figure}_minus_{who.removesuffix(f'-{HEAD}')}"), interval
    if quality is not None and quality.auroc is not None:
        yield key(name, f"quality_auroc_{quality.against}"), quality.auroc
    if quality is not None and quality.gain is not None:
        yield key(name, "quality_auroc_minus_score"), quality.gain
