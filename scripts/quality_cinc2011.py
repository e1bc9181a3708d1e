"""Quality flags against people's labels, real leads exchanged, and the synthetic cohort's truth.

`python scripts/quality_cinc2011.py <folder>` rewrites the tables between the marks of
docs/quality.md. The folder holds `cinc2011_quality` (Challenge 2011, set a) and `wfdb_ecg`. Limits
were looked at on every second recording of Challenge 2011 and on LUDB's odd numbers; figures are
those of the other halves.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy.stats import binomtest, mannwhitneyu

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from components.core.errors import RecordError  # noqa: E402 - the script runs from anywhere
from components.core.progress import progress  # noqa: E402
from components.core.readers.rawfile import DiskFile  # noqa: E402
from components.core.readers.registry import Declared, read_signal  # noqa: E402
from components.core.signals.assess import assess  # noqa: E402
from components.core.signals.calibration import real_part  # noqa: E402
from components.core.signals.leads import LEADS8, LEADS12  # noqa: E402
from components.core.signals.quality import FLAGS, Quality  # noqa: E402
from components.core.signals.signal import Signal  # noqa: E402
from components.ingest.synthetic.generate import generate  # noqa: E402
from components.ingest.synthetic.options import SyntheticOptions  # noqa: E402
from scripts.marks import write_between  # noqa: E402

DOC = ROOT / "docs" / "quality.md"
# aVF stands before aVL in this export: told by Goldberger's relations, which hold within 2 uV then.
CINC2011_LEADS = (*LEADS12[:4], "aVF", "aVL", *LEADS12[6:])
CINC2011_LSB_MV = 0.005
# What a person calls unacceptable is what cannot be read, not what is paced or exchanged.
UNREADABLE = ("flat", "saturated", "overrange", "noisy", "unstable")
EXCHANGED = {"II": "III", "III": "II", "aVR": "aVL", "aVL": "aVR"}
PATIENTS = 4000
PLANTED = (
    ("flat_lead", "flat"),
    ("noisy", "noisy"),
    ("pacing", "paced"),
    ("arm_reversal", "arm_reversal"),
)


def main() -> None:
    """Judge everything and rewrite the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with cinc2011_quality and wfdb_ecg")
    data = parser.parse_args().data
    cinc = cinc2011(data / "cinc2011_quality")
    ludb = [read(p) for p in _numbered(data / "wfdb_ecg" / "ludb" / "data")]
    others = [
        read(p)
        for name in ("cinc2021", "ptbdb")
        for p in sorted((data / "wfdb_ecg" / name).glob("*.hea"))
    ]
    write_between(DOC, "cinc2011", cinc2011_table(cinc))
    write_between(DOC, "ludb", ludb_table(ludb, others))
    write_between(DOC, "paced", paced_lines(ludb, data / "wfdb_ecg" / "ludb" / "ludb.csv"))
    write_between(DOC, "exchanged", exchanged_table(ludb))
    write_between(DOC, "pulse", pulse_lines([*(s for s, _ in cinc), *ludb, *others]))
    write_between(DOC, "synthetic", synthetic_table())


def _numbered(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.hea"), key=lambda p: int(p.stem))


def read(header: Path) -> Signal:
    """Return the recording of a WFDB header."""
    return read_signal(DiskFile(header, header.parent), Declared())


def cinc2011(folder: Path) -> list[tuple[Signal, bool]]:
    """Return the recordings and whether a person called them unacceptable."""
    labels = pd.read_csv(folder / "labels.csv", dtype=str).set_index("record")["quality"]
    with np.load(folder / "signals_12lead_500hz_int16.npz") as file:
        values, names = file["x"], file["record"]
    lsb, offset = np.full(12, CINC2011_LSB_MV), np.zeros(12)
    return [
        (
            Signal(values=each, fs=500.0, leads=CINC2011_LEADS, unit="mV", lsb=lsb, offset=offset),
            labels[str(name)] == "unacceptable",
        )
        for each, name in zip(values, names, strict=True)
    ]


def judged(what: str, signals: Sequence[Signal], leads: Sequence[str]) -> list[Quality]:
    """Return the quality of every recording, with progress."""
    found: list[Quality] = []
    with progress(what, len(signals), "records") as advance:
        for signal in signals:
            found.append(assess(signal, leads))
            advance(1)
    return found


def share(hits: Iterable[bool]) -> str:
    """Return hits / all, per cent and Wilson's 95 % interval."""
    known = list(hits)
    if not known:
        return "0/0"
    found = binomtest(sum(known), len(known))
    low, high = found.proportion_ci(method="wilson")
    rate = f"{100 * sum(known) / len(known):.0f} % ({100 * low:.0f}–{100 * high:.0f})"
    return f"{sum(known)}/{len(known)} = {rate}"


def cinc2011_table(records: list[tuple[Signal, bool]]) -> list[str]:
    """Return sensitivity and specificity per flag and of all that make unreadable."""
    found = judged("Challenge 2011", [s for s, _ in records], LEADS12)
    bad = [label for _, label in records]
    lines = ["| flag | unacceptable, flagged | acceptable, not flagged |", "|---|---|---|"]
    half = range(1, len(records), 2)

    def row(name: str, rule: Callable[[Quality], bool], at: Iterable[int]) -> str:
        chosen = list(at)
        caught = share(rule(found[i]) for i in chosen if bad[i])
        spared = share(not rule(found[i]) for i in chosen if not bad[i])
        return f"| {name} | {caught} | {spared} |"

    lines += [row(f"`{f}`", lambda q, f=f: q.flags[f] is True, half) for f in FLAGS]
    names = ", ".join(UNREADABLE)
    lines.append(row(f"**any of {names}**", _unreadable, half))
    lines.append(row("the same, the half that was looked at", _unreadable, range(0, 164, 2)))
    lines.append(row("the same, all 164", _unreadable, range(len(records))))
    scores = [np.array([found[i].score for i in half if bad[i] == side]) for side in (True, False)]
    u = mannwhitneyu(scores[1], scores[0]).statistic / (len(scores[0]) * len(scores[1]))
    return [*lines, "", f"AUROC of the score for acceptable (held-out half): {u:.2f}."]


def _unreadable(quality: Quality) -> bool:
    return any(quality.flags[name] for name in UNREADABLE)


def ludb_table(ludb: list[Signal], others: list[Signal]) -> list[str]:
    """Return how many recordings of two collections carry each flag."""
    found = judged("LUDB", ludb, LEADS12), judged("others", others, LEADS12)
    lines = ["| flag | LUDB | Challenge 2021 and PTB |", "|---|---|---|"]
    for name in FLAGS:
        counts = (share(q.flags[name] is True for q in each) for each in found)
        lines.append(f"| `{name}` | {' | '.join(counts)} |")
    clean = (share(not set(q.raised) - {"einthoven"} for q in each) for each in found)
    return [*lines, f"| none but `einthoven` | {' | '.join(clean)} |"]


def paced_lines(ludb: list[Signal], table: Path) -> list[str]:
    """Return what of LUDB's pacemakers is found, against its own diagnoses."""
    told = pd.read_csv(table)["Cardiac pacing"].notna()
    found = [q.flags["paced"] is True for q in judged("pacing", ludb, LEADS12)]
    caught = share(hit for hit, has in zip(found, told, strict=True) if has)
    spared = share(not hit for hit, has in zip(found, told, strict=True) if not has)
    return [f"`paced` against LUDB's diagnoses: found {caught}, not flagged without {spared}."]


def exchanged(signal: Signal) -> Signal:
    """Return the recording as exchanged arm electrodes would have made it."""
    sign = np.where([lead == "I" for lead in signal.leads], -1.0, 1.0)
    names = tuple(EXCHANGED.get(lead, lead) for lead in signal.leads)
    return replace(signal, leads=names, lsb=signal.lsb * sign, offset=signal.offset * sign)


def turned(signal: Signal, lead: str) -> Signal:
    """Return the recording with one lead of the wrong polarity."""
    sign = np.where([name == lead for name in signal.leads], -1.0, 1.0)
    return replace(signal, lsb=signal.lsb * sign, offset=signal.offset * sign)


def exchanged_table(ludb: list[Signal]) -> list[str]:
    """Return what is found of exchanged arms and turned leads, on LUDB's even numbers."""
    held_out = ludb[1::2]
    plain = judged("as recorded", held_out, LEADS8)
    arms = judged("arms exchanged", [exchanged(s) for s in held_out], LEADS8)
    lines = [
        "| from LUDB's even numbers | flag | found | false alarms |",
        "|---|---|---|---|",
    ]
    lines.append(
        f"| arm electrodes exchanged | `arm_reversal` | {_has(arms, 'arm_reversal')} | "
        f"{_has(plain, 'arm_reversal')} |"
    )
    for lead in ("II", "V2", "V3", "V4", "V5", "V6"):
        found = judged(lead, [turned(s, lead) for s in held_out], LEADS8)
        named = share(lead in q.flagged["wrong_polarity"] for q in found)
        false = share(lead in q.flagged["wrong_polarity"] for q in plain)
        lines.append(f"| {lead} turned | `wrong_polarity` | {named} | {false} |")
    swaps = (("V1", "V3"), ("V2", "V4"), ("V2", "V5"))
    for pair in swaps:
        names = {pair[0]: pair[1], pair[1]: pair[0]}
        changed = [
            replace(s, leads=tuple(names.get(lead, lead) for lead in s.leads)) for s in held_out
        ]
        found = judged(" ".join(pair), changed, LEADS8)
        lines.append(
            f"| {pair[0]} and {pair[1]} exchanged | `chest_order` | {_has(found, 'chest_order')} | "
            f"{_has(plain, 'chest_order')} |"
        )
    return lines


def _has(found: Iterable[Quality], name: str) -> str:
    return share(bool(q.flags[name]) for q in found)


def pulse_lines(signals: list[Signal]) -> list[str]:
    """Return how many real recordings are taken to hold a calibration pulse."""
    hits = (real_part(s) != slice(0, s.samples) for s in signals)
    return [f"Calibration pulses found where there is none: {share(hits)}."]


def synthetic_table() -> list[str]:
    """Return sensitivity and specificity against what the synthetic cohort planted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder, SyntheticOptions(patients=PATIENTS), workers=2)
        truth = pq.read_table(folder / "truth.parquet").to_pandas()
        rows = pd.read_csv(folder / "manifest.csv", dtype=str, keep_default_na=False)
        planted = dict(zip(truth["recording_id"], truth["nuisance"], strict=True))
        found = _synthetic(folder, rows)
    lines = ["| planted | flag | found | not flagged without it |", "|---|---|---|---|"]
    for nuisance, flag in PLANTED:
        has = {i: any(n.split(":")[0] == nuisance for n in planted[i].split(";")) for i in found}
        for site in ("A", "B", "C") if nuisance == "noisy" else ("",):
            ids = [i for i in found if i.startswith(site)]
            caught = share(bool(found[i].flags[flag]) for i in ids if has[i])
            spared = share(not found[i].flags[flag] for i in ids if not has[i])
            where = f", site {site}" if site else ""
            lines.append(f"| `{nuisance}`{where} | `{flag}` | {caught} | {spared} |")
    return lines


def _synthetic(folder: Path, rows: pd.DataFrame) -> dict[str, Quality]:
    found: dict[str, Quality] = {}
    with progress("synthetic", len(rows), "records") as advance:
        for row in rows.to_dict("records"):
            advance(1)
            declared = Declared(
                fs=float(row["ecg_fs"]) if row["ecg_fs"] else None,
                unit=row["ecg_unit"] or None,
                leads=tuple(row["ecg_leads"].split(";")) if row["ecg_leads"] else None,
            )
            try:
                signal = read_signal(DiskFile(folder / row["path"], folder), declared)
            except RecordError:
                continue  # one of the broken files that are planted too
            found[row["recording_id"]] = assess(signal)
    return found


if __name__ == "__main__":
    main()
