"""A bundle's clinical fields: what training saw of each, and what of a row is not taken as sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from components.core.bundle_inputs import Row, known
from components.core.cells import Kind
from components.core.data.tabular import CategoricalColumn, NumericColumn, TabularEncoder


@dataclass(frozen=True, kw_only=True)
class FieldFact:
    """A clinical field, as the networks of a bundle take it.

    Attributes:
        name: of the field.
        kind: `numeric` or `categorical`.
        low: a number below it is held at a bound by every network. The bound is no patient's
            value: it lies 3 SDs of the training records below the least of them
            (`components.core.data.tabular.fit_tabular`), so that an age's may be negative. None of
            a category, and where no network encodes the field.
        high: the same above.
        levels: categories that some network encodes, sorted; others count as missing. Empty of a
            number, and where no network encodes the field: a category needs five training records.
    """

    name: str
    kind: Kind
    low: float | None = None
    high: float | None = None
    levels: tuple[str, ...] = ()


def field_facts(
    stats: Sequence[TabularEncoder], features: Mapping[str, str]
) -> tuple[FieldFact, ...]:
    """Return what the networks' training parts say of every field, in the order of `features`.

    Networks of several folds differ: bounds are the widest, categories those of any of them. A
    network leaves out a field that was constant in its training part; one that all leave out is
    listed without bounds and categories.

    Args:
        stats: encoders of the networks.
        features: field → kind, as a bundle's facts have them.
    """
    return tuple(_fact(stats, name, kind) for name, kind in features.items())


def _fact(stats: Sequence[TabularEncoder], name: str, kind: str) -> FieldFact:
    if kind == "categorical":
        own = [c.levels for each in stats for c in each.categorical if c.name == name]
        return FieldFact(name=name, kind="categorical", levels=tuple(sorted({*chain(*own)})))
    numbers = [c for each in stats for c in each.numeric if c.name == name]
    return FieldFact(
        name=name,
        kind="numeric",
        low=min((c.low for c in numbers), default=None),
        high=max((c.high for c in numbers), default=None),
    )


def fields_note(encoders: Sequence[TabularEncoder], row: Row) -> str:
    """Return which fields count as missing or are held at an edge; empty where none is.

    Values are not repeated: a text in the wrong field may be a name.

    Args:
        encoders: of the networks; what one of them does not take as it is, is told.
        row: of a request whose fields could be read.
    """
    found: dict[str, str] = {}
    for encoder in encoders:
        for column in (*encoder.numeric, *encoder.categorical):
            value = known(row.get(column.name), column.name)
            said = "" if value is None else _remark(column, value)
            if said:
                found.setdefault(column.name, said)
    return "; ".join(found.values())


def _remark(column: NumericColumn | CategoricalColumn, value: object) -> str:
    if isinstance(column, CategoricalColumn):
        if str(value) in column.levels:
            return ""
        return (
            f"{column.name} is none of the categories of training ({', '.join(column.levels)}) and "
            "counts as missing"
        )
    number = float(str(value))
    if number < column.low:
        return f"{column.name} is far below those of training and counts as {column.low:.4g}"
    if number > column.high:
        return f"{column.name} is far above those of training and counts as {column.high:.4g}"
    return ""
