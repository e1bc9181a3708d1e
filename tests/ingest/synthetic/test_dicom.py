"""The DICOM writer's files, read by pydicom alone."""

from __future__ import annotations

import io
from datetime import datetime

import numpy as np
import pydicom

from components.ingest.synthetic.dicom import DicomFacts, Scaling, dicom_ecg
from components.ingest.synthetic.identity import draw_identity, planted
from components.ingest.synthetic.vcg import LEADS_8

IDENTITY = draw_identity(np.random.default_rng(2), birth_year=1944)
FACTS = DicomFacts(
    identity=IDENTITY,
    age=76,
    female=False,
    time=datetime(2020, 5, 6, 7, 8, 9),  # noqa: DTZ001 - hospital files hold local times
)
SIGNAL = np.random.default_rng(0).normal(size=(8, 333)).astype(np.float32)


def _file(scaling: Scaling | None = None) -> bytes:
    return dicom_ecg(SIGNAL, SIGNAL[:, :60], leads=LEADS_8, facts=FACTS, fs=250, scaling=scaling)


def test_the_waveform_is_the_signal_in_microvolts() -> None:
    scaling = Scaling(sensitivity=1.25, correction=0.9931, baseline=120)
    found = pydicom.dcmread(io.BytesIO(_file(scaling)))
    rhythm = found.WaveformSequence[1]
    assert (rhythm.MultiplexGroupLabel, rhythm.SamplingFrequency) == ("RHYTHM", 250)
    np.testing.assert_allclose(found.waveform_array(1).T, SIGNAL * 1000, atol=0.51 * 1.25 * 0.9931)
    meanings = [
        channel.ChannelSourceSequence[0].CodeMeaning for channel in rhythm.ChannelDefinitionSequence
    ]
    assert meanings == [f"Lead {lead}" for lead in LEADS_8]


def test_the_averaged_beat_comes_first_and_says_so() -> None:
    beat = pydicom.dcmread(io.BytesIO(_file())).WaveformSequence[0]
    assert (beat.MultiplexGroupLabel, beat.WaveformOriginality) == ("MEDIAN BEAT", "DERIVED")
    assert beat.NumberOfWaveformSamples == 60


def test_the_header_carries_an_identity_and_equal_input_gives_equal_bytes() -> None:
    content = _file()
    for name in (IDENTITY.surname, IDENTITY.first_name, IDENTITY.physician, IDENTITY.device_serial):
        assert name.encode() in content
    assert any(each.encode() in content for each in planted())
    found = pydicom.dcmread(io.BytesIO(content))
    assert (found.PatientBirthDate[:4], found.PatientAge, found.PatientSex) == ("1944", "076Y", "M")
    assert content == _file()
