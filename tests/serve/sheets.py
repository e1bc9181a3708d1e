"""The text of each sheet of a PDF that Chromium printed."""

from __future__ import annotations

import re
import zlib

_OBJECT = re.compile(rb"(?ms)^(\d+) 0 obj\s(.*?)\sendobj")
_STREAM = re.compile(rb"(?s)stream\r?\n(.*)endstream")
# A font that is chosen, or codes of letters that are shown in it.
_SHOWN = re.compile(rb"/(F\d+) \S+ Tf|(<[0-9A-Fa-f]+>|\[[^\]]*\]) ?T[jJ]")
_LETTERS = re.compile(rb"(?s)begin(bfchar|bfrange)\n(.*?)end\1")
_CODE = 4  # hexadecimal digits


def texts(pdf: bytes) -> list[str]:
    """Return the text of every sheet (ISO 32000-1, 9.4 and 9.10), in the order of the file."""
    objects = {int(number): body for number, body in _OBJECT.findall(pdf)}
    return [_text(each, objects) for each in objects.values() if re.search(rb"/Type /Page\b", each)]


def _text(page: bytes, objects: dict[int, bytes]) -> str:
    fonts = {
        name: _alphabet(objects[int(number)], objects)
        for name, number in re.findall(rb"/(F\d+) (\d+) 0 R", page)
    }
    found, own = "", dict[int, str]()
    for font, codes in _SHOWN.findall(_content(page, b"Contents", objects)):
        own = fonts[font] if font else own
        for run in re.findall(rb"<([0-9A-Fa-f]+)>", codes):
            each = [int(run[at : at + _CODE], 16) for at in range(0, len(run), _CODE)]
            found += "".join(own.get(code, "\ufffd") for code in each)
    return found


def _alphabet(font: bytes, objects: dict[int, bytes]) -> dict[int, str]:
    """Return code → letters."""
    found: dict[int, str] = {}
    for kind, lines in _LETTERS.findall(_content(font, b"ToUnicode", objects)):
        for line in lines.splitlines():
            first, *last, letters = re.findall(rb"<([0-9A-Fa-f]+)>", line)
            start = int(first, 16)
            text = bytes.fromhex(letters.decode()).decode("utf-16-be")
            end = int(last[0], 16) if kind == b"bfrange" else start
            for code in range(start, end + 1):
                found[code] = text[:-1] + chr(ord(text[-1]) + code - start)
    return found


def _content(body: bytes, key: bytes, objects: dict[int, bytes]) -> bytes:
    number = re.search(rb"/%s (\d+) 0 R" % key, body)
    stream = _STREAM.search(objects[int(number[1])]) if number else None
    return zlib.decompress(stream[1]) if stream else b""
