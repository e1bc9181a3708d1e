"""The CirCor layout, small: a table, text files of visits and their sounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chain import write_table
from tests.media_files import write_sound


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One visit as the set describes it."""

    id: str
    sites: tuple[str, ...] = ("AV", "MV")
    murmur: str = "Absent"
    outcome: str = "Normal"
    twin: str = ""
    age: str = "Child"
    height: str = "98.0"

    def cells(self) -> dict[str, str]:
        """Return the row of the table."""
        return {
            "Patient ID": self.id, "Recording locations:": "+".join(self.sites), "Age": self.age,
            "Sex": "Female", "Height": self.height, "Weight": "15.9", "Pregnancy status": "False",
            "Murmur": self.murmur, "Outcome": self.outcome, "Campaign": "CC2014",
            "Additional ID": self.twin,
        }  # fmt: skip

    def files(self) -> list[tuple[str, str]]:
        """Return site and name of each recording."""
        places = [self.sites[: k + 1].count(s) for k, s in enumerate(self.sites)]
        return [
            (s, f"{self.id}_{s}{f'_{k}' if self.sites.count(s) > 1 else ''}.wav")
            for s, k in zip(self.sites, places, strict=True)
        ]


def write_visits(
    folder: Path, visits: Sequence[Visit], *, texts: bool = True, table: bool = True
) -> Path:
    """Write the visits and return the table's path, whether it is there or not."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, visit in enumerate(visits):
        sick = visit.murmur == "Present"
        for k, (_, name) in enumerate(visit.files()):
            write_sound(folder, name, seed=100 * number + k, fs=4000, sick=sick)
        if texts:
            write_text(folder, visit)
    path = folder / "training_data.csv"
    return write_table(path, [dict(v.cells()) for v in visits]) if table else path


def write_text(folder: Path, visit: Visit) -> None:
    """Write a visit's text file."""
    lines = [f"{visit.id} {len(visit.sites)} 4000"]
    for site, name in visit.files():
        stem = name.removesuffix(".wav")
        lines.append(f"{site} {stem}.hea {stem}.wav {stem}.tsv")
    told = {
        k: v for k, v in visit.cells().items() if k not in {"Patient ID", "Recording locations:"}
    }
    lines += [f"#{key}: {value or 'nan'}" for key, value in told.items()]
    (folder / f"{visit.id}.txt").write_text("\n".join(lines) + "\n")
