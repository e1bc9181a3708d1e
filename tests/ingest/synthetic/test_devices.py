"""Files hold the signal they were given, by independent means of reading."""

from __future__ import annotations

import base64
import io
import xml.etree.ElementTree as ET
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.ingest.synthetic.devices import Bearer, Device, Stored, draw_device, store
from components.ingest.synthetic.identity import draw_identity
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.vcg import LEADS_8, LEADS_12, twelve

SIGNAL = (0.4 * stream(1, "signal").standard_normal((8, 5000))).astype(np.float32)
MEDIAN = SIGNAL[:, :600]
BEARER = Bearer(
    identity=draw_identity(stream(1, "identity"), birth_year=1960),
    age=61,
    female=True,
    time=datetime(2021, 3, 4, 10, 30),  # noqa: DTZ001 - hospital files hold local times
    rate=71,
)


def stored(
    site: str, leads: tuple[str, ...], *, missing: int = -1, broken: str = "", aecg: bool = False
) -> Stored:
    return store(
        SIGNAL,
        MEDIAN,
        device=Device(site=site, fs=500, leads=leads, aecg=aecg),
        name="R1",
        bearer=BEARER,
        missing_lead=missing,
        broken=broken,
    )


# wfdb's import calls what pandas is about to drop.
@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_wfdb_is_read_back_by_wfdb(tmp_path: Path) -> None:
    import wfdb

    order = LEADS_12[6:] + LEADS_12[:6]
    for name, content in stored("B", order).files.items():
        (tmp_path / Path(name).name).write_bytes(content)
    record: Any = wfdb.rdrecord(str(tmp_path / "R1"), physical=False)
    assert tuple(record.sig_name) == order
    assert record.fs == 500
    # wfdb sums without sign, headers are written with one: the same 16 bits.
    assert [value % 65536 for value in record.checksum] == record.calc_checksum()
    assert all(-32768 <= value <= 32767 for value in record.checksum)
    rows = twelve(SIGNAL)[[LEADS_12.index(lead) for lead in order]]
    np.testing.assert_allclose(record.d_signal.T / 1000, rows, atol=0.0006)


def test_muse_holds_median_then_rhythm() -> None:
    content = stored("A", LEADS_8).files["ecg/A/R1.xml"]
    assert content.startswith(b'<?xml version="1.0" encoding="ISO-8859-1"?>')
    assert b'<!DOCTYPE RestingECG SYSTEM "restecg.dtd">' in content
    root = ET.fromstring(content)  # noqa: S314 - written by ourselves
    waveforms = root.findall("Waveform")
    assert [each.findtext("WaveformType") for each in waveforms] == ["Median", "Rhythm"]
    rhythm = waveforms[1].findall("LeadData")
    assert tuple(each.findtext("LeadID") for each in rhythm) == LEADS_8
    for lead, row in zip(rhythm, SIGNAL, strict=True):
        counts = np.frombuffer(base64.b64decode(lead.findtext("WaveFormData") or ""), "<i2")
        assert len(counts) == int(lead.findtext("LeadSampleCountTotal") or 0) == 5000
        np.testing.assert_allclose(counts * 4.88e-3, row, atol=0.00245)


def test_aecg_holds_the_rhythm_and_a_beat_derived_from_it() -> None:
    order = LEADS_8 + LEADS_12[2:6]
    root = ET.fromstring(stored("C", order, aecg=True).files["ecg/C/R1.xml"])  # noqa: S314
    names = {"h": "urn:hl7-org:v3"}
    (series,) = root.findall("h:component/h:series", names)
    (beat,) = series.findall("h:derivation/h:derivedSeries", names)
    for part, kind, signal in ((series, "RHYTHM", SIGNAL), (beat, "REPRESENTATIVE_BEAT", MEDIAN)):
        assert part.find("h:code", names).get("code") == kind  # type: ignore[union-attr]
        time, *leads = part.findall("h:component/h:sequenceSet/h:component/h:sequence", names)
        assert time.find("h:value/h:increment", names).attrib == {"value": "0.002", "unit": "s"}  # type: ignore[union-attr]
        codes = [each.find("h:code", names).get("code") for each in leads]  # type: ignore[union-attr]
        assert codes == [f"MDC_ECG_LEAD_{lead.upper()}" for lead in order]
        digits = [(each.findtext("h:value/h:digits", "", names)).split() for each in leads]
        rows = twelve(signal)[[LEADS_12.index(lead) for lead in order]]
        np.testing.assert_allclose(np.array(digits, int) * 2.5e-3, rows, atol=0.00126)


def test_aecg_header_carries_planted_identifiers() -> None:
    content = stored("C", LEADS_8, aecg=True).files["ecg/C/R1.xml"].decode()
    person = BEARER.identity
    month, day, year = person.birth_date.split("-")
    for text in (person.surname, person.first_name, person.physician, person.hospital_number,
                 person.device_serial, year + month + day):  # fmt: skip
        assert text in content


def test_a_share_of_site_c_is_aecg_and_no_other_site() -> None:
    drawn = {
        site: [draw_device(site, stream(1, "device", n)) for n in range(400)] for site in "ABC"
    }
    assert not any(each.aecg for site in "AB" for each in drawn[site])
    assert 0.3 < np.mean([each.aecg for each in drawn["C"]]) < 0.5
    forms = {(each.aecg, each.fs, each.leads) for each in drawn["C"]}
    limb_last = LEADS_8 + LEADS_12[2:6]
    assert forms == {
        (False, 250, LEADS_8), (False, 500, LEADS_12), (True, 250, LEADS_8), (True, 500, limb_last),
    }  # fmt: skip


def test_muse_header_carries_planted_identifiers() -> None:
    content = stored("A", LEADS_8).files["ecg/A/R1.xml"].decode("iso-8859-1")
    person = BEARER.identity
    for text in (person.surname, person.physician, person.birth_date, person.hospital_number):
        assert text in content


def test_csv_holds_microvolts_and_declares_what_it_cannot_say() -> None:
    found = stored("C", LEADS_8)
    frame = pd.read_csv(io.BytesIO(found.files["ecg/C/R1.csv"]))
    assert tuple(frame.columns) == LEADS_8
    np.testing.assert_allclose(frame.to_numpy().T / 1000, SIGNAL, atol=0.0006)
    assert found.declared == ("500", "uV", ";".join(LEADS_8))


@pytest.mark.parametrize(("site", "aecg"), [("A", False), ("B", False), ("C", True)])
def test_formats_that_describe_themselves_declare_nothing(site: str, aecg: bool) -> None:
    assert stored(site, LEADS_8, aecg=aecg).declared == ("", "", "")


def test_missing_lead_is_left_out() -> None:
    found = stored("C", LEADS_8, missing=4)
    assert "V3" not in found.declared[2].split(";")
    assert len(pd.read_csv(io.BytesIO(found.files["ecg/C/R1.csv"])).columns) == 7


@pytest.mark.parametrize(("site", "aecg"), [("A", False), ("B", False), ("C", False), ("C", True)])
def test_broken_files_are_broken(site: str, aecg: bool) -> None:
    whole = stored(site, LEADS_8, aecg=aecg).files
    for name, content in stored(site, LEADS_8, broken="truncated", aecg=aecg).files.items():
        assert content == whole[name][: len(content)]
        assert len(content) < 0.7 * len(whole[name])
    assert set(stored(site, LEADS_8, broken="empty", aecg=aecg).files.values()) == {b""}
    odd = b"".join(stored(site, LEADS_8, broken="unknown_lead", aecg=aecg).files.values())
    assert b"VX" in odd
    assert b"VX" not in stored("C", LEADS_8).files["ecg/C/R1.csv"]


def test_truncated_csv_ends_inside_a_row() -> None:
    content = stored("C", LEADS_8, broken="truncated").files["ecg/C/R1.csv"]
    assert content.split(b"\n")[-1].count(b",") < 7
