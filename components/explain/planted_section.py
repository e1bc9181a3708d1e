"""The section that compares explanations with what was planted in the synthetic cohort."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from components.core.metrics.interval import Interval
from components.core.report.section import Notice, Section, Table
from components.explain.planted import BLIND, LARGEST_AREA, Located, Place

# Its figures also stand without the method's name, for the tracking store.
HEADLINE = "ig"
# Control networks differ by chance: their range tells nothing of fewer.
_FEW = 3
_TITLE = "Does the explanation find what was planted?"


def section(found: Mapping[str, Located], *, titles: Mapping[str, str], where: Place, area: float
            ) -> Section:  # fmt: skip
    """Return the section.

    Figures: `planted_share`, `planted_share_control`, `planted_ratio`, each of `HEADLINE` under its
    plain name and of every method as `<figure>/<method>`.

    Args:
        found: method → its share on the planted cells.
        titles: method → name in print.
        where: the planted cells.
        area: share of the trace that they cover.
    """
    rows = tuple((titles[name], *each.cells()) for name, each in found.items())
    cells = ", ".join(where.cells)
    held, covered = (f"{100 * share:.0f} %" for share in (where.held, area))
    return Section(
        name="planted",
        title=_TITLE,
        text=(
            f"The smallest set of lead × segment cells with {held} of the planted energy is "
            f"{cells}: {covered} of the trace. The share is that of |attribution| on those cells.",
            "The ratio is over the same share for networks trained on shuffled labels, their "
            "|attribution| pooled: what lies on the planted cells because the amplitude is there "
            "is in both. Above 1 the explanation shows that the model learned where to look.",
        ),
        tables=(
            Table(
                "Attribution on the planted cells",
                ("method", "share", "share in controls", "ratio", "each control network"),
                rows,
                "95 % intervals by bootstrap over patients; how much controls differ by the chance "
                "of training is seen in the last column alone, where each network's share stands "
                "beside its |attribution| in per cent of the model's.",
            ),
        ),
        notices=_notices(found, area),
        figures=figures_of(found),
    )


def without_truth(unknown: tuple[str, ...], known: Iterable[str]) -> Section:
    """Return what stands in the section's place where the truth lacks leads of the tensors.

    Args:
        unknown: leads of which the truth says nothing.
        known: those of which it does.
    """
    text = (
        f"What was planted is not known of the lead(s) {', '.join(unknown)}: the explanation was "
        f"not compared with it. Prepare the cohort with {', '.join(known)} to compare."
    )
    return Section(name="planted", title=_TITLE, text=(text,), notices=(Notice("note", text),))


def _notices(found: Mapping[str, Located], area: float) -> tuple[Notice, ...]:
    told: list[Notice] = []
    if not area < LARGEST_AREA:
        text = (
            f"The planted cells cover {area:.0%} of the trace, {LARGEST_AREA:.0%} or more: a share "
            "on them says little. Plant the signal in fewer scores "
            "(ingest.options.synthetic.ecg_scores=[t_v5v6])."
        )
        told.append(Notice("note", text))
    controls = min((len(each.controls) for each in found.values()), default=0)
    told += few_controls(controls, "planted cells")
    return (*told, *blind_notices(found.values(), "the comparison with the planted truth"))


def few_controls(controls: int, where: str) -> tuple[Notice, ...]:
    """Return what a reader must know of few control networks, nothing of enough.

    Args:
        controls: how many there are.
        where: where the attribution of interest lies.
    """
    text = (
        f"Networks trained on shuffled labels that the planted truth was compared with: "
        f"{controls}. Name {_FEW} or more (control=<run>,<run>) to see what lies on the "
        f"{where} by itself, and how much that differs by chance."
    )
    return (Notice("note", text),) if controls < _FEW else ()


def blind_notices(
    found: Iterable[Located], where: str, *, of: str = "the ECG"
) -> tuple[Notice, ...]:
    """Return what a reader must know of networks that were left out, nothing where none were.

    Args:
        found: of which the largest number counts.
        where: what they were left out of.
        of: what they hardly look at.
    """
    blind = max((each.blind for each in found), default=0)
    text = (
        f"{blind} network(s) trained on shuffled labels hardly look at {of} (less than "
        f"{BLIND:.0%} of the model's |attribution|) and are left out of {where}."
    )
    return (Notice("note", text),) if blind else ()


def figures_of(found: Mapping[str, Located]) -> dict[str, Interval]:
    """Return the figures of methods' shares under their names in the tracking store."""
    told: dict[str, Interval] = {}
    for method, each in found.items():
        own = {
            "planted_share": each.share,
            "planted_share_control": each.control,
            "planted_ratio": each.ratio,
        }
        known = {name: interval for name, interval in own.items() if interval is not None}
        told |= {f"{name}/{method}": interval for name, interval in known.items()}
        told |= known if method == HEADLINE else {}
    return told
