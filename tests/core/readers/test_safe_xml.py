"""XML is bounded and defines nothing."""

from __future__ import annotations

import pytest

from components.core.errors import RecordError
from components.core.readers import safe_xml
from components.core.readers.safe_xml import parse

BOMB = (
    '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(10))
    + "]><r>&k;</r>"
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>',
        '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:9/e.dtd"> %p;]><r/>',
    ],
    ids=["bomb", "external", "parameter"],
)
def test_entities_are_refused(text) -> None:
    with pytest.raises(RecordError, match="defines entities or external references") as caught:
        parse(text.encode())
    assert caught.value.code == "xml_forbidden"


def test_a_doctype_alone_is_allowed() -> None:
    assert parse(b'<!DOCTYPE r SYSTEM "restecg.dtd"><r><a>1</a></r>').findtext("a") == "1"


def test_depth_is_bounded() -> None:
    deep = safe_xml.MAX_DEPTH
    assert parse(b"<a>" * deep + b"</a>" * deep).tag == "a"
    with pytest.raises(RecordError, match="nests deeper than 64"):
        parse(b"<a>" * (deep + 1) + b"</a>" * (deep + 1))


def test_elements_and_bytes_are_bounded(monkeypatch) -> None:
    monkeypatch.setattr(safe_xml, "MAX_ELEMENTS", 10)
    with pytest.raises(RecordError, match="more than 10 elements"):
        parse(b"<a>" + b"<b/>" * 10 + b"</a>")
    monkeypatch.setattr(safe_xml, "MAX_BYTES", 20)
    with pytest.raises(RecordError, match="has 47 bytes, more than 20"):
        parse(b"<a>" + b"<b/>" * 10 + b"</a>")


@pytest.mark.parametrize(
    "data",
    [b"", b"<a>", b"<a></b>", b"<a>&nbsp;</a>", b'<?xml version="1.0" encoding="none-8"?><a/>',
     "<a>é</a>".encode("latin-1"), b"\xff\xfe<\x00a"],
)  # fmt: skip
def test_malformed_xml_says_where(data) -> None:
    with pytest.raises(RecordError, match=r"malformed at line \d+, column \d+") as caught:
        parse(data)
    assert caught.value.code == "xml_malformed"


def test_elements_are_counted_before_anything_is_built(monkeypatch) -> None:
    monkeypatch.setattr(safe_xml, "MAX_ELEMENTS", 5)
    with pytest.raises(RecordError, match="the XML has more than 5 elements"):
        parse(b"<r>" + b"<a></a>" * 9 + b"</r>")
