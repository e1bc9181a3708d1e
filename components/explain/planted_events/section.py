"""The section that compares explanations with the events that were planted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components.core.metrics.interval import Interval
from components.core.report.section import Notice, Section, Table
from components.explain.event_values import LEAST_PATIENTS
from components.explain.pictures.means import DIGITS
from components.explain.planted import Located
from components.explain.planted_events.facts import PlantedEvent
from components.explain.planted_section import blind_notices, few_controls, figures_of

_INTERVALS = "95 % intervals by bootstrap over patients."
_TEXT = (
    "Planted events move the risk within their window before the prediction and nowhere else. The "
    "share is that of |attribution| of single events that lies on them; {counted:.1%} of the "
    "events are such. The ratio is over the same share for networks trained on shuffled labels, "
    "their |attribution| pooled. Within over earlier compares one planted event within its window "
    "with the same event before it, which moves nothing: above 1 the explanation shows that the "
    "model learned when an event counts.",
    "By event: the mean over records that have it within its window of what methods give it, and "
    "of what the log-odds lose when it is taken out of the sequence, beside the planted log-odds. "
    "A network that is cautious, or lets other events stand in for it, has smaller ones; the sign "
    "must agree.",
)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What one planted event does, by what is said of it.

    Attributes:
        event: what was planted.
        said: method, or `TAKEN_OUT` → mean over the records that have it, log-odds.
        records: that have it within its window.
        patients: of these.
    """

    event: PlantedEvent
    said: Mapping[str, Interval]
    records: int
    patients: int


TAKEN_OUT = "taken_out"


def section(
    found: Mapping[str, Located],
    recent: Mapping[str, Interval],
    effects: Sequence[Effect],
    *,
    titles: Mapping[str, str],
    counted: float,
) -> Section:
    """Return the section.

    Figures: `planted_share`, `planted_share_control`, `planted_ratio` (as of the ECG's cells),
    `planted_within_over_earlier/<method>` and `planted_effect/<event>/<method or taken_out>`.

    Args:
        found: method → its share on planted events within their window.
        recent: method → an event within its window over the same before it.
        effects: one per planted event that enough patients have.
        titles: method → name in print.
        counted: share of the events that are planted and within their window.
    """
    own = {f"planted_within_over_earlier/{name}": each for name, each in recent.items()}
    for each in effects:
        own |= {f"planted_effect/{each.event.name}/{key}": said for key, said in each.said.items()}
    controls = min((len(each.controls) for each in found.values() if each.controls), default=0)
    return Section(
        name="planted-events",
        title="Does the explanation find the planted events?",
        text=(_TEXT[0].format(counted=counted).replace("%", " %"), _TEXT[1]),
        tables=(_shares(found, recent, titles), _effects(effects, titles)),
        notices=(
            *few_controls(controls, "planted events"),
            *blind_notices(
                found.values(), "the comparison with the planted truth", of="the events"
            ),
        ),
        figures={**figures_of(found), **own},
    )  # fmt: skip


def _shares(
    found: Mapping[str, Located], recent: Mapping[str, Interval], titles: Mapping[str, str]
) -> Table:
    rows = tuple(
        (titles[name], *each.cells(), recent[name].text(2)) for name, each in found.items()
    )
    header = ("method", "share", "share in controls", "ratio", "each control network",
              "within over earlier")  # fmt: skip
    note = (
        f"{_INTERVALS} How much controls differ by the chance of training is seen in their own "
        "column alone, where each network's share stands beside its |attribution| in per cent of "
        "the model's."
    )
    return Table("Attribution on planted events within their windows", header, rows, note)


def _effects(effects: Sequence[Effect], titles: Mapping[str, str]) -> Table:
    keys = list(effects[0].said) if effects else []
    header = ("planted event", "hours", "records", "planted log-odds",
              *(titles.get(key, "taken out") for key in keys))  # fmt: skip
    rows = tuple(
        (each.event.name, f"{each.event.window_hours:g}", f"{each.records:,}",
         f"{each.event.log_odds:+.1f}", *(each.said[key].text(DIGITS) for key in keys))
        for each in effects
    )  # fmt: skip
    note = f"{_INTERVALS} Those that fewer than {LEAST_PATIENTS} patients have are left out."
    return Table("What planted events do, mean log-odds", header, rows, note)


def not_found() -> Section:
    """Return what stands in the section's place where no record has a planted event."""
    text = "No explained record has a planted event: the explanation was not compared with them."
    return Section(
        name="planted-events", title="Does the explanation find the planted events?", text=(text,),
        notices=(Notice("note", text),),
    )  # fmt: skip
