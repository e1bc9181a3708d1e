"""DICOM 12-Lead ECG Waveform Storage, as a hospital's archive exports it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, TwelveLeadECGWaveformStorage, generate_uid

from components.ingest.synthetic.identity import Identity

# Lead numbers of ISO/IEEE 11073-10102, partition 2 (DICOM PS3.16, CID 3001).
_CODES = {"I": 1, "II": 2, "V1": 3, "V2": 4, "V3": 5, "V4": 6, "V5": 7, "V6": 8,
          "III": 61, "aVR": 62, "aVL": 63, "aVF": 64}  # fmt: skip
# Samples before the R wave of an averaged beat, as its trigger.
_TRIGGER = 200


@dataclass(frozen=True, kw_only=True)
class DicomFacts:
    """What the header says of patient and test."""

    identity: Identity
    age: int
    female: bool
    time: datetime


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """How a count becomes microvolts: count · sensitivity · correction + baseline.

    Attributes:
        sensitivity: nominal microvolts per count.
        correction: factor found at calibration.
        baseline: microvolts at count 0.
    """

    sensitivity: float = 2.5
    correction: float = 1.0
    baseline: float = 0.0


def dicom_ecg(
    rhythm: npt.NDArray[np.float32],
    median: npt.NDArray[np.float32],
    *,
    leads: tuple[str, ...],
    facts: DicomFacts,
    fs: float = 500.0,
    scaling: Scaling | None = None,
) -> bytes:
    """Return the file for `rhythm` `[leads, samples]` and the average beat `median`, mV at `fs` Hz.

    The averaged beat is the first multiplex group, so a reader that takes the first one is wrong.
    """
    own = scaling or Scaling()
    dataset = _dataset(facts)
    dataset.WaveformSequence = [
        _group("MEDIAN BEAT", median, leads=leads, fs=fs, scaling=own),
        _group("RHYTHM", rhythm, leads=leads, fs=fs, scaling=own),
    ]
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _dataset(facts: DicomFacts) -> FileDataset:
    person, stamp = facts.identity, f"{facts.time:%Y%m%d%H%M%S}"
    # Derived from what the file holds, so that equal input gives equal bytes.
    uid = generate_uid(entropy_srcs=[person.hospital_number, stamp])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = TwelveLeadECGWaveformStorage
    meta.MediaStorageSOPInstanceUID = uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID, dataset.SOPInstanceUID = TwelveLeadECGWaveformStorage, uid
    dataset.Modality, dataset.Manufacturer = "ECG", "SYNTHETIC"
    dataset.StudyDate, dataset.StudyTime = stamp[:8], stamp[8:]
    dataset.AcquisitionDateTime = stamp
    dataset.PatientName = f"{person.surname}^{person.first_name}"
    dataset.PatientID = person.hospital_number
    month, day, year = person.birth_date.split("-")
    dataset.PatientBirthDate = f"{year}{month}{day}"
    dataset.PatientSex = "F" if facts.female else "M"
    dataset.PatientAge = f"{facts.age:03d}Y"
    dataset.ReferringPhysicianName = person.physician
    dataset.NameOfPhysiciansReadingStudy = person.physician
    dataset.DeviceSerialNumber = person.device_serial
    note = Dataset()
    note.ReferencedWaveformChannels = [2, 0]
    note.UnformattedTextValue = f"Confirmed by {person.physician}, MD"
    dataset.WaveformAnnotationSequence = [note]
    return dataset


def _group(
    label: str,
    signal: npt.NDArray[np.float32],
    *,
    leads: tuple[str, ...],
    fs: float,
    scaling: Scaling,
) -> Dataset:
    per_count = scaling.sensitivity * scaling.correction
    microvolts = signal.astype(np.float64) * 1000.0
    counts = np.clip(np.rint((microvolts - scaling.baseline) / per_count), -32768, 32767)
    group = Dataset()
    group.MultiplexGroupLabel = label
    group.MultiplexGroupTimeOffset = "0"
    group.WaveformOriginality = "ORIGINAL" if label == "RHYTHM" else "DERIVED"
    if label != "RHYTHM":
        group.TriggerSamplePosition = _TRIGGER
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = signal.shape
    group.SamplingFrequency = f"{fs:g}"
    group.WaveformBitsAllocated = 16
    group.WaveformSampleInterpretation = "SS"
    group.ChannelDefinitionSequence = [_channel(lead, scaling) for lead in leads]
    group.add_new("WaveformData", "OW", counts.T.astype("<i2").tobytes())
    return group


def _channel(lead: str, scaling: Scaling) -> Dataset:
    channel = Dataset()
    channel.ChannelSourceSequence = [_code(f"2:{_CODES[lead]}", "MDC", f"Lead {lead}")]
    channel.ChannelSensitivity = f"{scaling.sensitivity:.10g}"
    channel.ChannelSensitivityUnitsSequence = [_code("uV", "UCUM", "microvolt")]
    channel.ChannelSensitivityCorrectionFactor = f"{scaling.correction:.10g}"
    channel.ChannelBaseline = f"{scaling.baseline:.10g}"
    channel.ChannelSampleSkew = "0"
    channel.WaveformBitsStored = 16
    return channel


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code
