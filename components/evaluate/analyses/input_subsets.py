"""Input subsets: what is left with fewer of pictures, sounds, events and clinical fields?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from components.core.contribution_doubts import untaught_tokens
from components.core.contribution_facts import read
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import RARE_PATIENTS
from components.core.modalities import EMBEDDED, EVENTS, listed
from components.core.progress import progress
from components.core.report.forest import Row, forest
from components.core.report.section import Plot, Section, Table
from components.evaluate.analysis import Context
from components.evaluate.inputs.masked import may_lack, never_lacked
from components.evaluate.inputs.subsets import (
    KIND,
    Pattern,
    condition,
    fold_frame,
    pattern_figures,
    patterns,
    spoken,
    subsets,
)
from components.evaluate.predictions import position
from components.evaluate.report.wording import percent
from components.evaluate.robustness.battery import draw
from components.evaluate.robustness.figures import Disturbed, Found, compare
from components.evaluate.robustness.modalities import check_count
from components.evaluate.robustness.setting import inputs_of, network_of

NAME = "input_subsets"
ORDER = 49


def applies(context: Context) -> bool:
    """Return whether the model, on its own cohort, has several inputs and needs none of them."""
    inputs = inputs_of(context)
    return (
        not context.external
        and len(inputs) > 1
        and "ecg" not in inputs  # required: `robustness` tries its subsets
        and may_lack(inputs)
        and not any(name in EMBEDDED for name in inputs)  # `stress_matrix` tries those
        and context.task.evaluate.robustness.modalities
    )


def analyse(context: Context) -> Section:
    """Return the figures of every subset with the paired difference from all inputs.

    Raises:
        ConfigError: there are more inputs than subsets can be tried of.
    """
    inputs = inputs_of(context)
    check_count(inputs)
    found = _found(context, inputs)
    there = patterns(context.predictions, context.tests, inputs, context.plan)
    svg = forest(
        list(_picture(found, inputs)), title="AUROC by the inputs that are there",
        line=found.base["auroc"].value, chance=0.5,
    )  # fmt: skip
    return Section(
        name=NAME,
        title="What if an input is missing?",
        text=tuple(_text(context, found)),
        tables=(_table(found, inputs), patterns_table(there)),
        plots=(Plot(name=NAME, svg=svg, alt="AUROC with interval, by inputs", wide=True),),
        figures=dict(_tracked(found, there)),
    )


def _found(context: Context, inputs: Sequence[str]) -> Found:
    config = context.task.evaluate.robustness
    tests = [test for test in context.tests if position(test.fold)[0] == 0]
    drawn = draw(tests, records=config.records, seed=config.seed)
    wanted = [condition(kept, inputs) for kept in subsets(inputs)]
    work = sum(map(len, drawn)) * (1 + len(wanted))
    with progress("evaluate: subsets of the inputs", work, "predictions") as advance:
        parts = [
            fold_frame(network_of(context, test.fold), test, index, inputs, advance=advance)
            for test, index in zip(tests, drawn, strict=True)
        ]
    frame = pd.concat(parts, ignore_index=True)
    available = sum(len(test.frame) for test in tests)
    return compare(frame, wanted, context.plan, of_records=available)


def _text(context: Context, found: Found) -> Iterator[str]:
    config = context.task.evaluate.robustness
    all_ = found.records == found.of_records
    drawn = "all" if all_ else f"drawn by seed {config.seed} from {found.of_records:,}"
    yield (
        f"The same networks on {found.records:,} test records ({drawn}), {found.patients:,} "
        f"patients, {found.events:,} with the event, prevalence {percent(found.prevalence)}. An "
        "input that is taken away is absent as in use: its token stands for it, never zeros in "
        "its place. A patient counts under a subset who has one of its inputs. Changes are minus "
        "all inputs, on the same draws of the same patients; the intervals are not corrected for "
        "the number of subsets."
    )
    inputs = inputs_of(context)
    if EVENTS not in inputs:
        yield (
            "Disturbances of the signal (leads, noise, sampling rate) are not tried: they are "
            "those of a digital ECG, which this model does not take."
        )
    never = never_lacked(context) if EVENTS in inputs else ()
    if never:
        yield (
            f"Read with care: of a network no training record lacked {listed(never)} and none was "
            "dropped, so that what stands in place of an absent one was never learned; set "
            "fit.modality_dropout above 0."
        )
    for clause in untaught_tokens(read(context.stages.train.facts)):
        yield f"Read with care: {clause}."
    if context.tables.folded:
        yield "Under cross-validation the first repeat alone is used."
    if not found.powered:
        yield f"Underpowered: fewer than {RARE_PATIENTS} patients in one class. Read the intervals."


def _table(found: Found, inputs: Sequence[str]) -> Table:
    header = (KIND, "Patients", "AUROC", "Minus all inputs", "Brier score", "Minus all inputs")
    base = found.base
    first = (f"{spoken(inputs)} (all)", f"{found.patients:,}", base["auroc"].text(), "",
             base["brier"].text(), "")  # fmt: skip
    note = "Chance: AUROC 0.500. Brier score: lower is better."
    rows = (first, *(_row(each) for each in found.disturbed))
    return Table("Every subset of the inputs", header, rows, note)


def _row(each: Disturbed) -> tuple[str, ...]:
    own = each.figures
    names = ("auroc", "auroc_diff", "brier", "brier_diff")
    texts = [own[name].text() if name in own else "nobody has it" for name in names]
    return (each.condition.title, f"{each.patients:,}", *texts)


def patterns_table(found: Sequence[Pattern]) -> Table:
    """Return the figures by what each test record really has."""
    rows = tuple(
        (
            spoken(each.kept) if each.kept else "nothing", f"{each.records:,}",
            f"{each.patients:,}", f"{each.events:,}",
            "a class has nobody" if each.auroc is None else each.auroc.text(),
            "" if each.powered else "underpowered",
        )
        for each in found
    )  # fmt: skip
    header = ("Inputs that they have", "Records", "Patients", "Events", "AUROC", "Remark")
    note = (
        "By what each record really has. The groups are different patients: their figures differ "
        "by who they are, too, and are not ranked."
    )
    return Table("Test records by what they lack", header, rows, note)


def _picture(found: Found, inputs: Sequence[str]) -> Iterator[Row]:
    yield Row(label=f"{spoken(inputs)} (all)", interval=found.base["auroc"], tone="reference")
    for each in found.disturbed:
        if each.figures:
            tone = "plain" if found.powered else "faint"
            yield Row(label=each.condition.title, interval=each.figures["auroc"], tone=tone)


def _tracked(found: Found, there: Sequence[Pattern]) -> Iterator[tuple[str, Interval]]:
    for each in found.disturbed:
        for name, interval in each.figures.items():
            yield f"robustness/{each.condition.key}/{name}", interval
    yield from pattern_figures(there)
