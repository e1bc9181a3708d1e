"""The ways in which people write an ejection fraction, planted for the test of masking.

Words follow the usual grades: normal from 50 %, mildly reduced 41-49 %, moderately 30-40 %,
severely below 30 % (Lang et al. 2015, J Am Soc Echocardiogr 28:1, with 50 % as the border of the
task); HFrEF up to 40 %, HFmrEF 41-49 % (ESC heart-failure guideline 2021).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_GRADES = (
    (50, "normal"),
    (41, "mildly reduced"),
    (30, "moderately reduced"),
    (0, "severely reduced"),
)


def _grade(value: int) -> str:
    return next(word for bound, word in _GRADES if value >= bound)


def _band(value: int) -> tuple[int, int]:
    low = value // 5 * 5
    return low, low + 5


def _failure(value: int) -> str:
    if value <= 40:
        return "HFrEF"
    return "HFmrEF" if value < 50 else "preserved EF"


def _range(value: int) -> str:
    low, high = _band(value)
    return f"LVEF {low}-{high} %"


def _to(value: int) -> str:
    low, high = _band(value)
    return f"ejection fraction {low} to {high} percent"


# Name of the form -> sentence for an LVEF in whole per cent.
FORMS: dict[str, Callable[[int], str]] = {
    "range": lambda v: f"{_range(v)}.",
    "range in words": lambda v: f"Left ventricular {_to(v)}.",
    "per cent": lambda v: f"LVEF {v}%.",
    "equals": lambda v: f"LVEF={v} %.",
    "fraction": lambda v: f"EF: {v / 100:.2f}.",
    "spelled out": lambda v: f"Ejection fraction of {v} percent.",
    "about": lambda v: f"EF ~{v}.",
    "bare": lambda v: f"Bedside echo today, EF {v}.",
    "biplane": lambda v: f"LV ejection fraction (biplane Simpson) {v} %.",
    "estimated": lambda v: f"EF was visually estimated at {v}%.",
    "hyphen": lambda v: f"ejection-fraction 0.{v:02d} by 3D.",
    "grade": lambda v: f"Echo: {_grade(v)} systolic function.",
    "grade of the ventricle": lambda v: f"LV systolic function is {_grade(v)}.",
    "grade of the fraction": lambda v: f"EF {_grade(v)}.",
    "bound": lambda v: f"Global LV function with EF {'>' if v >= 50 else '<'} 50 %.",
    "failure class": lambda v: f"Impression: {_failure(v)}.",
}


def mention(lvef: float, rng: np.random.Generator) -> tuple[str, str]:
    """Return the name of a form and its sentence for an LVEF in per cent."""
    name = str(rng.choice(list(FORMS)))
    return name, FORMS[name](int(np.clip(round(lvef), 5, 95)))
