"""Builders of small files, as the devices write them."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from components.core.readers.rawfile import MemoryFile
from components.core.signals.leads import LEADS8
from components.ingest.synthetic.dicom import DicomFacts, dicom_ecg
from components.ingest.synthetic.identity import draw_identity

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


@pytest.fixture(scope="session")
def dicom_bytes() -> Callable[..., bytes]:
    """A DICOM file of counts of 2.5 µV."""
    facts = DicomFacts(
        identity=draw_identity(np.random.default_rng(0), birth_year=1961),
        age=59,
        female=True,
        time=datetime(2020, 2, 3, 10, 30),  # noqa: DTZ001 - hospital files hold local times
    )

    def build(counts: np.ndarray, leads: Sequence[str] = LEADS8) -> bytes:
        signal = (counts * 0.0025).astype(np.float32)
        return dicom_ecg(signal, signal[:, :30], leads=tuple(leads), facts=facts)

    return build


@pytest.fixture(scope="session")
def matlab_bytes() -> Callable[..., bytes]:
    """A MATLAB file with one matrix: version 5 `plain` or `compressed`, or `7.3`."""

    def build(values: np.ndarray, kind: str = "plain") -> bytes:
        out = io.BytesIO()
        if kind != "7.3":
            scipy.io.savemat(out, {"val": values}, do_compression=kind == "compressed")
            return out.getvalue()
        with h5py.File(out, "w", userblock_size=512) as file:
            file["val"] = values.T
            file["val"].attrs["MATLAB_class"] = np.bytes_(values.dtype.name)
        return b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + out.getvalue()[128:]

    return build
