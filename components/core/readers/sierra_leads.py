"""Which lead each channel of a Philips Sierra file is, and the limb leads stored as differences."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from components.core.errors import RecordError, quoted
from components.core.readers.xli import MAX_CHANNELS
from components.core.readers.xml_fields import Element, attribute_of, number, text_of
from components.core.signals.leads import LEADS12, canonical_all, find
from components.core.signals.leads import label as shown
from components.core.signals.units import duplicate_lead

_NS = "{http://www3.medical.philips.com}"
# The lead set of schema 1.03, which has no labels: the twelve standard leads in standard order.
_STANDARD_SET = "STD-12"
# Labels of the schema that certainly are none of the twelve leads: chest leads further round, the
# orthogonal leads of Frank, and other signals. Any further one is refused, "V" and "-aVR" too.
NOT_LEADS = frozenset(
    {
        *(f"{c}{n}" for c in "VC" for n in range(7, 10)),
        *(f"{c}{n}R" for c in "VC" for n in range(2, 10)),
        *("X", "Y", "Z", "RESP", "PLETH"),
    }
)
_INT16 = np.iinfo(np.int16)


def labels_of(waves: Element, device: Element, version: str) -> tuple[str, ...]:
    """Return the label of each channel that has one, standard leads by their canonical names.

    Raises:
        RecordError: `missing_field`, `not_a_number`, `unknown_lead_set`, `invalid_channels`,
            `unknown_lead`, `duplicate_lead`, `no_ecg_leads`.
    """
    if version == "1.03":
        labels = _standard(device)
    else:
        labels = attribute_of(waves, "leadlabels").split()
        _check_count(attribute_of(waves, "numberofleads"), "numberofleads", labels)
    _check_valid(device, labels)
    others = [label for label in labels if label in NOT_LEADS]
    if len(set(others)) != len(others):
        raise duplicate_lead(tuple(labels))
    leads = iter(canonical_all([label for label in labels if label not in NOT_LEADS]))
    named = tuple(label if label in NOT_LEADS else next(leads) for label in labels)
    if not any(find(label) for label in named):
        raise RecordError(
            "no_ecg_leads",
            "no channel is a standard lead",
            field="leads",
            value=", ".join(map(shown, labels)),
        )
    return named


def _standard(device: Element) -> list[str]:
    found = text_of(device, f"{_NS}acquisitiontype")
    if found == _STANDARD_SET:
        return list(LEADS12)
    raise RecordError(
        "unknown_lead_set",
        f"the file names no leads, and of lead sets only {_STANDARD_SET} is known, "
        f"not {quoted(found)}",
        field="acquisitiontype",
        value=quoted(found),
        advice="export the ECG in version 1.04, which labels the channels",
    )


def _check_count(text: str, field: str, labels: list[str]) -> None:
    if number(text, field) != len(labels) or len(labels) > MAX_CHANNELS:
        raise RecordError(
            "invalid_channels",
            f"{field} is {quoted(text)}, the channels labelled are {len(labels)} "
            f"(at most {MAX_CHANNELS})",
            field=field,
            value=quoted(text),
            advice="export the file again",
        )


def _check_valid(device: Element, labels: list[str]) -> None:
    """Refuse fewer valid channels than leads: which one is not valid, the file does not say."""
    for field in ("numberchannelsallocated", "numberchannelsvalid"):
        text = text_of(device, _NS + field)
        if number(text, field) < len(labels):
            raise RecordError(
                "invalid_channels",
                f"{field} is {quoted(text)} for {len(labels)} leads, and not said which one "
                "is missing",
                field=field,
                value=quoted(text),
                advice="record the ECG again with all electrodes connected",
            )


def restore_limb_leads(
    counts: npt.NDArray[np.int32], labels: tuple[str, ...]
) -> npt.NDArray[np.int16]:
    """Return `[leads, samples]` with III, aVR, aVL and aVF instead of their differences.

    The file holds (II - I) - III, -(I + II)/2 - aVR, (I - III)/2 - aVL and (II + III)/2 - aVF, so
    that leads which obey Einthoven's and Goldberger's relations compress to nothing. Halves are
    cut towards zero, as in C: in files whose leads were rounded independently the differences are
    0 or of the sum's own sign where the sum is odd, which rules out rounding down.

    Args:
        counts: `[leads, samples]` as decompressed.
        labels: of the rows.

    Raises:
        RecordError: `missing_limb_lead`, `bad_compression`.
    """
    row = {label: index for index, label in enumerate(labels)}
    derived = [label for label in LEADS12[2:6] if label in row]
    needed = {"I", "II", *(["III"] if {"aVL", "aVF"} & set(derived) else [])}
    if derived and not needed <= set(row):
        raise RecordError(
            "missing_limb_lead",
            f"{', '.join(derived)} are stored relative to {', '.join(sorted(needed - set(row)))}, "
            "which the file does not hold",
            field="leadlabels",
            value=", ".join(map(shown, labels)),
            advice="export the ECG with all limb leads",
        )
    out = counts.copy()
    for label in derived:
        limb = {each: out[row[each]] for each in needed}
        out[row[label]] = _estimate(label, limb) - counts[row[label]]
    if out.min() < _INT16.min or out.max() > _INT16.max:
        raise RecordError(
            "bad_compression",
            "a limb lead restored from its difference runs out of 16 bits",
            field="parsedwaveforms",
            advice="export the file again",
        )
    return out.astype(np.int16)


def _estimate(label: str, limb: dict[str, npt.NDArray[np.int32]]) -> npt.NDArray[np.int32]:
    if label == "III":
        return limb["II"] - limb["I"]
    if label == "aVR":
        return -_half(limb["I"] + limb["II"])
    if label == "aVL":
        return _half(limb["I"] - limb["III"])
    return _half(limb["II"] + limb["III"])


def _half(values: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    return (np.sign(values) * (np.abs(values) // 2)).astype(np.int32)
