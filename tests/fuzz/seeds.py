"""Valid files to be damaged: constructed for every reader and source, real ones where there are.

A new reader needs its line in `tests/named_files.py` (or a real file in the sample data that it
recognises), a new source its example in the conformance test of the sources.
"""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io

from components.core.errors import RecordError
from components.core.readers.rawfile import MemoryFile
from components.core.readers.registry import Declared, readers_by_name
from components.core.readers.wfdb_header import FILE_NAME, content_lines
from components.core.signals.leads import LEADS8
from components.ingest.sources.registry import sources_by_name
from tests.core.readers.xml_files import sierra, twelve
from tests.ingest.sources.test_conformance import example
from tests.named_files import FS, PERSON, PLANTED, WRITERS

REAL = Path(__file__).resolve().parents[3] / "shared" / "data"
# Larger samples are left out: they are no other format, only slower.
_MAX_REAL_BYTES = 400_000
_REAL_PER_FOLDER = 2
DECLARED = Declared(fs=500, unit="mV")
IDENTIFYING = tuple(text.encode() for text in PLANTED)


@dataclass(frozen=True, kw_only=True)
class Seed:
    """One valid input.

    Attributes:
        name: unique among all seeds.
        main: name of the file that is handed to the reader or source.
        files: content by name.
        declared: what the manifest would declare.
        options: of a source.
        summed: names of files of which each sample is in a checksum.
        whole: a source is handed the folder; `main` is damaged most often.
    """

    name: str
    main: str
    files: dict[str, bytes]
    declared: Declared = DECLARED
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    summed: tuple[str, ...] = ()
    whole: bool = False


def signal(leads: int = 8, samples: int = 300) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return `[leads, samples]` mV of a plausible size, the same each time."""
    noise = np.random.default_rng(0).normal(size=(leads, samples))
    return (np.cumsum(noise, axis=1) * 0.03).astype(np.float32)


def _written(reader: str, name: str = "r") -> Seed:
    """Return what the format's writer makes of a short recording."""
    made = WRITERS[reader](name, signal())
    return Seed(name=reader, main=made.main, files=made.files, declared=made.declared)


def _muse(plain: Seed) -> Iterator[Seed]:
    content = plain.files["r.xml"]
    yield replace(plain, name="muse crlf", files={"r.xml": content.replace(b"\n", b"\r\n")})
    wide = content.decode("latin-1").replace("ISO-8859-1", "UTF-16").encode("utf-16")
    yield replace(plain, name="muse utf-16", files={"r.xml": wide})


def _wfdb(plain: Seed) -> Iterator[Seed]:
    files = plain.files
    head = files["r.hea"].decode()
    packed = {"r.hea": head.replace(".dat 16 ", ".dat 212 ").encode(), "r.dat": _pack_212(files)}
    yield replace(plain, name="wfdb 212", files=packed, summed=("r.dat",))
    for kind in ("61", "80", "160", "24", "32", "310", "311", "16x2", "16:3", "8", "508", "516"):
        other = {**files, "r.hea": head.replace(".dat 16 ", f".dat {kind} ").encode()}
        # Most do not fit the data: what is damaged is a file that is refused already.
        yield Seed(name=f"wfdb as {kind}", main="r.hea", files=other)
    named = f"# Name: {PERSON.surname}\n".encode()
    segments = {"all.hea": b"all/3 8 500 900\nr 300\nr 300\nr 300\n" + named, **files}
    yield Seed(name="wfdb segments", main="all.hea", files=segments)
    yield Seed(name="wfdb gaps", main="all.hea", files={
        **segments, "all.hea": b"all/3 8 500 900\nr 300\n~ 300\nr 300\n"})  # fmt: skip


def _pack_212(files: dict[str, bytes]) -> bytes:
    """Return the samples of a format-16 file in format 212 (two 12-bit numbers in three bytes)."""
    counts = np.frombuffer(files["r.dat"], "<i2").astype(np.int64).reshape(-1, 2) & 0xFFF
    first, second = counts.T
    low, middle, high = first & 0xFF, (first >> 8) | ((second >> 8) << 4), second & 0xFF
    return np.stack([low, middle, high], axis=1).astype(np.uint8).tobytes()


def _csv(plain: Seed) -> Iterator[Seed]:
    floats = "\n".join(["I;II;V1", *(f"{v:.3f};{-v:.3f};{v / 2:.3f}" for v in signal(1, 60)[0])])
    content = {"r.csv": floats.encode("utf-8-sig")}
    yield replace(plain, name="csv floats", files=content, declared=DECLARED)
    timed = "\r\n".join(["time,I,II", *(f"{i},{i * 3 % 7},{i % 5}" for i in range(60)), ""])
    yield replace(plain, name="csv time", files={"r.csv": timed.encode("utf-16")})
    commas = re.sub(r"(\d)\.(\d)", r"\1,\2", floats)
    yield replace(plain, name="csv comma", files={"r.csv": commas.encode()},
                  declared=Declared(fs=500, unit="mV", decimal=","))  # fmt: skip
    bare = plain.files["r.csv"].split(b"\n", 1)[1]
    yield replace(plain, name="csv bare", files={"r.csv": bare},
                  declared=Declared(fs=500, unit="uV", leads=LEADS8))  # fmt: skip


def _philips(plain: Seed) -> Iterator[Seed]:
    counts = twelve(np.rint(signal() * 200).astype(np.int16))
    yield replace(plain, name="philips 1.04 utf-16", files={"r.xml": sierra(counts)})
    old = sierra(counts, version="1.03", encoding="UTF-8")
    yield replace(plain, name="philips 1.03", files={"r.xml": old})


def _matlab(plain: Seed) -> Iterator[Seed]:
    values = np.rint(signal() * 1000)
    out = io.BytesIO()
    scipy.io.savemat(out, {"val": values, "fs": FS}, do_compression=True)
    yield replace(plain, name="matlab packed", files={"r.mat": out.getvalue()})
    out = io.BytesIO()
    with h5py.File(out, "w", userblock_size=512) as file:
        file["val"] = values.T
        file["val"].attrs["MATLAB_class"] = np.bytes_("double")
    head = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    yield replace(plain, name="matlab 7.3", files={"r.mat": head + out.getvalue()[128:]})


def _npy(plain: Seed) -> Iterator[Seed]:
    for name, values in (("floats", signal()), ("fortran", np.asfortranarray(signal().T))):
        out = io.BytesIO()
        np.save(out, values)
        yield replace(plain, name=f"npy {name}", files={"r.npy": out.getvalue()})


# More ways to write a format than its writer in `tests/named_files.py` knows.
VARIANTS: dict[str, Callable[[Seed], Iterator[Seed]]] = {
    "muse": _muse, "wfdb": _wfdb, "csv": _csv, "philips_sierra": _philips, "matlab": _matlab,
    "npy": _npy,
}  # fmt: skip
# Signal files of which each sample is in a checksum.
_SUMMED = {"wfdb": ("r.dat",)}


@cache
def of_reader(name: str) -> tuple[Seed, ...]:
    """Return a reader's seeds, constructed ones first."""
    real = tuple(seed for reader, seed in _real() if reader == name)
    if name not in WRITERS:
        return real
    first = replace(_written(name), summed=_SUMMED.get(name, ()))
    more = VARIANTS[name](first) if name in VARIANTS else ()
    return (first, *more, *real)


@cache
def _real() -> tuple[tuple[str, Seed], ...]:
    """Return reader and seed of real files, a few per folder."""
    found: list[tuple[str, Seed]] = []
    taken: dict[tuple[Path, str], int] = {}
    for path in sorted(p for f in ("wfdb_ecg", "ecg_xml") for p in (REAL / f).rglob("*.*")):
        key = (path.parent, path.suffix)
        if path.stat().st_size > _MAX_REAL_BYTES or taken.get(key, 0) >= _REAL_PER_FOLDER:
            continue
        files = _with_siblings(path)
        names = [n for n, r in readers_by_name().items() if r.sniff(files[path.name][:4096], "")]
        if len(names) == 1 and sum(map(len, files.values())) <= _MAX_REAL_BYTES:
            taken[key] = taken.get(key, 0) + 1
            name = path.relative_to(REAL).as_posix()
            found.append((names[0], Seed(name=name, main=path.name, files=files)))
    return tuple(found)


def _with_siblings(path: Path) -> dict[str, bytes]:
    files = {path.name: path.read_bytes()}
    if path.suffix == ".hea":
        words = {line.split()[0] for line in list(content_lines(path.read_text("latin-1")))[1:]}
        for name in filter(FILE_NAME.fullmatch, words):
            if (path.parent / name).is_file():
                files[name] = (path.parent / name).read_bytes()
    return files


@cache
def of_source(name: str) -> tuple[Seed, ...]:
    """Return a source's seeds: its three records, as files; none where it reads no file."""
    with tempfile.TemporaryDirectory() as folder:
        path, options = example(name, Path(folder))
        if path == Path():
            return ()
        found = [file for file in Path(folder).rglob("*") if file.is_file()]
        files = {file.relative_to(folder).as_posix(): file.read_bytes() for file in found}
        whole = path.is_dir()
    main = min(files) if whole else path.name
    return (Seed(name=name, main=main, files=files, options=options, whole=whole),)


def source_names() -> list[str]:
    """Return the sources that read files."""
    return [name for name in sorted(sources_by_name()) if of_source(name)]


@cache
def archives() -> tuple[Seed, ...]:
    """Return zip archives of one record each, packed and stored."""
    (first, *_) = of_reader("wfdb")
    seeds: list[Seed] = []
    for kind in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", kind) as archive:
            for name, content in first.files.items():
                archive.writestr(zipfile.ZipInfo(name), content, kind)
        seeds.append(Seed(name=f"zip {kind}", main="a.zip", files={"a.zip": buffer.getvalue()}))
    return tuple(seeds)


def original(seed: Seed, read: Callable[[MemoryFile, Declared], Any]) -> Any:
    """Return what a seed reads as, or None where it is refused."""
    try:
        return read(MemoryFile(seed.main, seed.files[seed.main], seed.files), seed.declared)
    except RecordError:
        return None
