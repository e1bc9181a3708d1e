"""Simple models of each input: what hand-made numbers or an embedding's entries are worth."""

from __future__ import annotations

from collections.abc import Sequence

from components.core.metrics.interval import number
from components.core.modalities import EMBEDDED, TITLES
from components.core.report.section import Notice, Section, Table
from components.evaluate.analysis import Context
from components.evaluate.event_features import MOST_ITEMS
from components.evaluate.inputs.masked import may_lack
from components.evaluate.inputs.simple import TOGETHER
from components.evaluate.inputs.simple_table import Rival, rivals
from components.evaluate.media_features import WIDTHS
from components.evaluate.robustness.setting import inputs_of

NAME = "simple_inputs"
ORDER = 33


def applies(context: Context) -> bool:
    """Return whether the model's inputs may be absent and simple models are asked for."""
    wanted = bool(context.task.evaluate.baselines)
    return wanted and not context.external and may_lack(inputs_of(context))


def analyse(context: Context) -> Section:
    """Return the simple models, each alone and together, and the model against the best of them."""
    found = rivals(context)
    best = max(found, key=lambda each: each.validation)
    return Section(
        name=NAME,
        title="Does it beat simple models of its inputs?",
        text=(how(inputs_of(context)), verdict(best)),
        tables=(_table(found, best),),
        notices=() if best.gap["auroc"].lo > 0 else (Notice("warning", verdict(best)),),
        figures={
            f"baseline/{_key(each.name)}/{name}{end}": interval
            for each in found
            for end, figures in (("", each.figures), ("_diff", each.gap))
            for name, interval in figures.items()
        },
    )


_NUMBERS = {
    "tabular": "the clinical fields",
    "pcg": f"{WIDTHS['pcg']} numbers of the heart sound (level and spread of ten bands, level in "
    "quiet over loud frames, shape and rhythm of the envelope)",
    "events": "counts and last values of the event sequence (how many events of each kind; of each "
    f"of at most {MOST_ITEMS} common items how many, the last number and when)",
    "ecg_image": f"{WIDTHS['ecg_image']} numbers of the picture (where on the page the ink is)",
}


def how(inputs: Sequence[str]) -> str:
    """Return what the simple models are, and on which numbers of the inputs."""
    told = [text for name, text in _NUMBERS.items() if name in inputs]
    if any(name in EMBEDDED for name in inputs):
        told.append("the entries of each embedding, of several vectors their mean")
    return (
        "Logistic regression fitted on the training part alone, its penalty chosen inside it: on "
        f"{'; on '.join(told)}; and on all together. The best is chosen by its AUROC on validation."
    )


def verdict(best: Rival) -> str:
    """Return in words whether the model beats the best of them."""
    gap = best.gap["auroc"]
    word = "beats" if gap.lo > 0 else "is not shown to beat" if gap.value > 0 else "does not beat"
    return (
        f"The model {word} the best simple model of its inputs ({_spoken(best.name)}, AUROC on "
        f"validation {number(best.validation)}): difference in AUROC {gap.text()}."
    )


def _key(name: str) -> str:
    return "inputs_together" if name == TOGETHER else f"{name}_alone"


def _spoken(name: str) -> str:
    return "all inputs together" if name == TOGETHER else f"the {TITLES[name]} alone"


def _table(found: Sequence[Rival], best: Rival) -> Table:
    header = ("Inputs", "AUROC on validation", "AUROC", "Model minus it", "AUPRC")
    rows = tuple(
        (
            f"{_title(each.name)}{' (best on validation)' if each is best else ''}",
            number(each.validation), each.figures["auroc"].text(), each.gap["auroc"].text(),
            each.figures["auprc"].text(),
        )
        for each in found
    )  # fmt: skip
    note = (
        "Chance: AUROC 0.500, AUPRC the prevalence. What a record lacks is set to the training "
        "mean."
    )
    return Table("Simple models by input", header, rows, note)


def _title(name: str) -> str:
    return "all together" if name == TOGETHER else TITLES[name]
