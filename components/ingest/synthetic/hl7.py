"""HL7 annotated ECG, as a part of site C's devices export it."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from components.ingest.synthetic.muse import MuseFacts

# The resolution of the format's published examples, microvolts per digit.
UV_PER_DIGIT = 2.5
_LEAD_CODES = 'codeSystem="2.16.840.1.113883.6.24" codeSystemName="MDC"'
_ACT_CODES = 'codeSystem="2.16.840.1.113883.5.4" codeSystemName="ActCode"'
_TIME = f'<code code="TIME_{{}}" {_ACT_CODES}/>'
_HEADER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<AnnotatedECG xmlns="urn:hl7-org:v3" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" type="Observation">\n'
)


def aecg_xml(
    rhythm: npt.NDArray[np.float32],
    median: npt.NDArray[np.float32],
    *,
    leads: tuple[str, ...],
    facts: MuseFacts,
    fs: int,
) -> bytes:
    """Return the file for `rhythm` `[leads, 10 s]` and `median` `[leads, 1.2 s]`, mV at `fs` Hz.

    The representative beat stands in a series derived from the rhythm, its sequences below the
    same element, so a reader that takes every sequence found is wrong.
    """
    step = f'<increment value="{1 / fs:g}" unit="s"/>'
    zero = _sequence(_TIME.format("RELATIVE"), "GLIST_PQ", f'<head value="0" unit="s"/>{step}')
    start = f'<head value="{facts.time:%Y%m%d%H%M%S}"/>'
    clock = _sequence(_TIME.format("ABSOLUTE"), "GLIST_TS", start + step)
    beat, waves = _sequences(zero, median, leads), _sequences(clock, rhythm, leads)
    derived = (
        f'<derivation>\n<derivedSeries>\n<code code="REPRESENTATIVE_BEAT" {_ACT_CODES}/>\n'
        f"{beat}</derivedSeries>\n</derivation>\n"
    )
    series = (
        f'<component>\n<series>\n<code code="RHYTHM" {_ACT_CODES}/>\n{_interval(facts.time)}'
        f"{_device(facts)}{waves}{_annotations(facts)}{derived}</series>\n</component>\n"
    )
    text = f"{_HEADER}{_subject(facts)}{_age(facts)}{series}</AnnotatedECG>\n"
    return text.encode("utf-8")


def _interval(start: datetime) -> str:
    stop = start + timedelta(seconds=10)
    return (
        f'<effectiveTime>\n<low value="{start:%Y%m%d%H%M%S}"/>\n'
        f'<high value="{stop:%Y%m%d%H%M%S}"/>\n</effectiveTime>\n'
    )


def _subject(facts: MuseFacts) -> str:
    person = facts.identity
    month, day, year = person.birth_date.split("-")
    around = ("componentOf", "timepointEvent", "componentOf", "subjectAssignment", "subject",
              "trialSubject")  # fmt: skip
    inner = (
        f'<id root="2.16.840.1.113883.3.1" extension="{person.hospital_number}"/>\n'
        "<subjectDemographicPerson>\n"
        f"<name>{person.first_name} {person.surname}</name>\n"
        f'<administrativeGenderCode code="{"F" if facts.female else "M"}"/>\n'
        f'<birthTime value="{year}{month}{day}"/>\n</subjectDemographicPerson>\n'
    )
    opened = "".join(f"<{tag}>\n" for tag in around)
    return opened + inner + "".join(f"</{tag}>\n" for tag in reversed(around))


def _age(facts: MuseFacts) -> str:
    return (
        "<controlVariable>\n<relatedObservation>\n"
        '<code code="21612-7" codeSystem="2.16.840.1.113883.6.1" displayName="Reported Age"/>\n'
        f'<value xsi:type="PQ" value="{facts.age}" unit="a"/>\n'
        "</relatedObservation>\n</controlVariable>\n"
    )


def _device(facts: MuseFacts) -> str:
    return (
        "<author>\n<seriesAuthor>\n<manufacturedSeriesDevice>\n"
        f'<id extension="{facts.identity.device_serial}"/>\n'
        "</manufacturedSeriesDevice>\n</seriesAuthor>\n</author>\n"
    )


def _annotations(facts: MuseFacts) -> str:
    return (
        "<subjectOf>\n<annotationSet>\n<author>\n<assignedEntity>\n<assignedAuthorType>\n"
        f"<assignedPerson>\n<name>{facts.identity.physician}</name>\n</assignedPerson>\n"
        "</assignedAuthorType>\n</assignedEntity>\n</author>\n<component>\n<annotation>\n"
        f'<code code="MDC_ECG_HEART_RATE" {_LEAD_CODES}/>\n'
        f'<value xsi:type="PQ" value="{facts.rate}" unit="/min"/>\n'
        "</annotation>\n</component>\n</annotationSet>\n</subjectOf>\n"
    )


def _sequences(times: str, signal: npt.NDArray[np.float32], leads: tuple[str, ...]) -> str:
    digits = np.rint(signal * (1000.0 / UV_PER_DIGIT)).astype(np.int32)
    rows = "".join(_lead(name, row) for name, row in zip(leads, digits, strict=True))
    return f"<component>\n<sequenceSet>\n{times}{rows}</sequenceSet>\n</component>\n"


def _lead(name: str, digits: npt.NDArray[np.int32]) -> str:
    body = (
        f'<origin value="0" unit="uV"/>\n<scale value="{UV_PER_DIGIT:g}" unit="uV"/>\n'
        f"<digits>{' '.join(map(str, digits.tolist()))}</digits>"
    )
    return _sequence(f'<code code="MDC_ECG_LEAD_{name.upper()}" {_LEAD_CODES}/>', "SLIST_PQ", body)


def _sequence(code: str, kind: str, body: str) -> str:
    return (
        f'<component>\n<sequence>\n{code}\n<value xsi:type="{kind}">\n{body}\n</value>\n'
        "</sequence>\n</component>\n"
    )
