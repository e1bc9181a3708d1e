"""What of a row's clinical fields a network does not take as it was sent, in words."""

from __future__ import annotations

from collections.abc import Sequence

from components.core.bundle_inputs import Row, known
from components.core.data.tabular import CategoricalColumn, NumericColumn, TabularEncoder


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
