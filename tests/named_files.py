"""One recording in every format, as devices write it: with the patient's name in it.

A new format is one line in `WRITERS`; the fuzzer, the search for identities and the inspection take
it up from there.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import scipy.io

from components.core.readers.registry import Declared
from components.ingest.synthetic.dicom import DicomFacts, dicom_ecg
from components.ingest.synthetic.hl7 import aecg_xml
from components.ingest.synthetic.identity import Identity
from components.ingest.synthetic.muse import MuseFacts, muse_xml
from components.ingest.synthetic.plain_formats import csv_waveform, wfdb_record
from components.ingest.synthetic.vcg import LEADS_8
from tests.core.readers.xml_files import sierra, twelve

FS = 500
DIAGNOSIS = "PHLOGISTOSIS VERA"
PERSON = Identity(
    surname="QUILLFEATHRY",
    first_name="ELOWYNNA",
    birth_date="03-14-1931",
    hospital_number="MRN00471183",
    physician="HARKENWALD",
    device_serial="SNX77120934",
)
# What names the patient: no number of the signal depends on it, and no output may show it.
PLANTED = (*map(str, vars(PERSON).values()), "19310314", DIAGNOSIS)
_TIME = datetime(2020, 1, 5, 9, 5)  # noqa: DTZ001 - hospital files hold local times
_MUSE = MuseFacts(identity=PERSON, age=64, female=True, time=_TIME, rate=71)


@dataclass(frozen=True, kw_only=True)
class Written:
    """A recording as files.

    Attributes:
        main: name of the file that a manifest names.
        files: content by name.
        declared: what the manifest must say.
    """

    main: str
    files: dict[str, bytes]
    declared: Declared = field(default_factory=Declared)


Writer = Callable[[str, np.ndarray], Written]


def _one(name: str, content: bytes, declared: Declared | None = None) -> Written:
    return Written(main=name, files={name: content}, declared=declared or Declared())


def _muse(stem: str, signal: np.ndarray) -> Written:
    content = muse_xml(signal, signal[:, :600], leads=LEADS_8, facts=_MUSE)
    return _one(f"{stem}.xml", content.replace(b"Sinus rhythm", DIAGNOSIS.encode()))


def _hl7(stem: str, signal: np.ndarray) -> Written:
    content = aecg_xml(signal, signal[:, :600], leads=LEADS_8, facts=_MUSE, fs=FS)
    note = f"<annotation>\n<text>{DIAGNOSIS}</text>\n".encode()
    return _one(f"{stem}.xml", content.replace(b"<annotation>\n", note))


def _philips(stem: str, signal: np.ndarray) -> Written:
    names = "".join(f"<{key}>{value}</{key}>" for key, value in vars(PERSON).items())
    person = f"{names}<statement>{DIAGNOSIS}</statement><age><years>64</years></age>"
    counts = twelve(np.rint(signal * 200).astype(np.int16))
    return _one(f"{stem}.xml", sierra(counts, person=person, encoding="UTF-8"))


def _dicom(stem: str, signal: np.ndarray) -> Written:
    facts = DicomFacts(identity=PERSON, age=64, female=True, time=_TIME)
    return _one(f"{stem}.dcm", dicom_ecg(signal, signal[:, :600], leads=LEADS_8, facts=facts))


def _wfdb(stem: str, signal: np.ndarray) -> Written:
    comments = tuple(f"{key}: {value}" for key, value in vars(PERSON).items())
    said = (*comments, f"Dx: {DIAGNOSIS}", "Age: 64", "Sex: Female")
    files = wfdb_record(signal, name=stem, leads=LEADS_8, fs=FS, comments=said)
    return Written(main=f"{stem}.hea", files=files)


def _csv(stem: str, signal: np.ndarray) -> Written:
    return _one(f"{stem}.csv", csv_waveform(signal, leads=LEADS_8), Declared(fs=FS, unit="uV"))


def _npy(stem: str, signal: np.ndarray) -> Written:
    out = io.BytesIO()
    np.save(out, np.rint(signal * 1000).astype(np.int16))
    return _one(f"{stem}.npy", out.getvalue(), Declared(fs=FS, unit="uV", leads=LEADS_8))


def _matlab(stem: str, signal: np.ndarray) -> Written:
    out = io.BytesIO()
    scipy.io.savemat(out, {"val": np.rint(signal * 1000).astype(np.int16)})
    # The first 116 bytes are a text for people.
    text = f"MATLAB 5.0 MAT-file of {PERSON.first_name} {PERSON.surname}, {DIAGNOSIS}"
    content = text.encode().ljust(116) + out.getvalue()[116:]
    return _one(f"{stem}.mat", content, Declared(fs=FS, unit="uV", leads=LEADS_8))


# One line per reader.
WRITERS: dict[str, Writer] = {
    "muse": _muse, "hl7_aecg": _hl7, "philips_sierra": _philips, "dicom_waveform": _dicom,
    "wfdb": _wfdb, "csv": _csv, "npy": _npy, "matlab": _matlab,
}  # fmt: skip
