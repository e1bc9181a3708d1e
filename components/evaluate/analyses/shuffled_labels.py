"""A control with shuffled labels says what it is, and whether it came out at chance."""

from __future__ import annotations

from components.core.control import is_control
from components.core.metrics.tables import headline_figures
from components.core.report.section import Notice, Section
from components.evaluate.analysis import Context

NAME = "shuffled_labels"
ORDER = 0


def applies(context: Context) -> bool:
    """Return whether the labels were shuffled."""
    return is_control(context.stages.cohort)


def analyse(context: Context) -> Section:
    """Return the warning, and the AUROC against chance."""
    seed = context.stages.cohort.facts["labels_shuffled"]
    found = headline_figures(context.tables, "logit", context.plan)["auroc"]
    verdict = (
        "holds chance (0.500), as it should: nothing about the labels reached the model but the "
        "labels of its own training patients"
        if found.lo <= 0.5 <= found.hi
        else "leaves out chance (0.500). One control in twenty does; if others do too, something "
        "ties the labels to the inputs that should not"
    )
    return Section(
        name=NAME,
        title="Control with shuffled labels",
        text=(f"The AUROC is {found.text()}; its interval {verdict}.",),
        notices=(
            Notice(
                "warning",
                f"Control: the labels were shuffled among the patients (seed {seed}), so that "
                "nothing can be learned. Such a run is neither registered nor promoted.",
            ),
        ),
    )
