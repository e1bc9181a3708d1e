"""Where on a page of ECG paper which lead lies: millimetres, and shares of the page.

25 mm/s and 10 mm/mV; three rows of four leads with 2.5 s each and a rhythm strip of 10 s (the
usual 3 x 4 printout). The origin is the upper left corner.
"""

from __future__ import annotations

from dataclasses import dataclass

MM_PER_S, MM_PER_MV = 25.0, 10.0
WIDTH_MM, HEIGHT_MM = 280.0, 160.0
ROWS = (("I", "aVR", "V1", "V4"), ("II", "aVL", "V2", "V5"), ("III", "aVF", "V3", "V6"))
RHYTHM_LEAD = "II"
COLUMN_S = 2.5
# Left of the first sample lies the calibration pulse; below the head each row takes its height.
LEFT_MM, TOP_MM, ROW_MM = 20.0, 16.0, 35.0


@dataclass(frozen=True, kw_only=True)
class Strip:
    """One lead's piece of the page.

    Attributes:
        lead: name.
        start_s: first second of the recording that is drawn.
        seconds: how many are.
        left: of its first sample, mm.
        middle: of its baseline, mm from the top.
        rhythm: whether it is the rhythm strip.
    """

    lead: str
    start_s: float
    seconds: float
    left: float
    middle: float
    rhythm: bool = False

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom in shares of the page."""
        right = self.left + self.seconds * MM_PER_S
        top, bottom = self.middle - ROW_MM / 2, self.middle + ROW_MM / 2
        return (
            self.left / WIDTH_MM,
            top / HEIGHT_MM,
            right / WIDTH_MM,
            bottom / HEIGHT_MM,
        )


def strips() -> tuple[Strip, ...]:
    """Return the strips: row by row, the rhythm strip last."""
    placed = [
        Strip(
            lead=lead,
            start_s=column * COLUMN_S,
            seconds=COLUMN_S,
            left=LEFT_MM + column * COLUMN_S * MM_PER_S,
            middle=_middle(row),
        )
        for row, leads in enumerate(ROWS)
        for column, lead in enumerate(leads)
    ]
    rhythm = Strip(
        lead=RHYTHM_LEAD,
        start_s=0.0,
        seconds=COLUMN_S * len(ROWS[0]),
        left=LEFT_MM,
        middle=_middle(len(ROWS)),
        rhythm=True,
    )
    return (*placed, rhythm)


def _middle(row: int) -> float:
    return TOP_MM + (row + 0.5) * ROW_MM


def strip_names() -> tuple[str, ...]:
    """Return the strips' names; the rhythm strip's lead occurs twice and is marked."""
    return tuple(f"{each.lead} rhythm" if each.rhythm else each.lead for each in strips())


def boxes() -> dict[str, list[float]]:
    """Return name → left, top, right, bottom of each strip in shares of the page, for the truth."""
    found = zip(strip_names(), strips(), strict=True)
    return {name: [round(x, 5) for x in strip.box] for name, strip in found}
