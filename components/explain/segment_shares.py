"""Where in the beat the model looks, before where networks taught nothing look.

Two questions: where it looks (shares), and what it makes of it (contrasts). On recordings with
conduction disease a network taught the truth put a smaller share on QRS than networks taught
nothing, and told the sick by QRS alone (docs/faithfulness.md): shares need contrasts beside them.
"""

from __future__ import annotations

from collections.abc import Sequence

from components.core.attribution.groups import SEGMENTS
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import Plan
from components.core.report.section import Section, Table
from components.explain.against_controls import Compared
from components.explain.contrasts import contrasts
from components.explain.planted import Located, Place
from components.explain.planted_section import blind_notices

_HEADER = ("segment", "share", "share in controls", "ratio", "each control network")
_CONTRAST = ("segment", "contrast", "each control network")
_TEXT = (
    "The share of |attribution| that lies on each segment of the beats, over all leads, beside the "
    "same for networks that were trained on shuffled labels, on the same records, their "
    "|attribution| pooled. Any network draws attribution to where the amplitude is; what differs "
    "was learned from the labels.",
    "The contrast is the mean attribution of records with the event minus that of records without "
    "it, in log-odds: by which segment the model tells them apart. Of networks that were taught "
    "nothing it is what the chance of their training gives, in either direction.",
)


def section(found: Sequence[Compared], leads: tuple[str, ...], plan: Plan) -> Section:
    """Return the section.

    Figures: `segment_share/<segment>/<method>`, `segment_ratio/…` and `segment_contrast/…`.

    Args:
        found: one per method, with control networks.
        leads: of the tensors.
        plan: of every interval.
    """
    shares = {
        each.method: {name: each.located(_whole(leads, name), plan) for name in SEGMENTS}
        for each in found
    }
    tables = [
        Table(f"{each.title}: share of each segment", _HEADER, _rows(shares[each.method]),
              "95 % intervals by bootstrap over patients. Of each control network: its share, and "
              "its |attribution| in per cent of the model's.")
        for each in found
    ]  # fmt: skip
    figures: dict[str, Interval] = {}
    for each in found:
        own = contrasts(each.own, each.truth, patients=each.patients, plan=plan)
        tables.append(_contrast_table(each, own, plan))
        figures |= {f"segment_contrast/{name}/{each.method}": own[name] for name in SEGMENTS}
    for method, own in shares.items():
        for name, located in own.items():
            figures[f"segment_share/{name}/{method}"] = located.share
            if located.ratio is not None:
                figures[f"segment_ratio/{name}/{method}"] = located.ratio
    return Section(
        name="controls",
        title="Does the model look elsewhere than networks that were taught nothing?",
        text=_TEXT,
        tables=tuple(tables),
        notices=blind_notices(
            (each for own in shares.values() for each in own.values()), "the comparison"
        ),
        figures=figures,
    )


def _contrast_table(found: Compared, own: dict[str, Interval], plan: Plan) -> Table:
    taught = [
        contrasts(each, found.truth, patients=found.patients, plan=plan) for each in found.networks
    ]
    rows = tuple(
        (name, own[name].text(2), ", ".join(each[name].text(2) for each in taught))
        for name in SEGMENTS
    )
    note = "Log-odds, with 95 % intervals by bootstrap over patients."
    return Table(f"{found.title}: with the event minus without it", _CONTRAST, rows, note)


def _whole(leads: tuple[str, ...], segment: str) -> Place:
    cells = tuple(f"{lead} {segment}" for lead in leads)
    return Place(leads=leads, cells=cells, held=float("nan"))


def _rows(own: dict[str, Located]) -> tuple[tuple[str, ...], ...]:
    return tuple((name, *located.cells()) for name, located in own.items())
