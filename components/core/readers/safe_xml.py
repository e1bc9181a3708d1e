"""XML from an unknown hand: no entity, nothing external, size and depth bounded."""

from __future__ import annotations

from lxml import etree

from components.core.errors import RecordError

# Twelve leads of 24 h would be a Holter file, not XML; the largest aECG with annotations has 20 MB.
MAX_BYTES = 50_000_000
# HL7 aECG nests 25 deep.
MAX_DEPTH = 64
# An annotated 12-lead aECG holds some 20,000 elements.
MAX_ELEMENTS = 500_000
# The shortest element is `<a/>`.
_LEAST_BYTES = 4
# libxml2 gives up on entities that grow or loop, and on a text of more than 10 MB.
_LIMITS = (etree.ErrorTypes.ERR_ENTITY_LOOP, etree.ErrorTypes.ERR_RESOURCE_LIMIT)


def parse(data: bytes) -> etree._Element:  # pyright: ignore[reportPrivateUsage] - its only name
    """Return the root element of `data`; a DOCTYPE is allowed, what it could define is not.

    Raises:
        RecordError: `xml_too_large`, `xml_too_deep`, `xml_forbidden` (an entity or external
            reference), `xml_malformed`.
    """
    if len(data) > MAX_BYTES:
        raise _hostile("xml_too_large", f"the XML has {len(data)} bytes, more than {MAX_BYTES}")
    many = len(data) > _LEAST_BYTES * MAX_ELEMENTS
    # An element has a start and mostly an end: this bounds memory before anything is built.
    if many and data.count(b"<") > 2 * MAX_ELEMENTS:
        raise _too_many()
    # A parser for each file: libxml2 keeps the names a parser has met for as long as it lives.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        if getattr(error, "code", None) in _LIMITS:
            raise _defines() from None
        line, column = getattr(error, "position", (0, 0))
        raise RecordError(
            "xml_malformed",
            f"the XML breaks off or is malformed at line {line}, column {column}",
            field="xml",
            value=f"line {line}",
            advice="export the file again",
        ) from None
    _check(root)
    if many and root.xpath("count(//*)") > MAX_ELEMENTS:
        raise _too_many()
    return root


def _check(root: etree._Element) -> None:  # pyright: ignore[reportPrivateUsage]
    own = root.getroottree().docinfo.internalDTD
    defines = own is not None and next(iter(own.iterentities()), None) is not None
    # Entities are never resolved; where one is referred to, the text around it would be cut short.
    if defines or next(root.iter(etree.Entity), None) is not None:
        raise _defines()
    if root.xpath(f"boolean({'/*' * (MAX_DEPTH + 1)})"):
        raise _hostile("xml_too_deep", f"the XML nests deeper than {MAX_DEPTH} elements")


def _defines() -> RecordError:
    return _hostile(
        "xml_forbidden",
        "the XML defines entities or external references, or holds a text over 10 MB",
    )


def _too_many() -> RecordError:
    return _hostile("xml_too_large", f"the XML has more than {MAX_ELEMENTS} elements")


def _hostile(code: str, reason: str) -> RecordError:
    return RecordError(code, reason, field="xml", advice="export the file again without them")
