"""Stress matrix: every subset of the embeddings, endpoint by endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from components.core.contribution_doubts import untaught_tokens
from components.core.contribution_facts import read
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.modalities import EMBEDDED, TITLES
from components.core.report.section import Notice, Plot, Section, Table
from components.evaluate.analyses.input_subsets import patterns_table
from components.evaluate.analysis import Context
from components.evaluate.heads.tables import key
from components.evaluate.inputs.stress import stressed
from components.evaluate.inputs.subsets import (
    Pattern,
    lost_of,
    pattern_figures,
    patterns,
    subsets,
)
from components.evaluate.report.subset_matrix import Line, subset_matrix
from components.evaluate.report.wording import percent
from components.evaluate.robustness.figures import Disturbed, Found
from components.evaluate.robustness.modalities import check_count
from components.evaluate.robustness.setting import inputs_of

NAME = "stress_matrix"
ORDER = 49


def applies(context: Context) -> bool:
    """Return whether the model, on its own cohort, has several inputs and one is an embedding."""
    inputs = inputs_of(context)
    return (
        not context.external
        and len(inputs) > 1
        and "ecg" not in inputs  # required: `robustness` tries its subsets
        and any(name in EMBEDDED for name in inputs)
        and context.task.evaluate.robustness.modalities
    )


def analyse(context: Context) -> Section:
    """Return every subset's AUROC for each endpoint, and what the records lack anyway.

    Raises:
        ConfigError: there are more inputs than subsets can be tried of.
    """
    inputs = inputs_of(context)
    check_count(inputs)
    found = stressed(context, inputs)
    there = patterns(context.predictions, context.tests, inputs, context.plan)
    svg = subset_matrix(
        list(_lines(found, inputs)), {name: _short(name) for name in inputs}, title="AUROC"
    )
    return Section(
        name=NAME,
        title="What is left with fewer of the inputs?",
        text=tuple(_words(context, found, inputs)),
        tables=(_table(found, inputs), patterns_table(there)),
        plots=(
            Plot(name=NAME, svg=svg, alt="AUROC with interval by the inputs that are there, for "
                 "each endpoint", wide=True),
        ),
        notices=tuple(_notices(found, inputs)),
        figures=dict(_tracked(found, there, _primary(context))),
        kept={NAME: _kept(found, inputs)},
    )  # fmt: skip


def _primary(context: Context) -> str:
    return str(context.stages.train.facts["head"])


def _ordered(found: Mapping[str, Found], inputs: Sequence[str]) -> list[int]:
    """Return the subsets from many inputs to few, among equals from the best AUROC to the worst."""
    first, kept = next(iter(found.values())), list(subsets(inputs))

    def place(number_: int) -> tuple[int, float]:
        interval = _auroc(first.disturbed[number_])
        return len(kept[number_]), -1.0 if interval is None else interval.value

    return sorted(range(len(kept)), key=place, reverse=True)


def _lines(found: Mapping[str, Found], inputs: Sequence[str]) -> Iterator[Line]:
    kept = list(subsets(inputs))
    faint = tuple(name for name, each in found.items() if not each.powered)
    whole = {name: each.base["auroc"] for name, each in found.items()}
    yield Line(kept=tuple(inputs), figures=whole, faint=faint)
    for place in _ordered(found, inputs):
        figures = {name: _auroc(each.disturbed[place]) for name, each in found.items()}
        yield Line(kept=kept[place], figures=figures, faint=faint)


def _auroc(each: Disturbed) -> Interval | None:
    return each.figures.get("auroc")


def _words(context: Context, found: Mapping[str, Found], inputs: Sequence[str]) -> Iterator[str]:
    yield (
        f"All {2 ** len(inputs) - 1} subsets of the {len(inputs)} inputs, asked of the same "
        "networks: an input that is taken away is absent as in use, and the network deals with it "
        "as it does there. A patient counts under a subset who has one of its inputs; the others "
        "are left out of that row. Changes are minus all inputs, on the same draws of the same "
        "patients; the intervals are not corrected for the number of subsets."
    )
    for name, each in found.items():
        all_ = each.records == each.of_records
        drawn = "" if all_ else f" drawn from {each.of_records:,}"
        yield (
            f"{name}: {each.records:,} test records{drawn}, {each.patients:,} patients, "
            f"{each.events:,} with the event, prevalence {percent(each.prevalence)}."
        )
        if "brier" not in each.base:
            yield (
                f"{name}: Brier scores are left out, since some fold's validation patients are all "
                "of one class and teach no recalibration."
            )
    yield (
        "Disturbances of a signal (leads, noise, sampling rate) are not tried: no input is a "
        "recording."
    )
    for clause in untaught_tokens(read(context.stages.train.facts)):
        yield f"Read with care: {clause}."
    if context.tables.folded:
        yield "Under cross-validation the first repeat alone is used; AUROC is within folds."


def _table(found: Mapping[str, Found], inputs: Sequence[str]) -> Table:
    header = ["Inputs"]
    for name in found:
        header += [f"{name}: patients (events)", "AUROC", "Minus all inputs"]
    kept = list(subsets(inputs))
    first = ["all"]
    for each in found.values():
        first += [f"{each.patients:,} ({each.events:,})", each.base["auroc"].text(), ""]
    rows = [tuple(first)]
    for place in _ordered(found, inputs):
        row = [", ".join(_short(name) for name in kept[place])]
        for each in found.values():
            row += _cells(each.disturbed[place])
        rows.append(tuple(row))
    note = "Chance: AUROC 0.500. Inputs are named in short."
    return Table("Every subset of the inputs", tuple(header), tuple(rows), note)


def _short(name: str) -> str:
    return TITLES[name].removesuffix(" embedding")


def _cells(each: Disturbed) -> list[str]:
    if not each.figures:
        return ["0 (0)", "nobody has it", ""]
    sizes = f"{each.patients:,} ({each.events:,})"
    return [sizes, each.figures["auroc"].text(), each.figures["auroc_diff"].text()]


def _notices(found: Mapping[str, Found], inputs: Sequence[str]) -> Iterator[Notice]:
    few = [name for name, each in found.items() if not each.powered]
    if few:
        yield Notice(
            "warning",
            f"The stress matrix of {', '.join(few)} is underpowered: fewer than {RARE_PATIENTS} "
            "patients in one class.",
        )
    for name, each in found.items():
        worst = _worst(each, inputs)
        if worst is not None and worst.figures["auroc_diff"].hi < 0:
            gap = worst.figures["auroc_diff"]
            yield Notice(
                "note",
                f"{name}: of single inputs taken away one costs most; with {worst.condition.title} "
                f"left the AUROC changes by {gap.text()}.",
            )


def _worst(found: Found, inputs: Sequence[str]) -> Disturbed | None:
    """Return the subset of all inputs but one that costs most; None where none has a figure."""
    one = [
        each
        for kept, each in zip(subsets(inputs), found.disturbed, strict=True)
        if len(kept) == len(inputs) - 1 and each.figures
    ]
    return min(one, key=lambda each: each.figures["auroc_diff"].value, default=None)


def _tracked(
    found: Mapping[str, Found], there: Sequence[Pattern], primary: str
) -> Iterator[tuple[str, Interval]]:
    for head, each in found.items():
        for one in each.disturbed:
            for name, interval in one.figures.items():
                own = f"robustness/{one.condition.key}/{name}"
                yield (own if head == primary else key(head, own)), interval
    yield from pattern_figures(there)


def _kept(found: Mapping[str, Found], inputs: Sequence[str]) -> pd.DataFrame:
    """Return one row per head and subset: a flag per input, sizes, AUROC, AUPRC and Brier score."""
    kept = list(subsets(inputs))
    rows: list[dict[str, object]] = []
    for head, each in found.items():
        every = [(tuple(inputs), (each.patients, each.events), each.base)]
        every += [(k, (one.patients, one.events), one.figures)
                  for k, one in zip(kept, each.disturbed, strict=True)]  # fmt: skip
        for there, (patients, events), figures in every:
            flags = {name: name in there for name in inputs}
            bounds = {
                f"{name}{end}": value
                for name, i in figures.items()
                for end, value in (("", i.value), ("_lo", i.lo), ("_hi", i.hi))
            }
            rows.append({"head": head, **flags, "lost": len(lost_of(there, inputs)),
                         "patients": patients, "events": events, **bounds})  # fmt: skip
    return pd.DataFrame(rows)
