"""Made-up names, birth dates and report texts that hospital files carry and no output may show.

The surnames do not occur as words or real names, so a search for them in every output of a run
finds a leak and nothing else; `truth.json` lists them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SURNAMES = (
    "QUILLFEATHRY",
    "BRAMBLEWOCK",
    "OXENHOLTZER",
    "VANTERPOOLEN",
    "ZYGMUNTSEN",
    "THISTLEBOROW",
)
FIRST_NAMES = ("ELOWYNNA", "BARTHOLOMEK", "SIGRITHA", "CASPERIAN", "MIRABELLINE", "ODDVARIUS")
PHYSICIANS = ("HARKENWALD", "PEMBROOKSKY", "DUSKENFELDT")
SERIAL_PREFIX = "SNX77"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The identifying part of one patient's file headers; none of it is real."""

    surname: str
    first_name: str
    birth_date: str
    hospital_number: str
    physician: str
    device_serial: str


def draw_identity(rng: np.random.Generator, *, birth_year: int) -> Identity:
    """Draw names, birth date, hospital number, physician and device serial."""
    pick = rng.integers(0, 1_000_000, 7)
    return Identity(
        surname=SURNAMES[pick[0] % len(SURNAMES)],
        first_name=FIRST_NAMES[pick[1] % len(FIRST_NAMES)],
        birth_date=f"{pick[2] % 12 + 1:02d}-{pick[3] % 28 + 1:02d}-{birth_year}",
        hospital_number=f"MRN{pick[4]:08d}",
        physician=PHYSICIANS[pick[5] % len(PHYSICIANS)],
        device_serial=f"{SERIAL_PREFIX}{pick[6]:06d}",
    )


def planted() -> list[str]:
    """Return every planted identifier that must not appear in an output."""
    return [*SURNAMES, *FIRST_NAMES, *PHYSICIANS, SERIAL_PREFIX]
