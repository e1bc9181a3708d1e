"""WFDB (site B) and CSV waveforms (site C)."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

# Counts per mV of site B's device, the usual gain of public 16-bit records.
GAIN = 1000.0


def wfdb_record(
    signal: npt.NDArray[np.float32],
    *,
    name: str,
    leads: tuple[str, ...],
    fs: int,
    comments: tuple[str, ...] = (),
) -> dict[str, bytes]:
    """Return header and signal file of `signal` `[leads, samples]` mV by file name.

    Format 16 of the WFDB specification: little-endian int16, the leads interleaved sample by
    sample; the header holds each lead's first value and the 16-bit sum of its samples.
    """
    counts = np.clip(np.rint(signal * GAIN), -32767, 32767).astype("<i2")
    # A sum modulo 2^16, read as a signed number.
    checksums = counts.astype(np.int64).sum(axis=1).astype(np.uint16).view(np.int16)
    lines = [f"{name} {len(leads)} {fs} {counts.shape[1]}"]
    lines += [
        f"{name}.dat 16 {GAIN:.1f}(0)/mV 16 0 {int(row[0])} {int(check)} 0 {lead}"
        for row, check, lead in zip(counts, checksums, leads, strict=True)
    ]
    lines += [f"# {comment}" for comment in comments]
    return {
        f"{name}.hea": ("\n".join(lines) + "\n").encode("ascii"),
        f"{name}.dat": np.ascontiguousarray(counts.T).tobytes(),
    }


def csv_waveform(signal: npt.NDArray[np.float32], *, leads: tuple[str, ...]) -> bytes:
    """Return `signal` `[leads, samples]` mV as whole microvolts, one column per lead."""
    microvolts = np.rint(signal * 1000.0).astype(np.int32)
    columns = pa.table({lead: pa.array(row) for lead, row in zip(leads, microvolts, strict=True)})
    out = io.BytesIO()
    out.write((",".join(leads) + "\n").encode("ascii"))
    csv.write_csv(columns, out, csv.WriteOptions(include_header=False, quoting_style="none"))
    return out.getvalue()
