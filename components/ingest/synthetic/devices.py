"""How each site stores a recording: format, sampling rate, leads and their order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from components.ingest.synthetic.hl7 import aecg_xml
from components.ingest.synthetic.identity import Identity
from components.ingest.synthetic.muse import FS, MuseFacts, muse_xml
from components.ingest.synthetic.plain_formats import csv_waveform, wfdb_record
from components.ingest.synthetic.vcg import LEADS_8, LEADS_12, twelve

Signal32 = npt.NDArray[np.float32]

BROKEN = ("truncated", "empty", "unknown_lead")
UNKNOWN_LEAD = "VX"
# Share of site B's records at 1000 Hz and in an unusual order, and of site C's 12-lead exports and
# those in HL7 aECG.
_FAST_SHARE, _REORDERED_SHARE, _TWELVE_SHARE, _AECG_SHARE = 0.3, 0.2, 0.3, 0.4
_EXTENSION = {"A": "xml", "B": "hea", "C": "csv"}


@dataclass(frozen=True, kw_only=True)
class Device:
    """How one recording is stored; `leads` in file order, before any lead goes missing.

    Attributes:
        site: A, B or C.
        fs: sampling rate in Hz.
        leads: names in the file's order.
        aecg: whether the file is HL7 aECG and not what the site writes otherwise.
    """

    site: str
    fs: int
    leads: tuple[str, ...]
    aecg: bool = False

    @property
    def declares(self) -> bool:
        """Return whether the manifest must say what the file cannot."""
        return self.site == "C" and not self.aecg

    @property
    def extension(self) -> str:
        """Return the ending of the file that the manifest names."""
        return "xml" if self.aecg else _EXTENSION[self.site]


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """Whose recording it is, as far as a file header says."""

    identity: Identity
    age: int
    female: bool
    time: datetime
    rate: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Stored:
    """One recording as files.

    Attributes:
        path: the file that the manifest names, relative.
        files: content by relative path.
        declared: `(fs, unit, leads)` where the format cannot say it, else empty texts.
    """

    path: str
    files: dict[str, bytes]
    declared: tuple[str, str, str] = ("", "", "")


def draw_device(site: str, rng: np.random.Generator) -> Device:
    """Draw how the site stores this recording."""
    first, second = rng.random(2)
    if site == "A":
        return Device(site=site, fs=FS, leads=LEADS_8)
    if site == "B":
        order = LEADS_12[6:] + LEADS_12[:6] if second < _REORDERED_SHARE else LEADS_12
        return Device(site=site, fs=1000 if first < _FAST_SHARE else 500, leads=order)
    aecg = bool(second < _AECG_SHARE)
    if first < _TWELVE_SHARE:
        # The format's published examples list the other limb leads last.
        order = LEADS_8 + LEADS_12[2:6] if aecg else LEADS_12
        return Device(site=site, fs=500, leads=order, aecg=aecg)
    return Device(site=site, fs=250, leads=LEADS_8, aecg=aecg)


def store(
    signal: Signal32,
    median: Signal32,
    *,
    device: Device,
    name: str,
    bearer: Bearer,
    missing_lead: int = -1,
    broken: str = "",
) -> Stored:
    """Return the files of one recording.

    Args:
        signal: `[8, samples]` mV in the order of `LEADS_8`.
        median: `[8, 600]` mV, the average beat that MUSE files carry too.
        device: format, rate and order.
        name: recording id, the file's stem.
        bearer: header facts.
        missing_lead: index into `LEADS_8` of a lead the file leaves out, or -1.
        broken: one of `BROKEN`, or empty.
    """
    gone = LEADS_8[missing_lead] if missing_lead >= 0 else ""
    leads = tuple(lead for lead in device.leads if lead != gone)
    ordered, beat = _rows(signal, leads), _rows(median, leads)
    if broken == "unknown_lead":
        leads = (*leads[:-1], UNKNOWN_LEAD)
    files = _encode(ordered, beat, device=replace(device, leads=leads), name=name, bearer=bearer)
    folder = PurePosixPath("ecg") / device.site
    path = f"{name}.{device.extension}"
    declared = (str(device.fs), "uV", ";".join(leads)) if device.declares else ("", "", "")
    return Stored(
        path=str(folder / path),
        files={str(folder / key): _damage(value, broken) for key, value in files.items()},
        declared=declared,
    )


def _rows(signal: Signal32, leads: tuple[str, ...]) -> Signal32:
    full = twelve(signal)
    return full[[LEADS_12.index(lead) for lead in leads]]


def _encode(
    signal: Signal32, median: Signal32, *, device: Device, name: str, bearer: Bearer
) -> dict[str, bytes]:
    leads, fs = device.leads, device.fs
    if device.aecg:
        content = aecg_xml(signal, median, leads=leads, facts=_facts(bearer), fs=fs)
        return {f"{name}.xml": content}
    if device.site == "A":
        return {f"{name}.xml": muse_xml(signal, median, leads=leads, facts=_facts(bearer))}
    if device.site == "B":
        comments = (f"Age: {bearer.age}", f"Sex: {'Female' if bearer.female else 'Male'}")
        return wfdb_record(signal, name=name, leads=leads, fs=fs, comments=comments)
    return {f"{name}.csv": csv_waveform(signal, leads=leads)}


def _facts(bearer: Bearer) -> MuseFacts:
    return MuseFacts(
        identity=bearer.identity,
        age=bearer.age,
        female=bearer.female,
        time=bearer.time,
        rate=bearer.rate,
    )


def _damage(content: bytes, broken: str) -> bytes:
    """Empty a file, or cut it at about 60 %: text inside a row, samples inside a number."""
    if broken == "empty":
        return b""
    if broken != "truncated":
        return content
    cut = int(len(content) * 0.6) | 1
    # Signal files hold zero bytes; in text the cut lies in the first cell of a row, for a row that
    # ends early by a digit of its last cell could not be told from a whole one.
    return content[:cut] if b"\0" in content else content[: content.rfind(b"\n", 0, cut) + 2]
