"""A grammar of what clinicians write about the left ventricle's systolic function."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

# A value that must be gone stands between these numbers.
LOW, HIGH = 21, 79


def _of(*parts: SearchStrategy[str] | str) -> SearchStrategy[str]:
    made = [part if isinstance(part, SearchStrategy) else st.just(part) for part in parts]
    return st.tuples(*made).map("".join)


def _one(*words: str) -> SearchStrategy[str]:
    return st.sampled_from(words)


_number = st.integers(LOW, HIGH).map(str)
_percent = _one("%", " %", " percent", " per cent", " pct")
_decimal = st.integers(LOW, HIGH).flatmap(lambda n: _one(f"0.{n}", f"0,{n}", f".{n}"))
_worded = _of(
    _one("thirty", "forty", "fifty", "sixty"), _one(" ", "-"), _one("five", "two"), _percent
)
_range = _of(_number, _one("-", " - ", "–", " to ", " and ", "/", "% - ", "% to "), _number)
value = st.one_of(
    _of(_number, _percent), _of(_range, _percent), _decimal, _worded, _number, _range,
    _of(_number, ",5 %"), _of(_number, " ± 5 %"), _of(_one("<", ">", "~", ">= "), _number, "%"),
)  # fmt: skip
ejection_fraction = _one(
    "EF", "LVEF", "ef", "LV EF", "LV-EF", "L.V.E.F.", "E.F.", "ejection fraction",
    "Ejection Fraction", "left ventricular ejection fraction", "ejction fraction",
    "ejection fracton", "EJECTION FRACTION", "ejecton fraction", "LV ejection fraction",
    "left ventricular EF", "fractional shortening",
)  # fmt: skip
_copula = _one(
    " ", ": ", " = ", "=", " is ", " was ", " of ", " was estimated at ", " remains ", " approx. ",
    " is about ", " (biplane Simpson) ", " by echo ", " was measured at ", " today: ", "\n",
    " calculated as ", " fell to ", " improved to ", " on TTE from 12.03.2020 was ", " .... ",
)  # fmt: skip
_severity = _one("severely ", "moderately ", "mildly ", "markedly ", "mild to moderately ", "")
_state = _one("reduced", "depressed", "impaired", "preserved", "normal", "decreased", "diminished")
_function = _one(
    "LV function", "left ventricular function", "systolic function", "LV systolic function",
    "left ventricular systolic function", "left-ventricular function", "ventricular function",
    "overall left ventricular systolic function", "cardiac function", "contractility",
)  # fmt: skip
described = st.one_of(
    _of(_severity, _state, " ", _function),
    _of(_severity, _state, " ", ejection_fraction),
    _of(_function, _one(" is ", ": ", " ", " was ", " remains "), _severity, _state),
    _of(ejection_fraction, _one(" is ", ": ", " ", " was "), _severity, _state),
)
named = _one(
    "HFrEF", "HFpEF", "HFmrEF", "LV dysfunction", "systolic dysfunction", "LVSD",
    "severe LV systolic dysfunction", "no evidence of LV dysfunction", "global hypokinesis",
    "severe global LV hypokinesis", "hyperdynamic LV", "diffuse hypokinesis", "poor LV",
    "heart failure with reduced ejection fraction", "the LV is hyperdynamic",
    "left ventricular systolic dysfunction", "biventricular dysfunction", "impaired LV",
)  # fmt: skip
valued = _of(ejection_fraction, _copula, value)
reversed_ = _of(_number, _percent, " ", ejection_fraction)
mention = st.one_of(valued, valued, described, named, reversed_)
# Words around mentions, none of which says anything of the label.
plain = st.sampled_from(
    [
        "Patient seen in clinic.", "O2 saturation 95 %.", "Reduced appetite.", "BP 120/80, HR 80.",
        "FEV1 35 % predicted.", "Preserved renal function.", "Family history of stroke.",
        "The reference was taken before.", "HbA1c 7.5 %.", "40% stenosis of the LAD.",
        "RV systolic function is normal.", "Diastolic dysfunction grade I.",
        "Normal liver function.",
        "Weight 70 kg.", "Hematocrit 35 %.", "Premature ventricular contraction.",
        "Mild LV hypertrophy.", "Inferior wall hypokinesis.", "Ejection systolic murmur.",
    ]
)  # fmt: skip
