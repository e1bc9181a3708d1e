"""DICOM waveforms: the right group, the right lead, the right unit, or a reason."""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    AmbulatoryECGWaveformStorage,
    DeflatedExplicitVRLittleEndian,
    GeneralECGWaveformStorage,
    ImplicitVRLittleEndian,
    RLELossless,
    XRayAngiographicImageStorage,
)

from components.core.errors import RecordError
from components.core.readers import dicom_dataset
from components.core.readers.rawfile import MemoryFile
from components.core.readers.registry import read_signal
from components.core.signals.leads import LEADS8, LEADS12, einthoven_residual
from components.ingest.synthetic.dicom import DicomFacts, Scaling, dicom_ecg
from components.ingest.synthetic.identity import draw_identity, planted

IDENTITY = draw_identity(np.random.default_rng(5), birth_year=1961)
FACTS = DicomFacts(
    identity=IDENTITY,
    age=58,
    female=True,
    time=datetime(2020, 2, 3, 10, 30),  # noqa: DTZ001 - hospital files hold local times
)
Change = Callable[[Dataset], None]


def _content(leads=LEADS8, *, scaling=None, samples=501) -> tuple[np.ndarray, bytes]:
    signal = np.random.default_rng(1).normal(size=(len(leads), samples)).astype(np.float32)
    beat = signal[:, :60] + 3
    return signal, dicom_ecg(signal, beat, leads=leads, facts=FACTS, scaling=scaling)


def _read(content: bytes, **kwargs):
    return read_signal(MemoryFile("a.bin", content), **kwargs)


def _changed(change: Change, leads=LEADS8) -> bytes:
    """A file of which the data set was changed by `change`."""
    dataset = pydicom.dcmread(io.BytesIO(_content(leads)[1]))
    change(dataset)
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def _rhythm(dataset: Dataset) -> Dataset:
    return dataset.WaveformSequence[1]


def _on_rhythm(change: Change) -> Change:
    return lambda dataset: change(_rhythm(dataset))


def _on_channel(change: Change, at: int = 0) -> Change:
    return lambda dataset: change(_rhythm(dataset).ChannelDefinitionSequence[at])


def _on_source(change: Change, at: int = 0) -> Change:
    return _on_channel(lambda channel: change(channel.ChannelSourceSequence[0]), at)


def _set(**values: object) -> Change:
    def change(item: Dataset) -> None:
        for keyword, value in values.items():
            setattr(item, keyword, value)

    return change


def _drop(*keywords: str) -> Change:
    def change(item: Dataset) -> None:
        for keyword in keywords:
            delattr(item, keyword)

    return change


@pytest.mark.parametrize("leads", [LEADS8, LEADS12])
def test_sensitivity_correction_and_baseline_give_millivolts(leads) -> None:
    scaling = Scaling(sensitivity=1.22, correction=1.013, baseline=-37.5)
    signal, content = _content(leads, scaling=scaling)
    found = _read(content)
    assert (found.leads, found.fs, found.unit) == (leads, 500.0, "mV")
    assert found.values.dtype == np.int16
    np.testing.assert_allclose(found.lsb, 1.22 * 1.013 / 1000)
    np.testing.assert_allclose(found.offset, -0.0375)
    assert np.abs(found.physical() - signal).max() < 0.51 * 1.22 * 1.013 / 1000


def test_nothing_but_age_and_sex_leaves_the_file() -> None:
    found = _read(_content()[1])
    assert found.meta == {"age": 58.0, "sex": "female"}
    assert not any(name in repr(found) for name in planted())


@pytest.mark.parametrize(
    ("age", "sex", "meta"),
    [
        ("018M", "M", {"age": 1.5, "sex": "male"}),
        ("200Y", "O", {}),
        ("", "", {}),
        ("365D", "F", {"age": 365 / 365.25, "sex": "female"}),
    ],
)
def test_age_and_sex_where_they_are_clear(age, sex, meta) -> None:
    assert _read(_changed(_set(PatientAge=age, PatientSex=sex))).meta == pytest.approx(meta)


def test_a_real_recording_equals_what_pydicom_makes_of_it() -> None:
    path = Path(pydicom.__file__).parent / "data" / "test_files" / "waveform_ecg.dcm"
    content = path.read_bytes()
    found = _read(content)
    expected = pydicom.dcmread(path).waveform_array(0).T / 1000
    assert (found.leads, found.fs, found.samples) == (LEADS12, 1000.0, 10_000)
    np.testing.assert_allclose(found.physical(), expected, atol=1e-6)
    assert einthoven_residual(found) < found.lsb[0]


@pytest.mark.parametrize("uid", [GeneralECGWaveformStorage, AmbulatoryECGWaveformStorage])
def test_general_and_ambulatory_ecgs_are_read_too(uid) -> None:
    def change(dataset: Dataset) -> None:
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = uid

    assert _read(_changed(change)).leads == LEADS8


def test_implicit_value_representations() -> None:
    def change(dataset: Dataset) -> None:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian

    np.testing.assert_array_equal(_read(_changed(change)).values, _read(_content()[1]).values)


@pytest.mark.parametrize(
    ("bits", "kind", "dtype"),
    [(8, "SB", "i1"), (8, "UB", "u1"), (16, "SS", "<i2"), (16, "US", "<u2")],
)
@pytest.mark.parametrize("padding", [False, True])
def test_every_linear_integer_type_to_its_extremes(bits, kind, dtype, padding) -> None:
    info = np.iinfo(dtype)
    stored = np.random.default_rng(0).integers(info.min, info.max + 1, (33, 1)).astype(dtype)
    stored[:3, 0] = info.min, info.max, info.min

    def change(group: Dataset) -> None:
        group.WaveformBitsAllocated, group.WaveformSampleInterpretation = bits, kind
        group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = 1, 33
        group.ChannelDefinitionSequence = [group.ChannelDefinitionSequence[0]]
        group.ChannelDefinitionSequence[0].ChannelBaseline = "100"
        data = stored.tobytes()
        group.add_new("WaveformData", "OB" if bits == 8 else "OW", data + b"\0" * (len(data) % 2))
        if padding:
            value = stored[0].tobytes()
            group.add_new("WaveformPaddingValue", "OB", value + b"\0" * (len(value) % 2))

    found = _read(_changed(_on_rhythm(change)))
    expected = stored[:, 0] * 0.0025 + 0.1
    expected = np.where(padding & (stored[:, 0] == info.min), np.nan, expected)
    np.testing.assert_allclose(found.physical()[0], expected, rtol=1e-6, atol=1e-6)


def test_the_padding_value_must_be_one_sample() -> None:
    content = _changed(_on_rhythm(lambda g: g.add_new("WaveformPaddingValue", "OB", b"\0" * 4)))
    with pytest.raises(RecordError, match="the padding value is not one sample") as caught:
        _read(content)
    assert caught.value.code == "bad_padding_value"


def _labels(*groups: tuple[str | None, str | None]) -> Change:
    """Make the groups have these labels and originalities, all of the rhythm strip's shape."""

    def change(dataset: Dataset) -> None:
        content = _rhythm(dataset).to_json_dict()
        items = [Dataset.from_json(content) for _ in groups]
        for item, (label, originality) in zip(items, groups, strict=True):
            item.MultiplexGroupLabel = label
            item.WaveformOriginality = originality
        dataset.WaveformSequence = items

    return change


@pytest.mark.parametrize(
    "groups",
    [
        [("RHYTHM", "ORIGINAL"), ("MEDIAN BEAT", "DERIVED")],
        [(None, "ORIGINAL"), (None, "DERIVED")],
        [(None, "ORIGINAL"), ("Median", "ORIGINAL")],
        [("Average", None), ("", None)],
        [("Rhythm", None), ("other", None)],
        [("10 s", "ORIGINAL")],
    ],
)
def test_the_one_original_group_is_the_rhythm_strip(groups) -> None:
    assert _read(_changed(_labels(*groups))).samples == 501


@pytest.mark.parametrize(
    ("groups", "code", "match"),
    [
        ([], "no_rhythm", "0 of 0 multiplex groups could be the rhythm strip"),
        ([("RHYTHM", "DERIVED")], "no_rhythm", "0 of 1 multiplex groups"),
        ([("MEDIAN BEAT", "ORIGINAL")], "no_rhythm", "0 of 1 multiplex groups"),
        ([("I-III", "ORIGINAL"), ("V1-V3", "ORIGINAL")], "several_rhythm", "2 of 2 multiplex"),
        ([("RHYTHM", None), ("RHYTHM 2", None)], "several_rhythm", "2 of 2 .* one original group"),
    ],
)
def test_what_is_ambiguous_is_refused(groups, code, match) -> None:
    with pytest.raises(RecordError, match=match) as caught:
        _read(_changed(_labels(*groups)))
    assert caught.value.code == f"{code}_waveform" + "s" * (code == "several_rhythm")


@pytest.mark.parametrize("scheme", ["MDC", "SCPECG", "scpecg"])
def test_all_twelve_codes_of_both_schemes(scheme) -> None:
    numbers = dict(zip(LEADS12, (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8), strict=True))

    def change(dataset: Dataset) -> None:
        for lead, channel in zip(LEADS12, _rhythm(dataset).ChannelDefinitionSequence, strict=True):
            source = channel.ChannelSourceSequence[0]
            prefix = "2:" if scheme == "MDC" else "5.6.3-9-"
            source.CodeValue, source.CodingSchemeDesignator = f"{prefix}{numbers[lead]}", scheme
            source.CodeMeaning = "whatever it means"

    assert _read(_changed(change, LEADS12)).leads == LEADS12


@pytest.mark.parametrize(
    ("source", "label", "lead"),
    [
        ({"CodingSchemeDesignator": "99GE", "CodeMeaning": "Lead I (Einthoven)"}, None, "I"),
        ({"CodeValue": "2:0", "CodeMeaning": "unspecified"}, "aVR", "aVR"),
        ({"CodeValue": "I", "CodeMeaning": "aVL, augmented voltage, left"}, None, "aVL"),
        ({"CodeValue": "2:62", "CodeMeaning": "aVR, augmented voltage, right"}, "AVR", "aVR"),
    ],
)  # fmt: skip
def test_names_count_where_there_is_no_code(source, label, lead) -> None:
    def change(channel: Dataset) -> None:
        _set(**source)(channel.ChannelSourceSequence[0])
        if label:
            channel.ChannelLabel = label

    assert _read(_changed(_on_channel(change))).leads[0] == lead


@pytest.mark.parametrize("code", ["2:65", "2:9", "2:16", "2:31", "2:86"])
def test_a_channel_that_certainly_is_another_lead_is_left_out(code) -> None:
    content = _changed(_on_source(_set(CodeValue=code, CodeMeaning="-aVR")))
    assert _read(content).leads == LEADS8[1:]


def test_channels_may_start_within_one_sample() -> None:
    assert _read(_changed(_on_channel(_set(ChannelSampleSkew="0.75")))).leads == LEADS8


def test_absent_correction_and_baseline_change_nothing() -> None:
    drop = _drop("ChannelSensitivityCorrectionFactor", "ChannelBaseline")
    found = _read(_changed(_on_channel(drop)))
    assert (found.lsb[0], found.offset[0]) == (0.0025, 0.0)


@pytest.mark.parametrize(
    ("change", "code", "match"),
    [
        (_set(SOPClassUID=XRayAngiographicImageStorage), "wrong_sop_class",
         "no 12-lead ECG, general ECG, ambulatory ECG waveform; export"),
        (_drop("SOPClassUID"), "wrong_sop_class", "export the ECG as 12-Lead ECG"),
        (_drop("WaveformSequence"), "no_rhythm_waveform", "0 of 0 multiplex groups"),
        (_on_rhythm(_set(WaveformSampleInterpretation="MB")), "unsupported_sample_size",
         "not linear integers of 8 or 16 bits"),
        (_on_rhythm(_set(NumberOfWaveformSamples=500)), "length_mismatch",
         "500 samples of 8 channels take 8000 bytes, the group has 8016"),
        (_on_rhythm(_set(NumberOfWaveformSamples=2**32 - 1)), "length_mismatch", "take 687"),
        (_on_rhythm(_set(NumberOfWaveformSamples=0)), "length_mismatch", "0 samples of 8"),
        (_on_rhythm(_set(NumberOfWaveformChannels=4, NumberOfWaveformSamples=1002)),
         "length_mismatch", "8 channel definitions"),
        (_on_rhythm(_drop("WaveformData")), "length_mismatch", "the group has 0"),
        (_on_rhythm(_drop("SamplingFrequency")), "absurd_fs", "sampling rate nan Hz is outside"),
        (_on_rhythm(_set(SamplingFrequency="0")), "absurd_fs", "sampling rate 0 Hz is outside"),
        (_on_channel(_set(ChannelSampleSkew="1")), "skewed_channels", "a sample or more apart"),
        (_on_source(_set(CodeValue="2:2", CodeMeaning="Lead I")), "contradictory_lead",
         "code and its names stand for different leads"),
        (_on_source(_set(CodeValue="2:62", CodeMeaning="-aVR")), "contradictory_lead", "code and"),
        (_on_source(_set(CodeValue="2:62", CodeMeaning="aVR (inverted)")), "contradictory_lead",
         "correct the channel definition"),
        (_on_source(_set(CodeValue="2:65", CodeMeaning="aVR")), "contradictory_lead", "code and"),
        (_on_channel(_set(ChannelLabel="V6")), "contradictory_lead", "code and"),
        (_on_source(_set(CodeValue="2:0", CodeMeaning="Unspecified lead")), "unknown_lead",
         "'text of 16 characters' is not one of .* found: text of 16 characters, Lead II"),
        (_on_channel(_drop("ChannelSourceSequence")), "unknown_lead", "not one of the twelve"),
        (_on_source(_set(CodeValue="2:2", CodeMeaning="Lead II")), "duplicate_lead", "once: II"),
        (_on_channel(lambda c: c.add_new("ChannelSourceModifiersSequence", "SQ", [Dataset()])),
         "modified_lead", "channel I has source modifiers"),
        (_on_channel(_drop("ChannelSensitivity")), "missing_gain", "lead I has no sensitivity"),
        (_on_channel(_drop("ChannelSensitivityUnitsSequence")), "missing_gain", "with a unit"),
        (_on_channel(lambda c: _set(CodeValue="mm[Hg]")(c.ChannelSensitivityUnitsSequence[0])),
         "unknown_unit", "not a voltage known here"),
        (_on_channel(_set(ChannelSensitivity="0")), "absurd_gain", "of lead I would be 0"),
        (_on_channel(_set(ChannelSensitivity="1e308", ChannelSensitivityCorrectionFactor="99")),
         "absurd_gain", "of lead I would be inf"),
        (_on_channel(lambda c: c.ChannelSourceSequence.append(Dataset())), "unreadable_dicom",
         "ChannelSourceSequence has 2 items where one is allowed"),
        (_on_channel(_set(ChannelBaseline=["1", "2"])), "unreadable_dicom", "TypeError"),
        (_on_rhythm(lambda g: g.add_new("WaveformData", "US", [1, 2, 3])), "unreadable_dicom",
         "WaveformData is not stored as bytes"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(change, code, match) -> None:
    content = _changed(change)
    with pytest.raises(RecordError, match=match) as caught:
        _read(content)
    assert caught.value.code == code


def test_no_lead_at_all() -> None:
    def change(dataset: Dataset) -> None:
        for channel in _rhythm(dataset).ChannelDefinitionSequence:
            _set(CodeValue="2:16", CodeMeaning="Lead X")(channel.ChannelSourceSequence[0])

    with pytest.raises(RecordError, match="no channel is one of the twelve standard leads"):
        _read(_changed(change))


def test_groups_and_channels_are_bounded(monkeypatch) -> None:
    content = _content()[1]
    monkeypatch.setattr(dicom_dataset, "MAX_GROUPS", 1)
    with pytest.raises(RecordError, match="it has 2 multiplex groups"):
        _read(content)
    monkeypatch.undo()
    monkeypatch.setattr(dicom_dataset, "MAX_CHANNELS", 7)
    with pytest.raises(RecordError, match="a multiplex group has 8 channels"):
        _read(content)


@pytest.mark.parametrize("uid", [RLELossless, DeflatedExplicitVRLittleEndian, "1.2.3"])
def test_only_plain_syntaxes_are_opened(uid) -> None:
    plain = b"1.2.840.10008.1.2.1\0"
    # Same length, so that the file stays whole; a deflated body is never unpacked.
    other = str(uid).encode().ljust(len(plain), b"\0")[: len(plain)]
    content = _content()[1]
    length = content.index(plain) - 2
    patched = content[:length] + len(other).to_bytes(2, "little") + other
    patched += content[length + 2 + len(plain) :]
    with pytest.raises(RecordError, match="not stored as plain little-endian values"):
        _read(patched)


def test_a_file_without_preamble_is_recognised_and_refused() -> None:
    content = _content()[1]
    for bare in (content[132:], content[content.index(b"\x08\x00\x05\x00CS") :]):
        with pytest.raises(RecordError, match="128 bytes of preamble and the mark 'DICM'; export"):
            _read(bare)


def test_neither_warnings_nor_logs_quote_the_file(caplog) -> None:
    # No valid age: pydicom would both warn of it and log it, with the text.
    name = IDENTITY.surname[:4]
    content = _content()[1].replace(b"058Y", name.encode())
    with caplog.at_level(logging.DEBUG):
        assert _read(content).meta == {"sex": "female"}
        with pytest.raises(RecordError) as caught:
            _read(content[:-100])
    assert name not in f"{caplog.text} {caught.value} {caught.value.value}"


def test_damage_is_a_record_error() -> None:
    content = _content()[1]
    for cut in (133, 200, 400, 1000, len(content) // 2, len(content) - 1):
        with pytest.raises(RecordError):
            _read(content[:cut], format="dicom_waveform")
    assert math.isfinite(_read(content).physical().sum())
