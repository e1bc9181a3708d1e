"""Who is one patient by embeddings that are exactly alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from components.core.data.copied_embeddings import coarse, copied_pairs

NAMES = ("emb_clinical", "emb_temporal", "emb_spatial")
Row = tuple[str, str | None, str | None, str | None]


def frame(*rows: Row, others: int = 60) -> pd.DataFrame:
    """Return records (patient, contents), and others who share nothing."""
    more = [(f"o{i}", f"a{i}", f"b{i}", f"c{i}") for i in range(others)]
    columns = ["patient_id", *(f"sha256.{name}" for name in NAMES)]
    return pd.DataFrame([*rows, *more], columns=columns)


def pairs(table: pd.DataFrame) -> list[tuple[int, int]]:
    return list(zip(*(side.tolist() for side in copied_pairs(table, NAMES)), strict=True))


@pytest.mark.parametrize(
    ("one", "two", "copied"),
    [
        (("x", "y", "z"), ("x", "y", "z"), True),
        (("x", "y", "z"), ("x", "y", None), True),  # the second entry lacks a modality
        (("x", None, "z"), ("x", "y", "z"), True),
        (("x", None, "z"), ("x", "y", None), False),  # a single one may be two patients' own
        (("x", None, None), ("x", "y", "z"), False),
        (("x", "y", "z"), ("x", "y", "w"), False),  # of another one both have their own
        (("x", "y", None), ("w", "v", None), False),
        (("x", None, None), (None, "y", "z"), False),  # nothing that both have
    ],
)
def test_those_alike_in_all_that_both_have(
    one: tuple[str | None, ...], two: tuple[str | None, ...], *, copied: bool
) -> None:
    table = frame(("p", *one), ("q", *two))  # type: ignore[arg-type]
    assert pairs(table) == ([(0, 1)] if copied else [])


def test_records_of_one_patient_are_no_copies() -> None:
    assert pairs(frame(("p", "x", "y", "z"), ("p", "x", "y", None))) == []
    # Equal records of a patient are looked at once; another's is still found.
    table = frame(("p", "x", "y", None), ("p", "x", "y", None), ("q", "x", "y", "z"))
    assert pairs(table) == [(0, 2)]


def test_what_many_share_is_nobodys_own() -> None:
    table = frame(("p", "x", "y", None), ("q", "x", "y", "z"))
    few = table.assign(**{"sha256.emb_clinical": [f"a{i % 5}" for i in range(len(table))]})
    assert coarse(few, "emb_clinical")
    assert not coarse(few, "emb_temporal")
    few.loc[:1, "sha256.emb_clinical"] = "a1"
    assert pairs(few) == [(0, 1)]  # by the temporal one; the clinical one must agree, too
    few.loc[1, "sha256.emb_clinical"] = "a2"
    assert pairs(few) == []
    apart = few.assign(**{"sha256.emb_temporal": [f"b{i}" for i in range(len(few))]})
    apart.loc[:1, "sha256.emb_clinical"] = "a1"
    assert pairs(apart) == []


def test_a_crowd_is_nobodys_copy() -> None:
    table = frame(*[(f"p{i}", "x", "y", None) for i in range(4)], others=1000)
    assert not coarse(table, "emb_clinical")
    assert pairs(table) == []
    assert pairs(table.iloc[1:].reset_index(drop=True)) == [(0, 1), (0, 2), (1, 2)]


def test_only_embeddings_with_contents_can_be_coarse() -> None:
    table = frame().rename(columns={"sha256.emb_spatial": "sha256.pcg"}).assign(**{"sha256.pcg": "x"})
    assert not coarse(table, "pcg")
    assert not coarse(table, "emb_spatial")


def test_places_are_of_rows_whatever_their_index() -> None:
    table = frame(("p", "x", "y", None), ("q", "x", "y", "z"))
    assert pairs(table.set_index(np.arange(len(table)) + 7)) == [(0, 1)]
