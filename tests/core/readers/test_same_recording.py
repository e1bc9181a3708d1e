"""One recording written in every format comes out as one tensor.

Writers and readers share no code. The writers round to their own counts, so that two formats may
differ by one count of the coarser one and never by more.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime

import numpy as np
import pytest
import scipy.io

from components.core.readers.rawfile import MemoryFile
from components.core.readers.registry import Declared, read_signal
from components.core.signals.leads import LEADS8, LEADS12
from components.core.signals.prepare import Prepared, prepare
from components.core.signals.prepare_config import PrepareConfig
from components.ingest.synthetic.dicom import DicomFacts, Scaling, dicom_ecg
from components.ingest.synthetic.hl7 import aecg_xml
from components.ingest.synthetic.identity import draw_identity
from components.ingest.synthetic.muse import UV_PER_BIT, MuseFacts, muse_xml
from components.ingest.synthetic.plain_formats import csv_waveform, wfdb_record

FS = 500
# Odd, and neither the window's length nor a multiple of anything.
SAMPLES = 4801
# mV; the coarsest format's count: MUSE's fixed 4.88 µV against 1 µV and 3.01 µV.
LSB = UV_PER_BIT / 1000
SCALING = Scaling(sensitivity=2.99, correction=1.00669, baseline=-41.5)
IDENTITY = draw_identity(np.random.default_rng(3), birth_year=1950)
TIME = datetime(2021, 3, 4, 10, 30)  # noqa: DTZ001 - hospital files hold local times
Leads = tuple[str, ...]
Encode = Callable[[np.ndarray, Leads], MemoryFile]


def _muse(signal: np.ndarray, leads: Leads) -> MemoryFile:
    facts = MuseFacts(identity=IDENTITY, age=70, female=False, time=TIME, rate=60)
    return MemoryFile("a.xml", muse_xml(signal, signal[:, :600] + 1, leads=leads, facts=facts))


def _hl7(signal: np.ndarray, leads: Leads) -> MemoryFile:
    facts = MuseFacts(identity=IDENTITY, age=70, female=False, time=TIME, rate=60)
    data = aecg_xml(signal, signal[:, :600] + 1, leads=leads, facts=facts, fs=FS)
    return MemoryFile("a.xml", data)


def _wfdb(signal: np.ndarray, leads: Leads) -> MemoryFile:
    files = wfdb_record(signal, name="a", leads=leads, fs=FS)
    return MemoryFile("a.hea", files["a.hea"], files)


def _dicom(signal: np.ndarray, leads: Leads) -> MemoryFile:
    facts = DicomFacts(identity=IDENTITY, age=70, female=False, time=TIME)
    beat = signal[:, :600] + 1
    return MemoryFile("a", dicom_ecg(signal, beat, leads=leads, facts=facts, scaling=SCALING))


def _csv(signal: np.ndarray, leads: Leads) -> MemoryFile:
    return MemoryFile("a.csv", csv_waveform(signal, leads=leads))


def _npy(signal: np.ndarray, leads: Leads) -> MemoryFile:
    out = io.BytesIO()
    np.save(out, np.asfortranarray(signal.T.astype(">f8") * 1000))
    return MemoryFile("a.npy", out.getvalue())


def _matlab(signal: np.ndarray, leads: Leads) -> MemoryFile:
    out = io.BytesIO()
    matrix = np.rint(signal * 1000).astype(np.int32)
    scipy.io.savemat(out, {"val": matrix, "fs": FS}, do_compression=True)
    return MemoryFile("a.mat", out.getvalue())


# One more format is one more line.
FORMATS: dict[str, Encode] = {
    "muse": _muse,
    "hl7": _hl7,
    "wfdb": _wfdb,
    "dicom": _dicom,
    "csv": _csv,
    "npy": _npy,
    "matlab": _matlab,
}


def _recording(leads: Leads) -> np.ndarray:
    """Beats, noise and steps in mV; limb leads that obey Einthoven and Goldberger."""
    rng = np.random.default_rng(len(leads))
    time = np.arange(SAMPLES) / FS
    beat = np.exp(-(((time % 0.8 - 0.4) / 0.02) ** 2))
    eight = rng.uniform(-2, 2, (8, 1)) * beat + 0.05 * rng.normal(size=(8, SAMPLES))
    # The most negative sample that every format can hold: 16 bits at 1000 counts per mV.
    eight[7, 100:103] = -32.767, 32.767, -32.767
    one, two = eight[:2]
    limbs = [two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    rows = dict(zip((*LEADS8, "III", "aVR", "aVL", "aVF"), [*eight, *limbs], strict=True))
    return np.stack([rows[lead] for lead in leads]).astype(np.float32)


def _prepared(name: str, leads: Leads, config: PrepareConfig) -> Prepared:
    raw = FORMATS[name](_recording(leads), leads)
    declared = Declared(fs=FS, unit="uV", leads=leads)
    return prepare(read_signal(raw, declared), config)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("leads", [LEADS8, LEADS12, LEADS12[::-1]], ids=["8", "12", "12 reversed"])
def test_every_format_gives_the_same_tensor(name, leads) -> None:
    config = PrepareConfig()
    found = _prepared(name, leads, config)
    exact = _recording(leads)[[leads.index(lead) for lead in LEADS8]]
    start = (config.length - SAMPLES) // 2
    assert (found.start, found.stop) == (start, start + SAMPLES)
    assert found.lead_mask.all()
    assert not found.values[:, :start].any()
    assert not found.values[:, found.stop :].any()
    # Half a count of rounding when writing, and float32's share at 32 mV.
    assert np.abs(found.values[:, start : found.stop] - exact).max() < 0.51 * LSB


@pytest.mark.parametrize("name", FORMATS)
def test_resampled_and_cropped_tensors_agree_with_the_first_format(name) -> None:
    config = PrepareConfig(leads=LEADS12, fs=360, length=3000)
    found, first = (_prepared(each, LEADS8, config) for each in (name, "npy"))
    assert found.flags["resampled"]
    assert found.flags["derived_lead"]
    assert (found.start, found.stop) == (first.start, first.stop)
    # Rounding errors of single samples add up in the filter and in derived leads.
    assert np.abs(found.values - first.values).max() < 2 * LSB
