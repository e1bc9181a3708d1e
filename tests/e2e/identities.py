"""A cohort in which every file and table names its patients, and files that break while doing so.

Each format of `tests/named_files.py` joins the cohort, whole, cut and damaged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.chain import beats, write_table
from tests.named_files import DIAGNOSIS, PERSON, PLANTED, WRITERS, Written

PATIENTS = 64
# Ids of the source: inside the data folder where they are wanted, nowhere where they are keyed.
PATIENT, RECORDING, FILE = "PIDQX", "RECQX", "FILEQX"


@dataclass(frozen=True, kw_only=True)
class Damage:
    """A way to put what names the patient where a reader looks for something else."""

    format: str
    old: bytes
    new: bytes


_NAME, _TEXT = PERSON.surname.encode(), DIAGNOSIS.encode()
_NUMBER = PERSON.hospital_number.encode()
DAMAGES = (
    Damage(format="muse", old=b"<SampleBase>500", new=b"<SampleBase>" + _NAME),
    Damage(format="muse", old=b"<LeadID>V2", new=b"<LeadID>" + _NAME),
    Damage(format="muse", old=b">MICROVOLTS<", new=b">" + _TEXT + b"<"),
    Damage(format="muse", old=b">4.88<", new=b">" + _NUMBER + b"<"),
    Damage(format="muse", old=b">Rhythm<", new=b">" + _NAME + b"<"),
    Damage(format="muse", old=b"<LeadSampleCountTotal>5000", new=b"<LeadSampleCountTotal>" + _NAME),
    Damage(format="muse", old=b"<WaveFormData>", new=b"<WaveFormData>" + _TEXT + b"!"),
    Damage(format="muse", old=b"</PatientLastName>", new=b"</" + _NAME + b">"),
    Damage(format="wfdb", old=b" 0 V2\n", new=b" 0 " + _NAME + b"\n"),
    Damage(format="wfdb", old=b" 8 500 ", new=b" 8 " + _NUMBER + b" "),
    Damage(format="wfdb", old=b"1000.0(0)/mV", new=b"1000.0(0)/" + _NAME),
    Damage(format="wfdb", old=b"1000.0(0)/mV", new=_NAME),
    Damage(format="wfdb", old=b".dat 16 ", new=b"-" + _NAME + b" 16 "),
    Damage(format="wfdb", old=b".dat 16 ", new=b"/" + _NAME + b" 16 "),
    Damage(format="wfdb", old=b" 16 0 ", new=b" 16 " + _NUMBER + b" "),
    Damage(format="csv", old=b"I,II,", new=b"I," + _NAME + b","),
    Damage(format="csv", old=b"I,II,", new=b"# " + _NAME + b" " + _TEXT + b"\nI,II,"),
    Damage(format="csv", old=b"V6\n", new=b"V6\n" + _NAME + b",1,2,3,4,5,6,7\n"),
    Damage(format="csv", old=b"V6\n", new=b"V6," + _NUMBER + b"\n"),
    Damage(format="csv", old=b"I,II,", new=_NAME + b",II,"),
    Damage(format="hl7_aecg", old=b"MDC_ECG_LEAD_V2", new=_NAME),
    Damage(
        format="hl7_aecg", old=b'increment value="0.002"', new=b'increment value="' + _NAME + b'"'
    ),
    Damage(format="hl7_aecg", old=b'unit="uV"', new=b'unit="' + _TEXT + b'"'),
    Damage(format="hl7_aecg", old=b"SLIST_PQ", new=_NAME),
    Damage(format="hl7_aecg", old=b"<digits>", new=b"<digits>" + _NUMBER + b" "),
    Damage(format="hl7_aecg", old=b'code="RHYTHM"', new=b'code="' + _NAME + b'"'),
    Damage(format="hl7_aecg", old=b'scale value="2.5"', new=b'scale value="' + _NUMBER + b'"'),
    Damage(format="philips_sierra", old=b"I II III", new=b"I " + _NAME + b" III"),
    Damage(format="philips_sierra", old=b">PhilipsECG<", new=b">" + _NAME + b"<"),
    Damage(format="philips_sierra", old=b'"XLI"', new=b'"' + _NAME + b'"'),
    Damage(format="philips_sierra", old=b' resolution="5"', new=b' resolution="' + _NUMBER + b'"'),
    Damage(
        format="philips_sierra", old=b'numberofleads="12"', new=b'numberofleads="' + _NAME + b'"'
    ),
    Damage(
        format="philips_sierra",
        old=b">12</numberchannelsvalid>",
        new=b">" + _NAME + b"</numberchannelsvalid>",
    ),
)


def write(folder: Path) -> Path:
    """Write the cohort and return its manifest; an eighth of the files is damaged."""
    rows = [*_whole(folder), *_broken(folder), *_wrong_cells(folder)]
    write_table(folder / "measurements.csv", list(_measurements()))
    return write_table(folder / "manifest.csv", rows)


def _row(number: int, made: Written, path: str = "") -> dict[str, object]:
    event = number // len(WRITERS) % 2
    leads = ";".join(made.declared.leads or ())
    return {
        "patient_id": f"{PATIENT}{number:04d}", "recording_id": f"{RECORDING}{number:04d}",
        "path": path or made.main, "label": event, "event_time_days": 100 if event else None,
        "followup_days": 400, "index_time": "2020-01-10", "ecg_time": "2020-01-05",
        "ecg_fs": 500, "ecg_unit": "uV", "ecg_leads": leads,
        "age": 50 + number % 30, "sex": "FM"[number % 3 % 2],
        "split": ("train", "train", "val", "test")[number // (2 * len(WRITERS)) % 4],
        **vars(PERSON), "diagnosis": DIAGNOSIS,
    }  # fmt: skip


def _store(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _whole(folder: Path) -> Iterator[dict[str, object]]:
    writers = list(WRITERS.values())
    for number in range(PATIENTS):
        sick = bool(number // len(writers) % 2)
        signal = beats(number, seconds=10, sick=sick).astype(np.float32)
        made = writers[number % len(writers)](f"{FILE}{number:04d}", signal)
        _store(folder, made.files)
        yield _row(number, made)


def _broken(folder: Path) -> Iterator[dict[str, object]]:
    signal, number = beats(0, seconds=10).astype(np.float32), 1000
    for damage in DAMAGES:
        made = WRITERS[damage.format](f"{FILE}{number}", signal)
        content = made.files[made.main].replace(damage.old, damage.new)
        assert content != made.files[made.main], damage
        _store(folder, {**made.files, made.main: content})
        yield _row(number, made)
        number += 1
    for writer in WRITERS.values():
        made = writer(f"{FILE}{number}", signal)
        content = made.files[made.main]
        for cut in (0, 40, 600, len(content) // 2):
            name = f"{FILE}{number}-{cut}{Path(made.main).suffix}"
            _store(folder, {**made.files, name: content[:cut]})
            yield _row(number, made, name)
            number += 1
    _store(folder, {f"{FILE}.txt": " ".join(PLANTED).encode()})
    yield _row(number, made, f"{FILE}.txt")
    yield _row(number + 1, made, f"{FILE}-gone.hea")


def _wrong_cells(folder: Path) -> Iterator[dict[str, object]]:
    made = WRITERS["wfdb"](f"{FILE}2000", beats(0, seconds=10).astype(np.float32))
    _store(folder, made.files)
    wrong: list[dict[str, object]] = [
        {"label": PERSON.surname}, {"label": 7}, {"age": DIAGNOSIS}, {"age": PERSON.birth_date},
        {"index_time": PERSON.surname}, {"split": PERSON.physician},
        {"ecg_fs": PERSON.hospital_number}, {"recording_id": f"{RECORDING}0000"},
    ]  # fmt: skip
    for number, cells in enumerate(wrong, 2000):
        yield {**_row(number, made), **cells}


def _measurements() -> Iterator[dict[str, object]]:
    plain: dict[str, object] = {"time": "2020-02-01", "name": "lvef", "value": 60, "unit": "%"}
    for number in range(PATIENTS):
        yield {"patient_id": f"{PATIENT}{number:04d}", **plain}
    for wrong in ({"time": PERSON.surname}, {"name": PERSON.surname}, {"value": DIAGNOSIS},
                  {"unit": PERSON.hospital_number}, {"patient_id": f"{PATIENT}9999"}):  # fmt: skip
        yield {"patient_id": f"{PATIENT}0000", **plain, **wrong}
