"""The headers of a request as what lies behind may take them."""

from __future__ import annotations

import codecs

from python_multipart.multipart import parse_options_header

from components.serve.problems import ProblemError

_TYPE = b"content-type"
_FORM = b"multipart/form-data"
# Answers are small and never the same twice: no part of one is sent.
_LEFT_OUT = (b"range", b"if-range")
Raw = list[tuple[bytes, bytes]]


def as_read(headers: Raw) -> Raw:
    """Return the headers without those of parts, and a form's so that its text comes as bytes.

    A form's parser reads text that is not UTF-8 as Latin-1 without a word, and models would answer
    from it. So all of it is read as Latin-1, which loses nothing, and `uploads.Text` reads it.

    Raises:
        ProblemError: `wrong-type`: the form states another encoding than UTF-8; `invalid-request`.
    """
    kept = [(name, value) for name, value in headers if name.lower() not in _LEFT_OUT]
    return [(name, _form(value) if name.lower() == _TYPE else value) for name, value in kept]


def _form(value: bytes) -> bytes:
    kind, options = parse_options_header(value)
    boundary = options.get(b"boundary", b"")
    if kind != _FORM or not boundary:
        return value
    if set(boundary) & set(b'"\\'):
        raise ProblemError("invalid-request", "the form's boundary holds a quotation mark")
    if not _is_utf8(options.get(b"charset", b"utf-8")):
        raise ProblemError("wrong-type", "the request is not in UTF-8; send it so")
    return _FORM + b'; boundary="' + boundary + b'"; charset=latin-1'


def _is_utf8(name: bytes) -> bool:
    try:
        return codecs.lookup(name.decode("ascii")).name in ("utf-8", "ascii")
    except (LookupError, ValueError):
        return False
