"""Where in the beat the model looks, before where networks taught nothing look.

Of real recordings nobody knows where the signal lies; but a model of conduction disease that puts
no more on QRS than the same network taught shuffled labels has not learned it there.
"""

from __future__ import annotations

from collections.abc import Sequence

from components.core.attribution.groups import SEGMENTS
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import Plan
from components.core.report.section import Section, Table
from components.explain.against_controls import Compared
from components.explain.planted import Located, Place
from components.explain.planted_section import blind_notices

_HEADER = ("segment", "share", "share in controls", "ratio", "each control network")
_TEXT = (
    "The share of |attribution| that lies on each segment of the beats, over all leads, beside the "
    "same for networks that were trained on shuffled labels, on the same records, their "
    "|attribution| pooled. Any network "
    "draws attribution to where the amplitude is; what differs was learned from the labels."
)


def section(found: Sequence[Compared], leads: tuple[str, ...], plan: Plan) -> Section:
    """Return the section; figures are `segment_share/<segment>/<method>` and `segment_ratio/…`.

    Args:
        found: one per method, with control networks.
        leads: of the tensors.
        plan: of every interval.
    """
    shares = {
        each.method: {name: each.located(_whole(leads, name), plan) for name in SEGMENTS}
        for each in found
    }
    tables = tuple(
        Table(f"{each.title}: share of each segment", _HEADER, _rows(shares[each.method]),
              "95 % intervals by bootstrap over patients. Of each control network: its share, and "
              "its |attribution| in per cent of the model's.")
        for each in found
    )  # fmt: skip
    figures: dict[str, Interval] = {}
    for method, own in shares.items():
        for name, located in own.items():
            figures[f"segment_share/{name}/{method}"] = located.share
            if located.ratio is not None:
                figures[f"segment_ratio/{name}/{method}"] = located.ratio
    return Section(
        name="controls",
        title="Does the model look elsewhere than networks that were taught nothing?",
        text=(_TEXT,),
        tables=tables,
        notices=blind_notices(
            (each for own in shares.values() for each in own.values()), "the comparison"
        ),
        figures=figures,
    )


def _whole(leads: tuple[str, ...], segment: str) -> Place:
    cells = tuple(f"{lead} {segment}" for lead in leads)
    return Place(leads=leads, cells=cells, held=float("nan"))


def _rows(own: dict[str, Located]) -> tuple[tuple[str, ...], ...]:
    return tuple((name, *located.cells()) for name, located in own.items())
