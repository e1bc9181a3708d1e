"""Which lead a DICOM channel is: by its MDC or SCP-ECG code (PS3.16, CID 3001), else by its name.

Code, meaning and label must agree; an inverted or otherwise modified lead is never taken.
"""

from __future__ import annotations

import re

from components.core.errors import RecordError, quoted
from components.core.readers.dicom_dataset import Channel, Group
from components.core.signals.leads import find, label, unknown_lead
from components.core.signals.units import duplicate_lead

# Both schemes number the leads alike: MDC 2:1 and SCPECG 5.6.3-9-1 are lead I.
_LEAD_CODE = {"MDC": re.compile(r"2:(\d{1,3})"), "SCPECG": re.compile(r"5\.6\.3-9-(\d{1,3})")}
_LEADS = {1: "I", 2: "II", 61: "III", 62: "aVR", 63: "aVL", 64: "aVF"} | {
    number: f"V{number - 2}" for number in range(3, 9)
}
_UNSPECIFIED = 0
# A name that says the opposite of the code: -aVR, "Lead aVR, inverted".
_INVERTED = re.compile(r"^\s*(?:lead\s+)?[-−–]|\binver|\bnegativ", re.IGNORECASE)
# Channels sampled one after another within a sampling interval are taken as simultaneous.
_MAX_SKEW = 1.0


def ecg_rows(group: Group) -> dict[str, int]:
    """Return the row of each standard lead, in the order of the channels.

    Raises:
        RecordError: `contradictory_lead`, `modified_lead`, `unknown_lead`, `duplicate_lead`,
            `no_ecg_leads`, `skewed_channels`.
    """
    names = [each.names[0] if each.names else each.code for each in group.definitions]
    rows = [
        (lead, row)
        for row, each in enumerate(group.definitions)
        if (lead := _lead(each, names, row)) is not None
    ]
    leads = tuple(lead for lead, _ in rows)
    if not leads:
        raise RecordError(
            "no_ecg_leads",
            "no channel is one of the twelve standard leads",
            field="ChannelSourceSequence",
            value=", ".join(map(label, names)),
            advice="leave the record out",
        )
    if len(set(leads)) != len(leads):
        raise duplicate_lead(leads)
    _check_skew([group.definitions[row].skew for _, row in rows])
    return dict(rows)


def _lead(channel: Channel, names: list[str], row: int) -> str | None:
    """Return a channel's standard lead, or None where its code names another one.

    Code, meaning and label must not contradict each other.
    """
    number = _code_number(channel)
    coded = None if number is None else _LEADS.get(number)
    named = {lead for name in channel.names if (lead := find(name)) is not None}
    stated = named | ({coded} if number is not None else set())
    if len(stated) > 1 or (coded and any(map(_INVERTED.search, channel.names))):
        raise _contradiction(names[row], channel.code)
    lead = coded if number is not None else next(iter(named), None)
    if lead is None:
        if number is None:
            raise unknown_lead(names[row], names)
        return None
    if channel.is_modified:
        raise RecordError(
            "modified_lead",
            f"channel {lead} has source modifiers, so it may be inverted or a difference",
            field="ChannelSourceModifiersSequence",
            value=lead,
            advice="export the plain leads",
        )
    return lead


def _code_number(channel: Channel) -> int | None:
    """Return the lead's number in MDC and SCP-ECG, None where it is not coded in them."""
    pattern = _LEAD_CODE.get(channel.scheme.upper())
    match = pattern.fullmatch(channel.code) if pattern else None
    number = int(match[1]) if match else _UNSPECIFIED
    return None if number == _UNSPECIFIED else number


def _contradiction(name: str, code: str) -> RecordError:
    return RecordError(
        "contradictory_lead",
        "a channel's code and its names stand for different leads",
        field="ChannelSourceSequence",
        value=f"{quoted(code)} {label(name)}",
        advice="correct the channel definition",
    )


def _check_skew(skews: list[float]) -> None:
    if not max(skews) - min(skews) < _MAX_SKEW:
        raise RecordError(
            "skewed_channels",
            "the channels start a sample or more apart",
            field="ChannelSampleSkew",
            value=f"{min(skews):g} to {max(skews):g}",
            advice="export the leads aligned in time",
        )
