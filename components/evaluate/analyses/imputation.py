"""Imputation: are absent embeddings imputed any better than by their mean, and how surely?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from components.core.data.cohort import Rows
from components.core.heads.registry import from_json
from components.core.imputation.figures import (
    OVERALL,
    cosine_columns,
    coverage_columns,
    error_figures,
    mean_figures,
    of,
    pair_counts,
)
from components.core.imputation.pairs import ERROR
from components.core.imputation.peers import PEERS
from components.core.metrics.interval import Interval
from components.core.modalities import short_name
from components.core.planted_factors import PlantedFactors
from components.core.planted_truth import truth_factors
from components.core.progress import progress
from components.core.report.section import Plot, Section, Table
from components.evaluate.analysis import Context
from components.evaluate.heads.tables import ROW_KEYS, WEIGHT_PREFIX, key
from components.evaluate.imputation.downstream import WHOLE, Worth, answers_frame, worth
from components.evaluate.imputation.hidden import (
    BEST,
    BY_OUTCOME,
    BY_VALUE,
    FIRST,
    LAST,
    SHRANK,
    Judged,
    judge,
)
from components.evaluate.imputation.plots import coverage_plot, errors_plot
from components.evaluate.imputation.setting import held_out_rows
from components.evaluate.imputation.tables import (
    cosine_table,
    coverage_table,
    errors_table,
    gains_table,
    worth_table,
)
from components.evaluate.imputation.words import (
    HOW,
    active_words,
    coverage_words,
    mending_words,
    notices,
    rounds_words,
    verdict,
)

NAME = "imputation"
ORDER = 31
_HOW_HIDDEN = {BY_VALUE: "by its own value", BY_OUTCOME: "by the outcome"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """All figures.

    Attributes:
        ways: beside the model.
        errors: of embeddings hidden alone.
        half: of half of them hidden at once.
        cosines: hidden alone.
        coverage: how hidden → shares of entries within intervals.
        counts: how hidden → embeddings and patients.
        rounds: SD over rounds.
        worth: to the heads.
    """

    ways: tuple[str, ...]
    errors: Mapping[str, Interval]
    half: Mapping[str, Interval]
    cosines: Mapping[str, Interval]
    coverage: Mapping[str, Mapping[str, Interval]]
    counts: Mapping[str, Mapping[str, tuple[int, int]]]
    rounds: Mapping[str, Interval]
    worth: tuple[Worth, ...]


def applies(context: Context) -> bool:
    """Return whether the model imputes; one modality by itself has nothing to be imputed from."""
    return any(len(own.names) > 1 for own in context.imputers.values())


def analyse(context: Context) -> Section:
    """Return errors against the mean and simple peers, coverage, and what it is worth to heads."""
    rows = {fold: held_out_rows(context.stages, fold, context.opening)
            for fold in context.imputers}  # fmt: skip
    seed = context.plan.seed
    judged = judge(dict(context.imputers), rows, seed=seed, planted=_planted(context))
    found = _found(context, judged, _worth(context, rows, seed))
    others = {_HOW_HIDDEN[why]: found.coverage[why] for why in _HOW_HIDDEN if why in found.coverage}
    return Section(
        name=NAME,
        title="Are absent embeddings imputed well?",
        text=(
            verdict(found.errors),
            coverage_words(found.coverage["alone"], others),
            HOW,
            rounds_words(found.rounds, judged.rounds),
            *active_words(judged.active),
            *mending_words(context.imputers),
        ),
        tables=tuple(_tables(found, judged)),
        plots=(
            Plot(
                name="imputation_error", wide=True,
                svg=errors_plot(found.errors, judged.names, found.ways),
                alt="Error of imputed embeddings relative to the training mean, with intervals",
            ),
            Plot(
                name="imputation_coverage",
                svg=coverage_plot(found.coverage["alone"], judged.names),
                alt="Share of entries within intervals against their nominal share",
            ),
        ),
        notices=notices(found.errors),
        figures=dict(_tracked(found, judged)),
    )  # fmt: skip


def _planted(context: Context) -> PlantedFactors | None:
    """Return the planted joint distribution, which is that of patches' means and no other pool."""
    pool = context.task.preprocess.embeddings.pool
    return truth_factors(context.stages.ingest) if pool == "mean" else None


def _worth(context: Context, rows: Mapping[str, Rows], seed: int) -> tuple[Worth, ...]:
    heads = from_json(context.stages.train.facts["heads"])
    with progress("evaluate: heads on imputed embeddings", len(rows), "folds") as advance:
        parts: list[pd.DataFrame] = []
        for fold, imputer in context.imputers.items():
            parts.append(answers_frame(imputer, rows[fold], heads, fold=fold, seed=seed))
            advance(1)
    frame = pd.concat(parts, ignore_index=True)
    names = [c.removeprefix("y.") for c in frame.columns if c.startswith("y.")]
    return tuple(
        worth(frame, name, context.plan, weight=_weight(context, frame, name),
              folded=context.tables.folded)
        for name in names
    )  # fmt: skip


def _weight(context: Context, frame: pd.DataFrame, head: str) -> pd.Series | None:
    """Return the weights of a head's censoring by row; None where its truth is not censored."""
    if head == context.stages.train.facts["head"]:
        return frame["weight"]
    column = f"{WEIGHT_PREFIX}{head}"
    if context.heads is None or column not in context.heads:
        return None
    own = context.heads[[*ROW_KEYS, column]]
    joined = frame[ROW_KEYS].merge(own, on=ROW_KEYS, how="left", validate="one_to_one")
    return joined[column].fillna(0.0)


def _found(context: Context, judged: Judged, worths: tuple[Worth, ...]) -> Found:
    names, plan = judged.names, context.plan
    ways = (*PEERS, BEST) if f"{ERROR}{BEST}" in judged.alone else PEERS
    parts = {"alone": judged.alone, "half": judged.half}
    parts |= {why: judged.alone[judged.alone[why]] for why in _HOW_HIDDEN}
    parts = {how: frame for how, frame in parts.items() if len(frame)}
    rounds = {"sd_first": FIRST, "sd_last": LAST, "sd_shrank": SHRANK}
    return Found(
        ways=ways,
        errors=error_figures(judged.alone, names, ways, plan),
        half=error_figures(judged.half, names, PEERS, plan),
        cosines=mean_figures(judged.alone, names, cosine_columns(ways), plan),
        coverage={
            how: mean_figures(frame, names, coverage_columns(), plan)
            for how, frame in parts.items()
        },
        counts={how: pair_counts(frame, names) for how, frame in parts.items()},
        rounds=mean_figures(judged.alone, names, rounds, plan),
        worth=worths,
    )


def _tables(found: Found, judged: Judged) -> Iterator[Table]:
    names = judged.names
    yield errors_table(found.errors, found.counts["alone"], names, found.ways)
    yield gains_table(found.errors, names, PEERS)
    several = errors_table(found.half, found.counts["half"], names, PEERS)
    note = several.note.replace("each embedding hidden by itself", "half of what is there hidden")
    yield Table("Error with half of the embeddings hidden at once", several.header, several.rows,
                note)  # fmt: skip
    yield cosine_table(found.cosines, names, found.ways)
    hows = {
        "one at a time": "alone", "half at once": "half",
        **{f"more often {said}": why for why, said in _HOW_HIDDEN.items()},
    }  # fmt: skip
    parts = {said: (found.coverage[how], found.counts[how])
             for said, how in hows.items() if how in found.coverage}  # fmt: skip
    yield coverage_table(parts, names)
    yield worth_table(found.worth)


def _tracked(found: Found, judged: Judged) -> Iterator[tuple[str, Interval]]:
    for modality in (OVERALL, *judged.names):
        start = NAME if modality == OVERALL else f"{NAME}/{short_name(modality)}"
        figures = {
            **of(dict(found.errors), modality),
            **of(dict(found.cosines), modality),
            **of(dict(found.coverage["alone"]), modality),
        }
        for name, interval in figures.items():
            yield f"{start}/{name}", interval
    for how in ("half", *_HOW_HIDDEN):
        for name, interval in of(dict(found.coverage.get(how, {})), OVERALL).items():
            yield f"{NAME}/{how}/{name}", interval
    for name, interval in of(dict(found.half), OVERALL).items():
        yield f"{NAME}/half/{name}", interval
    for name, interval in of(dict(found.rounds), OVERALL).items():
        yield f"{NAME}/{name}", interval
    yield from _worth_tracked(found.worth)


def _worth_tracked(found: Sequence[Worth]) -> Iterator[tuple[str, Interval]]:
    for each in found:
        for way, figures in each.figures.items():
            name = "auroc_whole" if way == WHOLE else f"auroc_hidden_{way}"
            yield key(each.head, f"{NAME}/{name}"), figures["auroc"]
        for way, figures in each.gaps.items():
            yield key(each.head, f"{NAME}/auroc_minus_{way}"), figures["auroc"]
