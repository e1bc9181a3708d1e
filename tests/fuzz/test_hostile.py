"""Files that were made to do harm, read in a process that may take little memory and no network."""

from __future__ import annotations

import io
import json
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tests.fuzz.worker import ALLOWANCE_BYTES

ROOT = Path(__file__).resolve().parents[2]
# Beside the interpreter and its libraries, which is a hundredth of what each bomb would take.
FEW_BYTES = 256 << 20
SECONDS = 5.0

READ = f"""
import json, socket, sys, time
from pathlib import Path
from components.core.errors import RecordError
from components.core.readers.rawfile import MemoryFile
from components.core.readers.registry import Declared, read_signal, readers_by_name
from components.core.readers.wfdb_package import package
from components.core.readers.zipped import memory_file_from_zip
from tests.fuzz.worker import limit_memory

def closed(*args, **more):
    raise AssertionError("a connection was opened")

def attempt(path, name):
    if path.suffix == ".zip":
        raw = memory_file_from_zip(path.read_bytes())
    else:
        files = {{p.name: p.read_bytes() for p in path.parent.iterdir()}}
        raw = MemoryFile(path.name, files[path.name], files)
    read_signal(raw, Declared(fs=500, unit="mV"), format=name)
    return "signal", ""

package()
socket.socket.connect = closed
for path in map(Path, sys.argv[1:]):
    limit_memory({FEW_BYTES})
    began, found = time.process_time(), []
    for name in (None, *readers_by_name()):
        try:
            found.append(attempt(path, name))
        except RecordError as error:
            found.append((error.code, f"{{error.reason}} {{error.value}}"))
        except BaseException as error:
            found.append((repr(error)[:200], ""))
    print(json.dumps([found, time.process_time() - began]), flush=True)
"""


def _zip(files: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@cache
def _bomb() -> bytes:
    return _zip({"a.hea": bytes(400_000_000)})


def _lying(stated: int) -> bytes:
    """Return an archive whose directory states another size than it unpacks to."""
    packed = bytearray(_bomb())
    at = packed.index(b"PK\x01\x02")
    packed[at + 24 : at + 28] = struct.pack("<I", stated)
    return bytes(packed)


def _overlapping() -> bytes:
    """Return an archive whose sixteen names all point to one packed block (Fifield, 2019)."""
    packed = _zip({"a.hea": bytes(40_000_000)})
    at, end = packed.index(b"PK\x01\x02"), packed.index(b"PK\x05\x06")
    entry = packed[at:end]
    entries = b"".join(
        entry.replace(b"a.hea", b"%c.hea" % letter) for letter in b"abcdefghijklmnop"
    )
    tail = bytearray(packed[end:])
    tail[8:12] = struct.pack("<HH", 16, 16)
    tail[12:16] = struct.pack("<I", len(entries))
    return packed[:at] + entries + bytes(tail)


_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
_BASE = b"<RestingECG><Waveform><WaveformType>&x;</WaveformType></Waveform></RestingECG>"
HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "a zip bomb": ("a.zip", _bomb, "archive_too_large"),
    "a bomb that states little": ("a.zip", lambda: _lying(1000), "bad_archive"),
    "a bomb that states four gigabytes": ("a.zip", lambda: _lying(2**32 - 2), "archive_too_large"),
    "one block under sixteen names": ("a.zip", _overlapping, "archive_too_large"),
    "an archive in an archive": (
        "a.zip", lambda: _zip({"a.zip": _zip({"a.hea": b"a 1 500 9\n"})}), "bad_archive"),
    "a path out of the folder": (
        "a.zip", lambda: _zip({"../../CANARY.hea": b"x"}), "bad_file_name"),
    "an absolute path": ("a.zip", lambda: _zip({"/CANARY.hea": b"x"}), "bad_file_name"),
    "a drive's path": ("a.zip", lambda: _zip({"C:\\CANARY.hea": b"x"}), "bad_file_name"),
    "a thousand files": (
        "a.zip", lambda: _zip({f"{n}.hea": b"x" for n in range(1000)}), "archive_too_large"),
    "a packing whose own header asks for memory": (
        "a.zip", lambda: _zip({"a.hea": bytes(10**6)}, zipfile.ZIP_LZMA), "bad_archive"),
    "a billion laughs": (
        "a.xml", lambda: f'<!DOCTYPE r [<!ENTITY l0 "ha">{_LAUGHS}]>'.encode()
        + _BASE.replace(b"&x;", b"&l9;"), "xml_forbidden"),
    "an entity of a megabyte": (
        "a.xml", lambda: b'<!DOCTYPE r [<!ENTITY x "' + b"A" * 10**6 + b'">]>'
        + _BASE.replace(b"&x;", b"&x;" * 5000), "xml_forbidden"),
    "a file named as an entity": (
        "a.xml", lambda: b'<!DOCTYPE r [<!ENTITY x SYSTEM "CANARY.txt">]>' + _BASE,
        "xml_forbidden"),
    "an address named as an entity": (
        "a.xml", lambda: b'<!DOCTYPE r [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]>' + _BASE,
        "xml_forbidden"),
    "an address named as a parameter": (
        "a.xml", lambda: b'<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]>' + _BASE,
        "xml_forbidden"),
    "elements a million deep": (
        "a.xml", lambda: b"<RestingECG>" + b"<a>" * 10**6, "xml_too_large"),
    "elements five million wide": (
        "a.xml", lambda: b"<RestingECG>" + b"<a/>" * 5 * 10**6 + b"</RestingECG>", "xml_too_large"),
    "an attribute of twenty megabytes": (
        "a.xml", lambda: b'<RestingECG a="' + b"A" * 20 * 10**6 + b'"/>', "xml_forbidden"),
    "a header of a million signals": (
        "a.hea", lambda: b"a 999999999 500 10\n" + b"a.dat 16\n" * 10**5, "bad_header"),
    "a header of a petabyte": (
        "a.hea", lambda: b"a 1 500 999999999999999\na.dat 16 200/mV 16 0 0 0 0 I\n",
        "length_mismatch"),
    "a compressed record of a petabyte": (
        "a.hea", lambda: b"a 1 500 999999999999999\na.dat 516 200/mV 16 0 0 0 0 I\n",
        "record_too_large length_mismatch"),
    "a record that holds itself": (
        "a.hea", lambda: b"a/2 1 500 20\na 10\na 10\n", "unsupported_format"),
    "a header that names a file elsewhere": (
        "a.hea", lambda: b"a 1 500 10\n../CANARY.dat 16 200/mV 16 0 0 0 0 I\n", "bad_file_name"),
    "a first line of twenty megabytes": (
        "a.csv", lambda: b"I," * 10**7 + b"\n1\n", "no_ecg_leads"),
    "a cell of fifty megabytes": (
        "a.csv", lambda: b"I,II\n1," + b"9" * 5 * 10**7 + b"\n", "unreadable_csv signal"),
}  # fmt: skip


def test_harm_is_refused_in_little_memory_and_time(tmp_path: Path) -> None:
    paths: list[Path] = []
    for number, (file, make, _) in enumerate(HOSTILE.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "CANARY.txt").write_text("CANARY")
        (folder / "a.dat").write_bytes(bytes(40))
        (folder / file).write_bytes(make())
        paths.append(folder / file)
    done = subprocess.run(
        [sys.executable, "-c", READ, *map(str, paths)], cwd=ROOT, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(paths), done.stderr[-2000:]
    for (name, (_, _, expected)), (found, took) in zip(HOSTILE.items(), answers, strict=True):
        codes = {code for code, _ in found}
        assert codes & set(expected.split()), (name, codes)
        assert all(re.fullmatch("[a-z0-9_]+", code) for code in codes), (name, codes)
        assert not any("CANARY" in said for _, said in found), name
        assert took < SECONDS, name


def test_the_limit_of_memory_holds() -> None:
    take = f"bytearray({2 * ALLOWANCE_BYTES})"
    code = f"from tests.fuzz.worker import limit_memory; limit_memory(); {take}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "MemoryError" in done.stderr
