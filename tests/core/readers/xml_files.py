"""HL7 aECG and Philips Sierra files as the tests want them; shares no code with the readers."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator, Sequence

import numpy as np

from components.core.signals.leads import LEADS8, LEADS12

AECG_ORDER = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6", "III", "AVR", "AVL", "AVF")
TIME = '<head value="20200101"/><increment value="{}" unit="{}"/>'
SUBJECT = (
    "<componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject>"
    '<id extension="HN-998877"/><subjectDemographicPerson><name>Quintanilla</name>'
    '<administrativeGenderCode code="{}"/><birthTime value="19530508"/></subjectDemographicPerson>'
    "</trialSubject></subject></subjectAssignment></componentOf></timepointEvent></componentOf>"
)
AGE = (
    "<controlVariable><relatedObservation><code code='{}'/><value value='{}' unit='{}'/>"
    "</relatedObservation></controlVariable>"
)


def sequence(code: str, body: str, kind: str = "SLIST_PQ") -> str:
    value = f'<value xsi:type="{kind}">{body}</value>'
    return f'<component><sequence><code code="{code}"/>{value}</sequence></component>'


def time(value: str = "0.002", unit: str = "s", code: str = "TIME_ABSOLUTE") -> str:
    return sequence(code, TIME.format(value, unit), "GLIST_TS")


def lead(code: str, row: Sequence[object] | np.ndarray, **over: str) -> str:
    o = {"origin": "0", "scale": "2.5", "unit": "uV", "kind": "SLIST_PQ", **over}
    digits = o.get("digits", " ".join(map(str, row)))
    body = f'<origin value="{o["origin"]}" unit="{o["unit"]}"/>'
    body += f'<scale value="{o["scale"]}" unit="{o["unit"]}"/><digits>{digits}</digits>'
    return sequence(code, body, o["kind"])


def series(sets: Sequence[str], code: str = "RHYTHM", beat: str = "") -> str:
    body = "".join(f"<component><sequenceSet>{s}</sequenceSet></component>" for s in sets)
    return f'<component><series><code code="{code}"/>{body}{beat}</series></component>'


def aecg(
    counts: np.ndarray | None = None,
    leads: Sequence[str] = LEADS8,
    *,
    axis: str | None = None,
    body: str | None = None,
    person: str = SUBJECT.format("F") + AGE.format("21612-7", "56", "a"),
    encoding: str = "UTF-8",
    **over: str,
) -> bytes:
    """A file with a representative beat in it; `axis` and `body` replace time axis and series."""
    if body is None and counts is not None:
        axis = time() if axis is None else axis
        rows = [lead(f"MDC_ECG_LEAD_{n}", r, **over) for n, r in zip(leads, counts, strict=True)]
        beat = "".join(lead(f"MDC_ECG_LEAD_{n}", [7, 7]) for n in leads)
        derived = (
            '<derivation><derivedSeries><code code="REPRESENTATIVE_BEAT"/><component><sequenceSet>'
            f"{time('0.001')}{beat}</sequenceSet></component></derivedSeries></derivation>"
        )
        body = series([axis + "".join(rows)], beat=derived)
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\n<!-- an example -->\n<AnnotatedECG '
        'xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
        f"{person}\n{body}\n</AnnotatedECG>\n"
    )
    return text.encode(encoding)


def _codes(data: bytes) -> Iterator[int]:
    """LZW as in Welch's paper, the dictionary full at 1023 entries, then the end code."""
    table = {bytes([n]): n for n in range(256)}
    word = b""
    for n in data:
        longer = word + bytes([n])
        if longer in table:
            word = longer
            continue
        yield table[word]
        if len(table) < 1023:
            table[longer] = len(table)
        word = bytes([n])
    yield table[word]
    yield 1023


def packed(codes: Iterator[int] | Sequence[int]) -> bytes:
    bits = "".join(f"{code:010b}" for code in codes)
    return bytes(int(bits[i : i + 8].ljust(8, "0"), 2) for i in range(0, len(bits), 8))


def chunk(row: np.ndarray, *, code: int = 1) -> bytes:
    """One XLI channel."""
    x = [int(value) for value in row]
    bends = [2 * x[n - 1] - x[n - 2] - x[n] for n in range(2, len(x))]
    words = x[:2] + [bend + 64 for bend in bends[1:]] + [64] * (len(x) > 2)
    raw = [struct.pack(">h", word) for word in words]
    payload = packed(_codes(bytes(w[0] for w in raw) + bytes(w[1] for w in raw)))
    return struct.pack("<ihh", len(payload), code, bends[0] if bends else 0) + payload


def differences(counts: np.ndarray) -> np.ndarray:
    """Twelve leads with the four derived ones as Sierra stores them."""
    out = counts.astype(int)
    one, two, three = out[:3].copy()
    sums = (two - one, -(one + two) / 2, (one - three) / 2, (two + three) / 2)
    out[2:6] = [np.trunc(s).astype(int) - x for s, x in zip(sums, out[2:6], strict=True)]
    return out


def twelve(counts: np.ndarray) -> np.ndarray:
    """Standard 12 leads from 8, the derived ones rounded and a little off."""
    one, two = counts[0].astype(int), counts[1].astype(int)
    limb = [two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    off = np.random.default_rng(5).integers(-1, 2, (4, counts.shape[1]))
    return np.vstack([[one, two], np.rint(limb) + off, counts[2:]]).astype(np.int16)


def sierra(
    counts: np.ndarray,
    labels: Sequence[str] = LEADS12,
    *,
    version: str = "1.04",
    encoding: str = "UTF-16",
    data: bytes | None = None,
    spare: int = 4,
    person: str = "<age><years>56</years></age><sex>Female</sex>",
    waves: int = 1,
    text: str | None = None,
    **over: str,
) -> bytes:
    """A file of twelve leads and spare channels; `over` replaces attributes and elements."""
    if data is None:
        stored = differences(counts) if tuple(labels[:6]) == LEADS12[:6] else counts
        data = b"".join(map(chunk, [*stored, *[np.zeros(counts.shape[1], int)] * spare]))
    n, ms = str(len(labels)), str(counts.shape[1] * 2)
    a = {"dataencoding": "Base64", "durationperchannel": ms}
    e = {"bitspersample": "16", "signaloffset": "0", "signalsigned": "True", "samplingrate": "500",
         "numberchannelsallocated": n, "numberchannelsvalid": n}  # fmt: skip
    if version == "1.03":
        a |= {"compressflag": "True", "compressmethod": "XLI"}
        e |= {"signalresolution": "5", "acquisitiontype": "STD-12"}
    else:
        a |= {"compression": "XLI", "numberofleads": n, "leadlabels": " ".join(labels),
              "samplespersecond": "500", "resolution": "5", "signaloffset": "0",
              "signalsigned": "True", "bitspersample": "16"}  # fmt: skip
    a = {key: over.get(key, value) for key, value in a.items()}
    e = {key: over.get(key, value) for key, value in e.items()}
    attributes = " ".join(f'{key}="{value}"' for key, value in a.items() if value != "-")
    elements = "".join(f"<{key}>{value}</{key}>" for key, value in e.items() if value != "-")
    body = base64.encodebytes(data).decode() if text is None else text
    kind = over.get("documenttype", "SierraECG" if version == "1.03" else "PhilipsECG")
    whole = (
        f'<?xml version="1.0" encoding="{encoding.lower()}"?>\r\n'
        '<restingecgdata xmlns="http://www3.medical.philips.com"><documentinfo>'
        f"<documenttype>{kind}</documenttype><documentversion>{version}</documentversion>"
        f"</documentinfo><dataacquisition><signalcharacteristics>{elements}"
        "</signalcharacteristics></dataacquisition><patient><generalpatientdata>"
        f"<patientid>HN-998877</patientid><name><lastname>Quintanilla</lastname></name>{person}"
        "</generalpatientdata></patient><waveforms>"
        + f"<parsedwaveforms {attributes}>{body}</parsedwaveforms>" * waves
        + "<repbeats><repbeat>AAAA</repbeat></repbeats></waveforms></restingecgdata>"
    )
    return whole.encode(encoding)
