"""GE MUSE XML, as exported by the carts of site A."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from components.ingest.synthetic.identity import Identity

# The resolution of every file seen, microvolts per bit.
UV_PER_BIT = 4.88
FS = 500
_HEADER = (
    '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n'
)


@dataclass(frozen=True, kw_only=True)
class MuseFacts:
    """What the header says of patient and test."""

    identity: Identity
    age: int
    female: bool
    time: datetime
    rate: int


def muse_xml(
    rhythm: npt.NDArray[np.float32],
    median: npt.NDArray[np.float32],
    *,
    leads: tuple[str, ...],
    facts: MuseFacts,
    fs: int = FS,
) -> bytes:
    """Return the file for `rhythm` `[leads, 10 s]` and `median` `[leads, 1.2 s]`, mV at `fs` Hz.

    The Median waveform comes first, as in real exports, so a reader that takes the first one found
    is wrong.
    """
    body = "".join(
        [
            "<RestingECG>\n",
            _demographics(facts),
            _test(facts),
            _waveform("Median", median, leads, fs),
            _waveform("Rhythm", rhythm, leads, fs),
            "</RestingECG>\n",
        ]
    )
    return (_HEADER + body).encode("iso-8859-1")


def _element(name: str, value: object) -> str:
    return f"<{name}>{value}</{name}>\n"


def _demographics(facts: MuseFacts) -> str:
    person = facts.identity
    inner = "".join(
        [
            _element("PatientID", person.hospital_number),
            _element("PatientAge", facts.age),
            _element("AgeUnits", "YEARS"),
            _element("DateofBirth", person.birth_date),
            _element("Gender", "FEMALE" if facts.female else "MALE"),
            _element("PatientLastName", person.surname),
            _element("PatientFirstName", person.first_name),
        ]
    )
    return f"<PatientDemographics>\n{inner}</PatientDemographics>\n"


def _test(facts: MuseFacts) -> str:
    person = facts.identity
    test = "".join(
        [
            _element("DataType", "RESTING"),
            _element("Site", 1),
            _element("AcquisitionDevice", "MAC55"),
            _element("AcquisitionDeviceSN", person.device_serial),
            _element("AcquisitionTime", f"{facts.time:%H:%M:%S}"),
            _element("AcquisitionDate", f"{facts.time:%m-%d-%Y}"),
            _element("OverreaderLastName", person.physician),
        ]
    )
    text = f"Confirmed by {person.physician}, MD on {facts.time:%m-%d-%Y}"
    statements = "".join(
        f"<DiagnosisStatement>\n{_element('StmtText', line)}</DiagnosisStatement>\n"
        for line in ("Sinus rhythm, clinical correlation advised", text)
    )
    return (
        f"<TestDemographics>\n{test}</TestDemographics>\n"
        f"<RestingECGMeasurements>\n{_element('VentricularRate', facts.rate)}"
        f"</RestingECGMeasurements>\n<Diagnosis>\n{_element('Modality', 'RESTING')}{statements}"
        "</Diagnosis>\n"
    )


def _waveform(kind: str, signal: npt.NDArray[np.float32], leads: tuple[str, ...], fs: int) -> str:
    head = "".join(
        [
            _element("WaveformType", kind),
            _element("NumberofLeads", len(leads)),
            _element("SampleType", "CONTINUOUS_SAMPLES"),
            _element("SampleBase", fs),
            _element("SampleExponent", 0),
        ]
    )
    counts = np.clip(np.rint(signal * (1000.0 / UV_PER_BIT)), -32768, 32767).astype("<i2")
    data = "".join(_lead(name, row) for name, row in zip(leads, counts, strict=True))
    return f"<Waveform>\n{head}{data}</Waveform>\n"


def _lead(name: str, counts: npt.NDArray[np.int16]) -> str:
    raw = counts.tobytes()
    encoded = base64.encodebytes(raw).decode("ascii")
    return "".join(
        [
            "<LeadData>\n",
            _element("LeadByteCountTotal", len(raw)),
            _element("LeadTimeOffset", 0),
            _element("LeadSampleCountTotal", len(counts)),
            _element("LeadAmplitudeUnitsPerBit", UV_PER_BIT),
            _element("LeadAmplitudeUnits", "MICROVOLTS"),
            _element("LeadID", name),
            f"<WaveFormData>\n{encoded}</WaveFormData>\n",
            "</LeadData>\n",
        ]
    )
