"""The section that compares explanations with what was planted in embeddings."""

from __future__ import annotations

from collections.abc import Mapping

from components.core.metrics.interval import Interval
from components.core.modalities import TITLES, short_name
from components.core.report.section import Notice, Section, Table
from components.explain.pictures.means import DIGITS
from components.explain.planted_embeddings.directions import Direction
from components.explain.planted_embeddings.shares import Shares

ALL = "all"
_NAME, _TITLE = (
    "planted-embeddings",
    "Does the explanation find what was planted in the embeddings?",
)
_INTERVALS = "95 % intervals by bootstrap over patients."
_TEXT = (
    "What the embeddings of a patient tell of the risk at best is a sum over them, known in closed "
    "form: the planted part of each is what a perfect linear model would attribute to it, given "
    "which of the embeddings the patient has and their quality. Shares are of sums of magnitudes "
    "over records. A network may spread what several embeddings share in another way and answer "
    "as well; and by ablation or Shapley values what others can stand in for counts otherwise.",
)
_DIRECTIONS = (
    "Integrated Gradients along the planted direction of an embedding (the weights that the best "
    "linear model gives to its entries), as a share of the attribution along and across it. Random "
    "directions have the same length; those that the factors move span what varies among patients "
    "beside noise, of risk or not. Above the latter, the network tells risk from what else varies."
)


def section(
    found: Mapping[str, Shares],
    directions: Mapping[str, Direction],
    *,
    titles: Mapping[str, str],
) -> Section:
    """Return the section.

    Figures: `planted_{share,part,over_part}/<embedding>/<method>`, `planted_order/<method>`,
    `planted_follows/<method>` and `planted_{direction,direction_random,direction_moved,
    direction_over_random,direction_over_moved}/<embedding or all>`.

    Args:
        found: method → its shares.
        directions: modality or `ALL` → how Integrated Gradients run along what was planted; empty
            where that method did not run.
        titles: method → name in print.
    """
    figures: dict[str, Interval] = {}
    for method, own in found.items():
        figures |= _share_figures(own, method)
    for name, own in directions.items():
        figures |= {f"{key}/{_short(name)}": each for key, each in _direction_figures(own).items()}
    tables = [_shares_table(own, titles[method]) for method, own in found.items()]
    tables += [_agreement_table(found, titles)]
    tables += [_directions_table(directions)] if directions else []
    return Section(
        name=_NAME,
        title=_TITLE,
        text=(*_TEXT, *([_DIRECTIONS] if directions else [])),
        tables=tuple(tables),
        figures=figures,
    )


def without_truth(reason: str) -> Section:
    """Return what stands in the section's place where the truth cannot be compared with.

    Args:
        reason: as the sentence begins.
    """
    text = f"{reason}: the explanation was not compared with what was planted in the embeddings."
    return Section(name=_NAME, title=_TITLE, text=(text,), notices=(Notice("note", text),))


def _short(name: str) -> str:
    return name if name == ALL else short_name(name)


def _share_figures(own: Shares, method: str) -> dict[str, Interval]:
    found = {f"planted_order/{method}": own.order, f"planted_follows/{method}": own.follows}
    for name, each in own.each.items():
        place = f"{_short(name)}/{method}"
        found |= {
            f"planted_share/{place}": each.share,
            f"planted_part/{place}": each.planted,
            f"planted_over_part/{place}": each.ratio,
        }
    return found


def _direction_figures(own: Direction) -> dict[str, Interval]:
    return {
        "planted_direction": own.share,
        "planted_direction_random": own.random,
        "planted_direction_moved": own.moved,
        "planted_direction_over_random": own.over_random,
        "planted_direction_over_moved": own.over_moved,
    }


def _shares_table(own: Shares, title: str) -> Table:
    rows = tuple(
        (TITLES[name], f"{each.records:,}", each.share.text(DIGITS), each.planted.text(DIGITS),
         each.ratio.text(2))
        for name, each in own.each.items()
    )  # fmt: skip
    note = f"{own.records:,} records of {own.patients:,} patients. {_INTERVALS}"
    header = ("embedding", "records", "share", "planted share", "ratio")
    return Table(f"Attribution by embedding: {title}", header, rows, note)


def _agreement_table(found: Mapping[str, Shares], titles: Mapping[str, str]) -> Table:
    rows = tuple(
        (titles[method], own.order.text(2), own.follows.text(2)) for method, own in found.items()
    )
    note = (
        f"Embeddings: Spearman of share and planted share. Patients: rank correlation, with sign, "
        f"over every record and embedding that it has. 1 is the planted order. {_INTERVALS}"
    )
    return Table(
        "Agreement with what was planted", ("method", "embeddings", "patients"), rows, note
    )


def _directions_table(directions: Mapping[str, Direction]) -> Table:
    rows = tuple(
        ("all together" if name == ALL else TITLES[name], f"{own.records:,}",
         own.share.text(DIGITS), own.random.text(DIGITS), own.over_random.text(1),
         own.moved.text(DIGITS), own.over_moved.text(2))
        for name, own in directions.items()
    )  # fmt: skip
    header = ("embedding", "records", "planted direction", "random", "ratio",
              "random, moved by factors", "ratio")  # fmt: skip
    return Table("Attribution along the planted directions", header, rows, _INTERVALS)
