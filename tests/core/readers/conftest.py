"""Builders of small files, as the devices write them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from components.core.readers.rawfile import MemoryFile
from components.core.signals.leads import LEADS8

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not DATA.is_dir():
        pytest.skip("the real sample data ../shared/data is absent")
    return DATA


@pytest.fixture(scope="session")
def ecg() -> Callable[..., np.ndarray]:
    """Counts `[leads, samples]` int16, of a plausible size."""

    def build(leads: int = 8, samples: int = 500, seed: int = 0) -> np.ndarray:
        noise = np.random.default_rng(seed).normal(size=(leads, samples))
        return (np.cumsum(noise, axis=1) * 5).astype(np.int16)

    return build


def _waveform(kind: str, counts: np.ndarray, leads: Sequence[str], end: str, **over: str) -> str:
    fields = {"SampleBase": "500", "SampleExponent": "0", **over}
    parts = [f"<Waveform>{end}<WaveformType>{kind}</WaveformType>{end}"]
    for key in ("SampleBase", "SampleExponent"):
        parts.append(f"<{key}>{fields[key]}</{key}>{end}")
    for name, row in zip(leads, counts, strict=True):
        stated = fields.get("LeadSampleCountTotal", str(row.size))
        body = base64.encodebytes(row.astype("<i2").tobytes()).decode().replace("\n", end)
        parts.append(
            f"<LeadData>{end}<LeadSampleCountTotal>{stated}</LeadSampleCountTotal>{end}"
            f"<LeadAmplitudeUnitsPerBit>{fields.get('PerBit', '4.88')}</LeadAmplitudeUnitsPerBit>"
            f"<LeadAmplitudeUnits>{fields.get('Units', 'MICROVOLTS')}</LeadAmplitudeUnits>{end}"
            f"<LeadID>{name}</LeadID><LeadSampleSize>{fields.get('Size', '2')}</LeadSampleSize>"
            f"<LeadOff>{fields.get('Off-' + name, 'FALSE')}</LeadOff>"
            f"<WaveFormData>{end}{body}</WaveFormData>{end}</LeadData>{end}"
        )
    return "".join(parts) + f"</Waveform>{end}"


@pytest.fixture(scope="session")
def muse_xml() -> Callable[..., bytes]:
    """A MUSE file: the Median waveform first, then Rhythm, names and a diagnosis around them."""

    def build(
        counts: np.ndarray,
        leads: Sequence[str] = LEADS8,
        *,
        end: str = "\r\n",
        encoding: str = "ISO-8859-1",
        kinds: Sequence[str] = ("Median", "Rhythm"),
        demographics: str = "<PatientAge>56</PatientAge><AgeUnits>YEARS</AgeUnits>"
        "<Gender>FEMALE</Gender>",
        doctype: str = '<!DOCTYPE RestingECG SYSTEM "restecg.dtd">',
        **over: str,
    ) -> bytes:
        body = "".join(
            _waveform(kind, counts[:, :60] + 7 if kind == "Median" else counts, leads, end, **over)
            for kind in kinds
        )
        text = (
            f'<?xml version="1.0" encoding="{encoding}"?>{end}{doctype}{end}<RestingECG>{end}'
            "<PatientDemographics><PatientLastName>Quintanilla</PatientLastName>"
            f"<PatientID>HN-998877</PatientID>{demographics}</PatientDemographics>{end}"
            "<Diagnosis><DiagnosisStatement><StmtText>Confirmed by Dr. Oyelaran</StmtText>"
            f"</DiagnosisStatement></Diagnosis>{end}{body}</RestingECG>{end}"
        )
        return text.encode(encoding)

    return build


@pytest.fixture(scope="session")
def wfdb_record() -> Callable[..., MemoryFile]:
    """A format-16 record in memory; `lines` replaces the signal lines."""

    def build(
        counts: np.ndarray,
        leads: Sequence[str] = LEADS8,
        *,
        first: str | None = None,
        lines: Sequence[str] | None = None,
        comments: str = "# Age: 59\n# Sex: Female\n# Dx: 426783006\n# Name: Quintanilla\n",
        data: bytes | None = None,
        end: str = "\n",
    ) -> MemoryFile:
        n, samples = counts.shape
        own = [
            f"r.dat 16 200(0)/mV 16 0 {row[0]} {int(row.sum(dtype=np.int16))} 0 {name}"
            for name, row in zip(leads, counts, strict=True)
        ]
        header = "\n".join([first or f"r {n} 500 {samples}", *(lines or own)]) + "\n" + comments
        stored = counts.T.astype("<i2").tobytes() if data is None else data
        return MemoryFile("r.hea", header.replace("\n", end).encode(), {"r.dat": stored})

    return build


@pytest.fixture(scope="session")
def csv_bytes() -> Callable[..., bytes]:
    def build(values: np.ndarray, leads: Sequence[str] = LEADS8, *, sep: str = ",") -> bytes:
        rows = [sep.join(map(str, row)) for row in values.T.tolist()]
        return ("\n".join([sep.join(leads), *rows]) + "\n").encode()

    return build
