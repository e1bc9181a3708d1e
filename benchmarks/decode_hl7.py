"""The same work as `decode_store` with HL7 aECG, whose samples are decimal text, in the mix."""

from __future__ import annotations

from benchmarks.decode_store import MIX, row

ROW = row(
    "decode_hl7",
    (*MIX, "aecg"),
    formats="MUSE, WFDB, HL7 aECG",
    notes=(
        "A third of the files each are MUSE XML (8 leads, 250 or 500 Hz), WFDB (12 leads, 500 or "
        "1000 Hz) and HL7 aECG (12 leads, 250 or 500 Hz), all 10 s; eight leads at 500 Hz are "
        "stored.",
    ),
)
