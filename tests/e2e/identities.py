"""A cohort in which every file and table names its patients, and files that break while doing so.

A new format's writer is one line in `WRITERS`: its files join the cohort, whole and damaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from components.ingest.synthetic.identity import Identity
from components.ingest.synthetic.muse import MuseFacts, muse_xml
from components.ingest.synthetic.plain_formats import csv_waveform, wfdb_record
from components.ingest.synthetic.vcg import LEADS_8
from tests.chain import beats, write_table

PATIENTS = 60
DIAGNOSIS = "PHLOGISTOSIS VERA"
PERSON = Identity(
    surname="QUILLFEATHRY",
    first_name="ELOWYNNA",
    birth_date="03-14-1931",
    hospital_number="MRN00471183",
    physician="HARKENWALD",
    device_serial="SNX77120934",
)
# What may be in no output at all.
PLANTED = (*map(str, vars(PERSON).values()), DIAGNOSIS)
# Ids of the source: inside the data folder where they are wanted, nowhere where they are keyed.
PATIENT, RECORDING, FILE = "PIDQX", "RECQX", "FILEQX"

Files = dict[str, bytes]
Writer = Callable[[str, np.ndarray], tuple[str, Files]]


def _muse(name: str, signal: np.ndarray) -> tuple[str, Files]:
    facts = MuseFacts(identity=PERSON, age=64, female=True, time=datetime(2020, 1, 5, 9, 5),  # noqa: DTZ001
                      rate=71)  # fmt: skip
    content = muse_xml(signal, signal[:, :600], leads=LEADS_8, facts=facts)
    named = content.replace(b"Sinus rhythm", DIAGNOSIS.encode())
    assert named != content
    return f"{name}.xml", {f"{name}.xml": named}


def _wfdb(name: str, signal: np.ndarray) -> tuple[str, Files]:
    comments = tuple(f"{key}: {value}" for key, value in vars(PERSON).items())
    said = (*comments, f"Dx: {DIAGNOSIS}", "Age: 64", "Sex: Female")
    return f"{name}.hea", wfdb_record(signal, name=name, leads=LEADS_8, fs=500, comments=said)


def _csv(name: str, signal: np.ndarray) -> tuple[str, Files]:
    return f"{name}.csv", {f"{name}.csv": csv_waveform(signal, leads=LEADS_8)}


# One line per format.
WRITERS: dict[str, Writer] = {"muse": _muse, "wfdb": _wfdb, "csv": _csv}


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
)


def write(folder: Path) -> Path:
    """Write the cohort and return its manifest; an eighth of the files is damaged."""
    rows = [*_whole(folder), *_broken(folder), *_wrong_cells(folder)]
    return write_table(folder / "manifest.csv", rows)


def _row(number: int, path: str) -> dict[str, object]:
    event = number % 2
    return {
        "patient_id": f"{PATIENT}{number:04d}", "recording_id": f"{RECORDING}{number:04d}",
        "path": path, "label": event, "event_time_days": 100 if event else None,
        "followup_days": 400, "index_time": "2020-01-10", "ecg_time": "2020-01-05",
        "ecg_fs": 500, "ecg_unit": "uV", "age": 50 + number % 30, "sex": "FM"[number % 3 % 2],
        "split": ("train", "train", "val", "test")[number // 2 % 4],
        **vars(PERSON), "diagnosis": DIAGNOSIS,
    }  # fmt: skip


def _store(folder: Path, files: Files) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _whole(folder: Path) -> Iterator[dict[str, object]]:
    writers = list(WRITERS.values())
    for number in range(PATIENTS):
        signal = beats(number, seconds=10, sick=bool(number % 2)).astype(np.float32)
        main, files = writers[number % len(writers)](f"{FILE}{number:04d}", signal)
        _store(folder, files)
        yield _row(number, main)


def _broken(folder: Path) -> Iterator[dict[str, object]]:
    signal, number = beats(0, seconds=10).astype(np.float32), 1000
    for damage in DAMAGES:
        main, files = WRITERS[damage.format](f"{FILE}{number}", signal)
        content = files[main].replace(damage.old, damage.new)
        assert content != files[main], damage
        _store(folder, {**files, main: content})
        yield _row(number, main)
        number += 1
    for writer in WRITERS.values():
        main, files = writer(f"{FILE}{number}", signal)
        for cut in (0, 40, 600, len(files[main]) // 2):
            name = f"{FILE}{number}-{cut}{Path(main).suffix}"
            _store(folder, {**files, name: files[main][:cut]})
            yield _row(number, name)
            number += 1
    (folder / f"{FILE}.txt").write_text(" ".join(PLANTED))
    yield _row(number, f"{FILE}.txt")
    yield _row(number + 1, f"{FILE}-gone.hea")


def _wrong_cells(folder: Path) -> Iterator[dict[str, object]]:
    main, files = WRITERS["wfdb"](f"{FILE}2000", beats(0, seconds=10).astype(np.float32))
    _store(folder, files)
    wrong: list[dict[str, object]] = [
        {"label": PERSON.surname}, {"label": 7}, {"age": DIAGNOSIS}, {"age": PERSON.birth_date},
        {"index_time": PERSON.surname}, {"split": PERSON.physician},
        {"ecg_fs": PERSON.hospital_number}, {"recording_id": f"{RECORDING}0000"},
    ]  # fmt: skip
    for number, cells in enumerate(wrong, 2000):
        yield {**_row(number, main), **cells}
