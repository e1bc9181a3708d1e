"""Decode, pick leads, resample and store raw ECG files: MUSE XML and WFDB in turn."""

from __future__ import annotations

import base64
import importlib
import multiprocessing
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from benchmarks.harness.row import Comparison, Outcome, Row, Values
from components.core.signals.leads import LEADS8, LEADS12

if TYPE_CHECKING:
    from components.ingest.synthetic.muse import MuseFacts

Mix = tuple[str, ...]

FS = 500
RAW = "raw"
WORKERS = 2
MIX = ("muse", "wfdb")
_ENDINGS = {"muse": ".xml", "wfdb": ".hea", "aecg": ".aecg.xml"}
_HL7 = "{urn:hl7-org:v3}"
# Records whose values both sides report, and the samples left out at either end: Fourier resampling
# takes a recording for periodic, ours continues it point-symmetrically.
_CHECKED = 8
_EDGE = 100
# mV: the two resampling filters treat white noise next to the new Nyquist frequency differently.
_TOLERANCE = 0.02


def _prepare(folder: Path, size: int, *, mix: Mix) -> None:
    (folder / RAW).mkdir()
    for number in range(size):
        for name, content in _file(number, mix).items():
            (folder / RAW / name).write_bytes(content)


def _file(number: int, mix: Mix) -> dict[str, bytes]:
    """Return the files of a recording; of each format every other one needs another rate."""
    from benchmarks.harness.signals import recording
    from components.ingest.synthetic.hl7 import aecg_xml
    from components.ingest.synthetic.muse import muse_xml
    from components.ingest.synthetic.plain_formats import wfdb_record

    name, kind = f"r{number:06d}", mix[number % len(mix)]
    other = number // len(mix) % 2 == 1
    leads = LEADS8 if kind == "muse" else LEADS12
    fs = (2 * FS if kind == "wfdb" else FS // 2) if other else FS
    values = recording(number, leads=len(leads), fs=fs)
    if kind == "wfdb":
        return wfdb_record(values, name=name, leads=leads, fs=fs)
    median, facts = values[:, : int(1.2 * fs)], _facts(number)
    write = muse_xml if kind == "muse" else aecg_xml
    return {_name(number, mix): write(values, median, leads=leads, facts=facts, fs=fs)}


def _facts(number: int) -> MuseFacts:
    from components.ingest.synthetic.identity import draw_identity
    from components.ingest.synthetic.muse import MuseFacts

    person = draw_identity(np.random.default_rng(number), birth_year=1960)
    day = datetime(2020, 1, 1)  # noqa: DTZ001 - files of carts hold local time
    return MuseFacts(identity=person, age=60, female=True, time=day, rate=60)


def _name(number: int, mix: Mix) -> str:
    return f"r{number:06d}{_ENDINGS[mix[number % len(mix)]]}"


def _paths(folder: Path) -> list[Path]:
    """Return the file of each recording; a WFDB record has a signal file beside it."""
    return sorted(path for path in (folder / RAW).iterdir() if path.suffix != ".dat")


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _ours(folder: Path, size: int, *, judge: bool) -> Outcome:
    """Run the two stages' own code on two processes, their start and imports included."""
    for name in ("ingest.chunks", "ingest.run", "preprocess.chunks"):  # as the peer's: not timed
        importlib.import_module(f"components.{name}")
    out = _empty(folder / "ours")
    start = time.perf_counter()
    ingested, prepared = _stages(folder, size, out, judge=judge)
    seconds = time.perf_counter() - start
    if (ingested, prepared) != (size, size):
        raise ValueError(f"{size} files gave {ingested} records and {prepared} tensors")
    facts = {"stores": f"{size / seconds:,.0f} ECG/s"}
    return Outcome(seconds=seconds, units=size, result=_stored(out, size), facts=facts)


def _stages(folder: Path, size: int, out: Path, *, judge: bool) -> tuple[int, int]:
    from components.core.config.sections import EcgConfig
    from components.core.parts import part_paths
    from components.core.pool import map_chunks
    from components.ingest.chunks import decode_chunk
    from components.preprocess.chunks import transform_chunk

    for stage in ("ingest", "preprocess"):
        for part in ("shards", "parts"):
            (out / stage / part).mkdir(parents=True)
    chunks = list(_chunks(folder, size))
    decoding = ((number, items, out / "ingest", {}) for number, items in enumerate(chunks))
    ingested = list(map_chunks(decode_chunk, decoding, workers=WORKERS))
    cells = (_cells(part_paths(out / "ingest", number)[2]) for number in range(len(chunks)))
    preparing = (
        (number, rows, out / "ingest" / "shards", out / "preprocess", EcgConfig(judge=judge))
        for number, rows in enumerate(cells)
    )
    prepared = list(map_chunks(transform_chunk, preparing, workers=WORKERS))
    return sum(each.records for each in ingested), sum(each.records for each in prepared)


def _chunks(folder: Path, size: int) -> Iterator[list[Any]]:
    """Yield the records in the chunks of ingest, though never fewer chunks than processes."""
    from components.core.readers.registry import Declared
    from components.ingest.records import FileRef, Record
    from components.ingest.run import CHUNK

    records = [
        Record(
            record_id=path.stem,
            patient_id=path.stem,
            row=number,
            label=0,
            ecg=FileRef(path=path, root=folder / RAW, declared=Declared()),
        )
        for number, path in enumerate(_paths(folder))
    ]
    step = min(CHUNK, -(-size // WORKERS))
    for first in range(0, size, step):
        yield records[first : first + step]


def _cells(part: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    schema = pq.read_schema(part)
    names = [name for name in schema.names if name.startswith("ecg_")] + ["sample_id", "row"]
    return cast(list[dict[str, Any]], pq.read_table(part, columns=names).to_pylist())


def _stored(out: Path, size: int) -> Values:
    from components.core.data.tensors import TensorReader

    reader = TensorReader(out / "preprocess" / "shards", [0])
    row = np.arange(min(_CHECKED, size // WORKERS))
    values = reader.ecg(np.zeros_like(row), row) * reader.scale(np.zeros_like(row), row)[:, :, None]
    return values[:, :, _EDGE:-_EDGE].astype(np.float64)


def peer_file(path: Path, out: Path) -> None:
    """Read one file, pick the eight leads, resample to 500 Hz and save, as a notebook does."""
    import scipy.signal

    read = _wfdb if path.suffix == ".hea" else _aecg if ".aecg" in path.suffixes else _muse
    signal, fs = read(path)
    if fs != FS:
        signal = scipy.signal.resample(signal, int(len(signal) * FS / fs))
    np.save(out / f"{path.stem}.npy", signal.T.astype(np.float32))


def _wfdb(path: Path) -> tuple[npt.NDArray[np.float64], float]:
    import wfdb

    record: Any = wfdb.rdrecord(str(path.with_suffix("")), channel_names=list(LEADS8))
    return record.p_signal, float(record.fs)


def _muse(path: Path) -> tuple[npt.NDArray[np.float64], float]:
    root = ElementTree.parse(path).getroot()  # noqa: S314 - a file this benchmark wrote
    waves = root.iter("Waveform")
    rhythm = next(wave for wave in waves if wave.findtext("WaveformType") == "Rhythm")
    leads = {lead.findtext("LeadID"): _lead(lead) for lead in rhythm.iter("LeadData")}
    return np.stack([leads[n] for n in LEADS8], axis=1), float(rhythm.findtext("SampleBase") or 0)


def _aecg(path: Path) -> tuple[npt.NDArray[np.float64], float]:
    root = ElementTree.parse(path).getroot()  # noqa: S314 - a file this benchmark wrote
    found = f"{_HL7}component/{_HL7}series/{_HL7}component/{_HL7}sequenceSet/{_HL7}component"
    parts = {part[0].attrib["code"]: part for part in root.iterfind(f"{found}/{_HL7}sequence")}
    leads = [_digits(parts[f"MDC_ECG_LEAD_{name}"]) for name in LEADS8]
    step = next(parts["TIME_ABSOLUTE"].iter(f"{_HL7}increment"))
    return np.stack(leads, axis=1), round(1 / float(step.attrib["value"]))


def _digits(sequence: ElementTree.Element) -> npt.NDArray[np.float64]:
    value = sequence[1]
    digits = np.fromstring(value.findtext(f"{_HL7}digits") or "", sep=" ")
    microvolts = float(value[1].attrib["value"])
    return digits * (microvolts / 1000)


def _lead(lead: ElementTree.Element) -> npt.NDArray[np.float64]:
    raw = base64.b64decode(lead.findtext("WaveFormData") or "")
    microvolts = float(lead.findtext("LeadAmplitudeUnitsPerBit") or 0)
    return np.frombuffer(raw, "<i2") * (microvolts / 1000)


def _peer(folder: Path, size: int, *, workers: int) -> Outcome:
    for name in ("scipy.signal", "wfdb"):  # a notebook has imported them before: not timed
        importlib.import_module(name)
    out, paths = _empty(folder / "peer"), _paths(folder)
    one = partial(peer_file, out=out)
    start = time.perf_counter()
    if workers == 1:
        for path in paths:
            one(path)
    else:
        with multiprocessing.Pool(workers) as pool:
            pool.map(one, paths)
    seconds = time.perf_counter() - start
    found = [np.load(out / f"{p.stem}.npy") for p in paths[: min(_CHECKED, size // WORKERS)]]
    facts = {"stores": f"{size / seconds:,.0f} ECG/s"}
    result = np.stack(found)[:, :, _EDGE:-_EDGE].astype(np.float64)
    return Outcome(seconds=seconds, units=size, result=result, facts=facts)


def row(name: str, mix: Mix, *, formats: str, notes: tuple[str, ...]) -> Row:
    """Return the row of a mix of formats, in turn."""
    return Row(
        name=name,
        unit="files",
        sizes=(512, 2048, 8192),
        quick=(12, 24, 48),
        prepare=partial(_prepare, mix=mix),
        work=lambda size: size,
        sides={
            "ours": partial(_ours, judge=False),
            "ours, quality judged": partial(_ours, judge=True),
            "loop": partial(_peer, workers=1),
            "loop on 2 processes": partial(_peer, workers=WORKERS),
        },
        comparisons=tuple(_comparisons(formats)),
        notes=(*notes, *_NOTES),
    )


def _comparisons(formats: str) -> Iterator[Comparison]:
    loop = (
        "`wfdb.rdrecord` (XML: `xml.etree`, base64, `numpy.fromstring`) + `scipy.signal.resample` "
        "loop into `.npy`"
    )
    yield Comparison(
        work=f"decode + lead-pick + resample + store ECGs: {formats}",
        ours="ours", other="loop", ratio=4, tolerance=_TOLERANCE, peer=loop,
    )  # fmt: skip
    yield Comparison(
        work="the same, 2 processes against 2",
        ours="ours", other="loop on 2 processes", ratio=2.5, tolerance=_TOLERANCE,
        peer="the same loop in a pool of 2 processes",
    )  # fmt: skip
    yield Comparison(
        work="the same with signal quality judged (the default), against one process",
        ours="ours, quality judged", other="loop", tolerance=_TOLERANCE,
        peer="the same loop, which judges nothing",
    )  # fmt: skip


_NOTES = (
    "Ours is ingest and preprocess, each on 2 processes with their start, checks of every record, "
    "content hashes, a native-rate copy and flushes to disk included; the peer does none of these. "
    "Signal quality is left out of the first two lines (`judge: false`). Neither side's imports "
    "are timed, but ours in its processes. The files lie in the page cache.",
)

ROW = row(
    "decode_store",
    MIX,
    formats="MUSE, WFDB",
    notes=(
        "Half of the files are MUSE XML (8 leads, 250 or 500 Hz), half WFDB (12 leads, 500 or "
        "1000 Hz), all 10 s; eight leads at 500 Hz are stored.",
    ),
)
