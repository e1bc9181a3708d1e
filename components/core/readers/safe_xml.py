"""XML from an unknown hand: no entity, nothing external, size and depth bounded."""

from __future__ import annotations

from xml.etree import ElementTree
from xml.parsers.expat import ExpatError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from components.core.errors import RecordError

# Twelve leads of 24 h would be a Holter file, not XML; the largest aECG with annotations has 20 MB.
MAX_BYTES = 50_000_000
# HL7 aECG nests 25 deep.
MAX_DEPTH = 64
# An annotated 12-lead aECG holds some 20,000 elements.
MAX_ELEMENTS = 500_000


class _BoundedBuilder:
    """Builds a tree and refuses one that is too deep or has too many elements."""

    def __init__(self) -> None:
        self._builder = ElementTree.TreeBuilder()
        self._depth = 0
        self._elements = 0
        self.data = self._builder.data
        self.close = self._builder.close

    def start(self, tag: str, attributes: dict[str, str]) -> ElementTree.Element:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH:
            raise _hostile("xml_too_deep", f"the XML nests deeper than {MAX_DEPTH} elements")
        if self._elements > MAX_ELEMENTS:
            raise _hostile("xml_too_large", f"the XML has more than {MAX_ELEMENTS} elements")
        return self._builder.start(tag, attributes)

    def end(self, tag: str) -> ElementTree.Element:
        self._depth -= 1
        return self._builder.end(tag)


def parse(data: bytes) -> ElementTree.Element:
    """Return the root element of `data`; a DOCTYPE is allowed, what it could define is not.

    Raises:
        RecordError: `xml_too_large`, `xml_too_deep`, `xml_forbidden` (an entity or external
            reference), `xml_malformed`.
    """
    if len(data) > MAX_BYTES:
        raise _hostile("xml_too_large", f"the XML has {len(data)} bytes, more than {MAX_BYTES}")
    parser = DefusedXMLParser(
        target=_BoundedBuilder(), forbid_dtd=False, forbid_entities=True, forbid_external=True
    )
    try:
        parser.feed(data)
        return parser.close()
    except DefusedXmlException:
        raise _hostile("xml_forbidden", "the XML defines entities or external references") from None
    except (ElementTree.ParseError, ExpatError, ValueError, LookupError) as error:
        line, column = getattr(error, "position", (0, 0))
        raise RecordError(
            "xml_malformed",
            f"the XML breaks off or is malformed at line {line}, column {column}",
            field="xml",
            value=f"line {line}",
            advice="export the file again",
        ) from None


def _hostile(code: str, reason: str) -> RecordError:
    return RecordError(code, reason, field="xml", advice="export the file again without them")
