"""Every real WFDB record equals what the wfdb package reads."""

from __future__ import annotations

import numpy as np
import pytest

from components.core.errors import RecordError
from components.core.readers.rawfile import DiskFile
from components.core.readers.registry import read_signal
from components.core.readers.wfdb_package import package
from components.core.signals.leads import einthoven_residual, find
from components.core.signals.prepare import prepare
from components.core.signals.prepare_config import PrepareConfig

wfdb = package()
pytestmark = pytest.mark.real_data


def _records(root, *folders):
    return [path for each in folders for path in sorted((root / "wfdb_ecg" / each).glob("*.hea"))]


def _agrees(path, root) -> None:
    signal = read_signal(DiskFile(path, root))
    record = wfdb.rdrecord(str(path.with_suffix("")))
    rows = [index for index, name in enumerate(record.sig_name) if find(name)]
    scale = np.array([1e-3 if record.units[i].lower() == "uv" else 1.0 for i in rows])[:, None]
    assert signal.fs == record.fs
    assert signal.leads == tuple(find(record.sig_name[i]) for i in rows)
    np.testing.assert_allclose(
        signal.physical(), record.p_signal.T[rows] * scale, atol=2e-6, rtol=1e-6
    )


def test_challenge_ptb_and_mit_records(real_data) -> None:
    records = _records(real_data, "cinc2021", "ptbdb", "ptbxl", "mitdb")
    assert len(records) >= 33
    for path in records:
        _agrees(path, real_data)


def test_ludb(real_data) -> None:
    records = _records(real_data, "ludb/data")
    assert len(records) == 200
    for path in records[::5]:
        _agrees(path, real_data)


def test_an_unnamed_chest_lead_is_not_guessed(real_data) -> None:
    path = real_data / "wfdb_ecg/cinc2015/a103l.hea"
    with pytest.raises(RecordError, match=r"'V' is not one of .* names found: II, V, PLETH"):
        read_signal(DiskFile(path, real_data))


def test_two_flat_leads_are_masked_and_einthoven_holds(real_data) -> None:
    path = real_data / "wfdb_ecg/cinc2021/JS20004.hea"
    signal = read_signal(DiskFile(path, real_data))
    prepared = prepare(signal, PrepareConfig())
    assert prepared.lead_mask.tolist() == [True, True, True, False, True, False, True, False]
    assert einthoven_residual(signal) < 2e-3  # a count is 1 µV


def test_a_two_lead_holter_record_is_too_few(real_data) -> None:
    signal = read_signal(DiskFile(real_data / "wfdb_ecg/mitdb/100.hea", real_data))
    with pytest.raises(RecordError, match=r"2 of 8 leads .* leads found: II, V5") as caught:
        prepare(signal, PrepareConfig())
    assert caught.value.code == "too_few_leads"
    assert prepare(signal, PrepareConfig(min_leads=2)).lead_mask.sum() == 2


def test_xml_of_other_makers_is_not_taken_for_muse(real_data) -> None:
    for path in sorted((real_data / "ecg_xml").rglob("*.[xX][mM][lL]")):
        if path.stat().st_size:
            with pytest.raises(RecordError):
                read_signal(DiskFile(path, real_data), format="muse")
