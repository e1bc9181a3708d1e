"""Which columns enter which embedding, as numbers or as declared categories.

What is not here does not enter: outcomes, everything after the first treatment, and what only says
when somebody was treated. Categories are those of the challenge's JSON schemas, so nothing is
fitted. `coded` are the categories by the number that the tables of features have for them: the
alphabetical order of `LabelEncoder` in the set's `extract_tabular_features.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from components.core import cells, tables
from components.core.errors import RecordError, nearest, quoted
from components.core.modalities import EmbeddingModality

# Says in place of a category that nothing is known.
UNKNOWN = ""
_NO_YES = ("no", "yes")


@dataclass(frozen=True, kw_only=True)
class Field:
    """A column that becomes entries of an embedding.

    Attributes:
        name: of the column, and of its entries.
        categories: each becomes an entry of 0 or 1, of two the second alone; none = a number.
        spelled: a value → its category, or UNKNOWN; a category also stands for itself.
        coded: the same, by number.
    """

    name: str
    categories: tuple[str, ...] = ()
    spelled: tuple[tuple[str, str], ...] = ()
    coded: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[str, ...]:
        """Return the categories that have an entry."""
        return self.categories[1:] if len(self.categories) == 2 else self.categories

    @property
    def entries(self) -> tuple[str, ...]:
        """Return the names of the entries."""
        return tuple(f"{self.name}={each}" for each in self.shown) or (self.name,)

    def values(self, row: tables.Row, *, coded: bool) -> list[float]:
        """Return one number per entry, NaN where nothing is known.

        Raises:
            RecordError: `not_a_number`, or `unknown_category`.
        """
        if not self.categories:
            found = cells.number(row, self.name)
            return [np.nan if found is None else found]
        category = self._coded(row) if coded else self._spelled(row)
        if category == UNKNOWN:
            return [np.nan] * len(self.shown)
        return [float(category == each) for each in self.shown]

    def _spelled(self, row: tables.Row) -> str:
        text = cells.text(row, self.name)
        if text is None:
            return UNKNOWN
        known = {each: each for each in self.categories} | dict(self.spelled)
        if text not in known:
            raise self._unknown(text, nearest(text, list(known)))
        return known[text]

    def _coded(self, row: tables.Row) -> str:
        number = cells.number(row, self.name)
        if number is None:
            return UNKNOWN
        place = int(number)
        if place != number or not 0 <= place < len(self.coded):
            raise self._unknown(f"{number:g}", f"codes are 0 to {len(self.coded) - 1}")
        known = {each: each for each in self.categories} | dict(self.spelled)
        return known[self.coded[place]]

    def _unknown(self, value: str, advice: str) -> RecordError:
        return RecordError(
            "unknown_category", f"the category in '{self.name}' is none of the set's",
            field=self.name, value=quoted(value), advice=advice,
        )  # fmt: skip


def _yes_no(name: str) -> Field:
    return Field(name=name, categories=_NO_YES, spelled=(("unknown", UNKNOWN),), coded=_NO_YES)


def _stages(prefix: str, **groups: str) -> tuple[tuple[str, str], ...]:
    """Return stage → main stage: `pN2=" a b c"` puts pN2, pN2a, pN2b and pN2c together."""
    return tuple(
        (f"{main}{letter}", main)
        for main, letters in groups.items()
        for letter in letters.split()
        if main.startswith(prefix)
    )


CLINICAL = (
    Field(name="age_at_initial_diagnosis"),
    Field(name="sex", categories=("male", "female"), spelled=(("other", UNKNOWN),),
          coded=("male", "female")),
    Field(name="smoking_status", categories=("former", "non-smoker", "smoker"),
          spelled=(("unknown", UNKNOWN),), coded=("former", "non-smoker", "smoker", "unknown")),
    Field(name="primarily_metastasis", categories=_NO_YES, coded=_NO_YES),
)  # fmt: skip
PATHOLOGICAL = (
    Field(name="primary_tumor_site",
          categories=("CUP", "Hypopharynx", "Larynx", "Oral_Cavity", "Oropharynx"),
          coded=("CUP", "Hypopharynx", "Larynx", "Oral_Cavity", "Oropharynx")),
    Field(name="pT_stage", categories=("pTis", "pT1", "pT2", "pT3", "pT4"),
          spelled=(("TX", UNKNOWN),
                   *_stages("pT", pT1="a b", pT2="a b", pT3="a b", pT4="a b")),
          coded=("pTis", "TX", "pT1", "pT1a", "pT1b", "pT2", "pT3", "pT4a", "pT4b")),
    Field(name="pN_stage", categories=("pN0", "pN1", "pN2", "pN3"),
          spelled=(("NX", UNKNOWN), *_stages("pN", pN1="a b c", pN2="a b c", pN3="a b c")),
          coded=("NX", "pN0", "pN1", "pN1a", "pN2", "pN2a", "pN2b", "pN2c", "pN3", "pN3b")),
    Field(name="grading", categories=("G1", "G2", "G3", "G4", "hpv_association_p16"),
          spelled=(("GX", UNKNOWN),), coded=("G1", "G2", "G3", "hpv_association_p16")),
    Field(name="hpv_association_p16", categories=("negative", "not_tested", "positive"),
          coded=("negative", "not_tested", "positive")),
    Field(name="number_of_positive_lymph_nodes"),
    Field(name="infiltration_depth_in_mm"),
    _yes_no("perinodal_invasion"),
    _yes_no("lymphovascular_invasion_L"),
    _yes_no("vascular_invasion_V"),
    _yes_no("perineural_invasion_Pn"),
    _yes_no("carcinoma_in_situ"),
    Field(name="resection_status", categories=("R0", "R1", "R2"), spelled=(("RX", UNKNOWN),),
          coded=("R0", "R1", "R2", "RX")),
)  # fmt: skip
_COUNTED = "[#/volume] in Blood"
BLOOD = tuple(
    Field(name=name)
    for name in (
        f"Leukocytes {_COUNTED}", "Hemoglobin [Mass/volume] in Blood", f"Platelets {_COUNTED}",
        f"Erythrocytes {_COUNTED}", "Hematocrit [Volume Fraction] of Blood",
        "Erythrocyte mean corpuscular hemoglobin [Entitic mass]",
        "Erythrocyte mean corpuscular volume [Entitic volume]",
        "Erythrocyte mean corpuscular hemoglobin concentration [Mass/volume]",
        "Erythrocyte distribution width [Ratio]",
        "Platelet mean volume [Entitic volume] in Blood", f"Granulocytes {_COUNTED}",
        f"Eosinophils {_COUNTED}", f"Basophils {_COUNTED}", f"Lymphocytes {_COUNTED}",
        f"Monocytes {_COUNTED}",
        "Platelet distribution width [Entitic volume] in Blood by Automated count",
    )
)  # fmt: skip
# ICD-10 at four characters. T81.0, a haemorrhage complicating a procedure, is told by the treatment
# and left out.
CODES = tuple(
    Field(name=code)
    for code in (
        "c020", "c021", "c022", "c028", "c029", "c048", "c051", "c052", "c058", "c068",
        "c090", "c091", "c098", "c099", "c100", "c102", "c108", "c109", "c111", "c130",
        "c131", "c132", "c138", "c139", "c148", "c320", "c321", "c322", "c323", "c328",
        "c329", "c770", "c778", "c800", "d000", "d370", "d380", "r590", "r599",
    )
)  # fmt: skip
# Positive cells per mm² in the tumour's centre (z) and at its front (inv).
DENSITIES = tuple(Field(name=name) for name in ("cd3_z", "cd3_inv", "cd8_z", "cd8_inv"))
FIELDS: dict[EmbeddingModality, tuple[Field, ...]] = {
    "emb_clinical": CLINICAL,
    "emb_semantic": CODES,
    "emb_temporal": BLOOD,
    "emb_pathological": PATHOLOGICAL,
    "emb_spatial": DENSITIES,
}


def present(row: tables.Row, field: Field) -> float:
    """Return whether a code is there: 1 or 0 of a count, NaN where it is not given.

    Raises:
        RecordError: `not_a_number`, also for a negative count.
    """
    (count,) = field.values(row, coded=True)
    if count < 0:
        raise RecordError(
            "not_a_number", f"the column '{field.name}' holds a negative count",
            field=field.name, value=f"{count:g}", advice="write how often the code was given",
        )  # fmt: skip
    return count if math.isnan(count) else float(count > 0)
