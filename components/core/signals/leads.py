"""Lead names and order: one table of synonyms, selection, and the limb leads' algebra.

All six limb leads are linear in I and II (Einthoven: II = I + III; Goldberger's augmented leads),
so any two of them give the other four. Chest leads cannot be derived.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from components.core.errors import ConfigError, RecordError, nearest, quoted
from components.core.signals.signal import Signal
from components.core.signals.units import duplicate_lead

LEADS8 = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
LEADS12 = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

# Each limb lead as (share of I, share of II).
LIMB: dict[str, tuple[float, float]] = {
    "I": (1.0, 0.0),
    "II": (0.0, 1.0),
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
}
# Other names in use, case-folded: IEC 60601-2-25 (C1–C6), Romance languages (D1/DI = dérivation),
# ambulatory monitors (ML = modified limb lead), DICOM's code meanings (PS3.16, CID 3001) and the
# eponyms of SCP-ECG. "V" alone names no position and stays unknown. An inverted lead (-aVR) is
# another lead: names match whole, so none of its spellings is taken for the upright one.
_ALIASES: dict[str, tuple[str, ...]] = {
    "I": ("di", "d1", "mli", "i (einthoven)"),
    "II": ("dii", "d2", "mlii", "ii (einthoven)"),
    "III": ("diii", "d3", "mliii", "iii (einthoven)"),
    "aVR": ("avr (goldberger)", "avr, augmented voltage, right"),
    "aVL": ("avl (goldberger)", "avl, augmented voltage, left"),
    "aVF": ("avf (goldberger)", "avf, augmented voltage, foot"),
    **{f"V{n}": (f"c{n}", f"v{n} (wilson)") for n in range(1, 7)},
}
_PREFIXES = ("", "lead ", "lead_", "ecg lead ", "ecg_lead_", "ecg ", "ecg_", "mdc_ecg_lead_")
_NAMES: dict[str, str] = {
    prefix + name: lead
    for lead in LEADS12
    for name in (lead.casefold(), *_ALIASES.get(lead, ()))
    for prefix in _PREFIXES
}
# How many of a file's names an error repeats.
_LISTED = 20


def canonical(name: str) -> str:
    """Return the standard name of a lead.

    Raises:
        RecordError: `unknown_lead`.

    >>> canonical("MDC_ECG_LEAD_AVR")
    'aVR'
    """
    lead = find(name)
    if lead is None:
        raise unknown_lead(name, [name])
    return lead


def find(name: str) -> str | None:
    """Return the standard name of a lead, or None when `name` is none of the twelve."""
    return _NAMES.get(name.strip().casefold())


def canonical_all(names: Sequence[str]) -> tuple[str, ...]:
    """Return the standard names, in the given order.

    Raises:
        RecordError: `unknown_lead`, `duplicate_lead`; both list the names found.
    """
    leads: list[str] = []
    for name in names:
        lead = find(name)
        if lead is None:
            raise unknown_lead(name, names)
        leads.append(lead)
    if len(set(leads)) != len(leads):
        raise duplicate_lead(tuple(leads))
    return tuple(leads)


def unknown_lead(name: str, names: Sequence[str]) -> RecordError:
    """Return the error for a name that is no standard lead, listing the names found.

    A channel's name may be any text of the file, so only what looks like a label is repeated.
    """
    found = ", ".join(label(each) for each in islice(names, _LISTED))
    return RecordError(
        "unknown_lead",
        f"'{label(name)}' is not one of the twelve standard leads; names found: {found}",
        field="leads",
        value=label(name),
        advice="rename the channel, or remove it if it is no ECG lead",
    )


def label(name: str) -> str:
    """Return a channel's name as a message may show it (`errors.quoted`, a usual prefix apart)."""
    plain = name.strip()
    prefix = max((p for p in _PREFIXES if plain.casefold().startswith(p)), key=len)
    shown = quoted(plain[len(prefix) :])
    return plain if shown == plain[len(prefix) :] else shown


def select(
    signal: Signal, leads: Sequence[str]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Pick `leads` in this order, deriving limb leads where two others are there.

    Args:
        signal: any recording with canonical lead names.
        leads: canonical names wanted.

    Returns:
        values `[leads, samples]` float32 in the signal's unit, zeros where a lead is missing, and
        mask `[leads]`, True where the lead was recorded or derived.

    Raises:
        RecordError: `duplicate_lead`.
        ConfigError: a wanted name is not canonical.
    """
    if len(set(signal.leads)) != len(signal.leads):
        raise duplicate_lead(signal.leads)
    _check_wanted(leads)
    row = {lead: index for index, lead in enumerate(signal.leads)}
    there = [lead in row for lead in leads]
    if all(there):
        return signal.physical([row[lead] for lead in leads]), np.ones(len(leads), np.bool_)
    values = np.zeros((len(leads), signal.samples), np.float32)
    mask = np.array(there, np.bool_)
    values[mask] = signal.physical([row[lead] for lead in leads if lead in row])
    for index, lead in enumerate(leads):
        derived = None if lead in row else _derive(signal, lead)
        if derived is not None:
            values[index], mask[index] = derived, True
    return values, mask


def _check_wanted(leads: Sequence[str]) -> None:
    for lead in leads:
        if lead not in LEADS12:
            raise ConfigError(f"'{lead}' is not a canonical lead name; {nearest(lead, LEADS12)}")


def _derive(signal: Signal, lead: str) -> npt.NDArray[np.float32] | None:
    """Return `[samples]` of a limb lead from two recorded ones, or None where that cannot be."""
    if lead not in LIMB:
        return None
    sources: dict[str, npt.NDArray[np.float32]] = {}
    for name in LIMB:
        if name in signal.leads:
            values = signal.physical([signal.leads.index(name)])[0]
            # A dead electrode's constant would pass for a measured zero in the sum.
            if np.isfinite(values).all() and np.ptp(values) > 0:
                sources[name] = values
    if len(sources) < 2:
        return None
    (first, a), (second, b) = islice(sources.items(), 2)
    shares = limb_shares(first, second, lead)
    return (np.float32(shares[0]) * a + np.float32(shares[1]) * b).astype(np.float32)


def limb_shares(first: str, second: str, lead: str) -> tuple[float, float]:
    """Return by what two different limb leads are multiplied to give a third one as their sum.

    >>> limb_shares("I", "II", "III")
    (-1.0, 1.0)
    """
    known = np.array([LIMB[first], LIMB[second]]).T
    a, b = np.linalg.solve(known, np.array(LIMB[lead])).tolist()
    return a, b


def einthoven_residual(signal: Signal) -> float:
    """Return the root mean square of II − I − III in the signal's unit; NaN without all three.

    Near zero for a consistent recording, also with reversed electrodes; large where a channel is
    mislabelled or its gain is wrong (Einthoven's law, II = I + III at every instant).
    """
    if not {"I", "II", "III"} <= set(signal.leads):
        return float("nan")
    one, two, three = signal.physical([signal.leads.index(lead) for lead in ("I", "II", "III")])
    return float(np.sqrt(np.mean(np.square(two - one - three, dtype=np.float64))))
