"""What the text of an event names, and the number in it, without a word of knowledge of medicine.

"Potassium 5.1 mEq/L (3.5–5.0) abnormal" is the item "potassium meq/l", the number 5.1 and the flag;
a range ("1-2") counts by its first number. The item is what is left of a text without numbers that
stand free, range of reference and flag; "Vitamin B12" and "0.9% Sodium Chloride" keep theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_NUMBER = r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|-?\.\d+"
# Between spaces that belong to it alone: RE2 does not look ahead, so texts are spaced out first.
_TOKEN = rf"(?:^|\s)[<>]?=?(?P<number>{_NUMBER})(?:[-–](?:{_NUMBER}))?(?:\s|$)"
_REFERENCE = rf"\((?:{_NUMBER})\s?[-–]\s?(?:{_NUMBER})\)"
_FLAG = r"(?i)\babnormal\s*$"


@dataclass(frozen=True, kw_only=True, eq=False)
class Items:
    """What texts name.

    Attributes:
        item: `[U]` place in `names`.
        names: `[I]` distinct items, lower case.
        number: `[U]` the first number of each text; NaN without one.
        abnormal: `[U]` whether it ends in the flag of a result out of its range.
    """

    item: npt.NDArray[np.int64]
    names: tuple[str, ...]
    number: npt.NDArray[np.float64]
    abnormal: npt.NDArray[np.bool_]


def items_of(texts: pa.Array) -> Items:
    """Return what each text `[U]` names.

    >>> found = items_of(pa.array(["Potassium 5.1 mEq/L (3.5–5.0) abnormal", "Foley Catheter"]))
    >>> found.names, found.number.tolist(), found.abnormal.tolist()
    (('potassium meq/l', 'foley catheter'), [5.1, nan], [True, False])
    """
    flagged = _call("match_substring_regex", texts, pc.MatchSubstringOptions(_FLAG))
    plain = _without(_without(texts, _FLAG), _REFERENCE)
    spaced = _call("replace_substring", plain, pc.ReplaceSubstringOptions(" ", "  "))
    named = _call("utf8_trim_whitespace", _spaces(_without(spaced, _TOKEN)))
    coded = cast(pa.DictionaryArray, _call("utf8_lower", named).dictionary_encode())
    return Items(
        item=coded.indices.to_numpy(zero_copy_only=False).astype(np.int64),
        names=tuple(coded.dictionary.to_pylist()),
        number=_numbers(spaced),
        abnormal=flagged.to_numpy(zero_copy_only=False).astype(np.bool_),
    )


def _numbers(texts: pa.Array) -> npt.NDArray[np.float64]:
    found = _call("extract_regex", texts, pc.ExtractRegexOptions(_TOKEN))
    told = _call("replace_substring", found.field("number"), pc.ReplaceSubstringOptions(",", ""))
    told = _call("if_else", found.is_valid(), told, pa.scalar(None, pa.string()))
    return _call("cast", told, pc.CastOptions.safe(pa.float64())).to_numpy(zero_copy_only=False)


def _without(texts: pa.Array, pattern: str) -> pa.Array:
    options = pc.ReplaceSubstringOptions(pattern, " ")
    return _call("replace_substring_regex", texts, options)


def _spaces(texts: pa.Array) -> pa.Array:
    return _without(texts, r"\s+")


def _call(name: str, *arguments: Any) -> Any:  # noqa: ANN401 - pyarrow's functions have no types
    *values, last = arguments
    options = last if isinstance(last, pc.FunctionOptions) else None
    return pc.call_function(name, values if options else [*values, last], options)
