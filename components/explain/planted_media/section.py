"""The section that compares explanations with what was planted in pictures, sounds and fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.core.metrics.interval import Interval, number
from components.core.report.section import Notice, Plot, Section, Table
from components.explain.pictures.means import DIGITS
from components.explain.planted import BLIND, Located
from components.explain.planted_media.order import Order
from components.explain.planted_media.shares import Share

_CAPTIONS = {
    "page": "ECG image: the boxes of the leads that carry the signal",
    "murmur": "Heart sound: the murmur, systole × its band",
    "third_sound": "Heart sound: the third sound, its time after S2 × its band",
}
_HEADER = ("method", "share", "spread evenly", "ratio to even", "drawn networks", "ratio to drawn",
           "each drawn network")  # fmt: skip
_TAUGHT = ("method", "share", "shuffled labels", "ratio to shuffled", "each network")
# The third sound takes less than a hundredth of the sound.
_DIGITS = 3
_INTERVALS = "95 % intervals by bootstrap over patients."
_TEXT = (
    "The share of |attribution| within an input that lies on a planted place, beside what an "
    "attribution spread evenly over that input would put there (over the picture without its "
    "padding, over the windows that are there). Pages are followed in angle and scale, sounds beat "
    "by beat.",
    "Any network draws attribution to where the ink and the loud sounds are. So the ratio to drawn "
    "networks (same architecture, parameters drawn anew, on the checked records) says more than "
    "the ratio to an even spread: above 1 the explanation points to what was learned. A ratio of 1 "
    "or below tells of a method that does not find the place, or of a network that did not learn "
    "it: where several methods agree, of the latter.",
)


def section(
    found: Mapping[str, Mapping[str, Share]],
    orders: Mapping[str, Order],
    *,
    sizes: Mapping[str, float],
    titles: Mapping[str, str],
    plots: Sequence[Plot] = (),
    unknown: Sequence[str] = (),
) -> Section:
    """Return the section.

    Figures: `planted_{share,even,over_even,share_drawn,over_drawn,share_control,ratio}/
    <place>/<method>` and `planted_order/<method>`.

    Args:
        found: place → method → its share.
        orders: method → its order of the variables.
        sizes: variable → planted size.
        titles: method → name in print.
        plots: pictures.
        unknown: variables whose planted unit nobody knows, for which there are no orders.
    """
    tables = [table for place, own in found.items() for table in _tables(place, own, titles)]
    figures: dict[str, Interval] = {}
    for place, own in found.items():
        for method, share in own.items():
            figures |= {f"{name}/{place}/{method}": one for name, one in _figures(share).items()}
    figures |= {f"planted_order/{name}": each.agreement for name, each in orders.items()}
    tables += [_order_table(orders, sizes, titles)] if orders else []
    return Section(
        name="planted-media",
        title="Does the explanation find what was planted in picture, sound and fields?",
        text=(*_TEXT, *([_ORDER] if orders else [])),
        tables=tuple(tables),
        plots=tuple(plots),
        notices=_notices(found, unknown),
        figures=figures,
    )


def _tables(place: str, own: Mapping[str, Share], titles: Mapping[str, str]) -> list[Table]:
    rows = tuple((titles[name], *_cells(each)) for name, each in own.items())
    tables = [Table(_CAPTIONS[place], _HEADER, rows, _INTERVALS)]
    taught = tuple((titles[name], each.share.text(_DIGITS), *_beside(each.taught))
                   for name, each in own.items() if each.taught)  # fmt: skip
    if taught:
        caption = f"{_CAPTIONS[place]}, beside networks trained on shuffled labels"
        tables.append(Table(caption, _TAUGHT, taught, _INTERVALS))
    return tables


def _cells(each: Share) -> tuple[str, ...]:
    own = (each.share.text(_DIGITS), each.even.text(_DIGITS), each.over_even.text(2))
    return (*own, *_beside(each.drawn))


def _beside(own: Located | None) -> tuple[str, ...]:
    """Return share of the networks, ratio to it, and each network's share, in print."""
    if own is None or own.control is None or own.ratio is None:
        return ("—", "—", "—")
    return (own.control.text(_DIGITS), own.ratio.text(2), own.cells()[-1])


def _figures(each: Share) -> dict[str, Interval]:
    own = {
        "planted_share": each.share,
        "planted_even": each.even,
        "planted_over_even": each.over_even,
        "planted_share_drawn": each.drawn and each.drawn.control,
        "planted_over_drawn": each.drawn and each.drawn.ratio,
        "planted_share_control": each.taught and each.taught.control,
        "planted_ratio": each.taught and each.taught.ratio,
    }
    return {name: interval for name, interval in own.items() if interval is not None}


_ORDER = (
    "Of the clinical fields the mechanism knows the liability of each; planted size is liability "
    "per SD of the training part, 0 for what it does not know. Spearman over variables compares it "
    "with the mean |attribution|. A field that stands for others, or a rare one, may rank "
    "elsewhere without fault of the explanation."
)


def _order_table(
    orders: Mapping[str, Order], sizes: Mapping[str, float], titles: Mapping[str, str]
) -> Table:
    ranked = sorted(sizes, key=lambda name: (-sizes[name], name))
    rows = [
        (name, number(sizes[name], 2),
         *(number(each.absolute.get(name, float("nan")), DIGITS) for each in orders.values()))
        for name in ranked
    ]  # fmt: skip
    agreements = ("Spearman with the planted size", "—",
                  *(each.agreement.text(2) for each in orders.values()))  # fmt: skip
    most = ("the highest that is possible", "—",
            *(number(each.most, 2) for each in orders.values()))  # fmt: skip
    return Table(
        "Clinical fields: planted size and mean |attribution|, log-odds",
        ("field", "planted", *(titles[name] for name in orders)),
        (*rows, agreements, most),
        f"{_INTERVALS} Fields of the same planted size are tied: 1 is out of reach.",
    )


def _notices(
    found: Mapping[str, Mapping[str, Share]], unknown: Sequence[str]
) -> tuple[Notice, ...]:
    told: list[Notice] = []
    every = [each for own in found.values() for each in own.values()]
    blind = max((_blind(each.drawn) + _blind(each.taught) for each in every), default=0)
    if blind:
        text = (
            f"Up to {blind} network(s) that a planted place was compared with hardly look at it "
            f"(less than {BLIND:.0%} of the model's |attribution|) and are left out there."
        )
        told.append(Notice("note", text))
    if unknown:
        text = (
            f"The planted unit of {', '.join(unknown)} is not known here: the order of the "
            "clinical fields was not compared."
        )
        told.append(Notice("note", text))
    return tuple(told)


def _blind(own: Located | None) -> int:
    return 0 if own is None else own.blind
