"""A version's figures from its tags: whole, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from components.core.errors import InputError
from components.core.version_figures import Figure, version_figures

SIZES = {"test/prevalence": "0.17", "test/records": "450.0", "test/patients": "420.0"}
AUROC = {"test/auroc": "0.85", "test/auroc_lo": "0.81", "test/auroc_hi": "0.89"}
AUPRC = {"test/auprc": "0.5", "test/auprc_lo": "0.4", "test/auprc_hi": "0.6"}


def found(tags: dict[str, Any]) -> tuple[Figure, ...]:
    return version_figures(tags, version="toy_head version 3")


def test_a_figure_has_interval_prevalence_and_sizes() -> None:
    auroc, auprc = found({**AUROC, **AUPRC, **SIZES, "task": "toy", "val/auroc": "0.99"})
    assert auroc == Figure(
        name="AUROC", value=0.85, lo=0.81, hi=0.89, prevalence=0.17, records=450, patients=420,
        part="test",
    )  # fmt: skip
    assert (auprc.name, auprc.value, auprc.lo, auprc.hi) == ("AUPRC", 0.5, 0.4, 0.6)


def test_under_cross_validation_it_is_the_reports_headline() -> None:
    within = {"test/auroc_within_fold": "0.8", "test/auroc_within_fold_lo": "0.7",
              "test/auroc_within_fold_hi": "0.9"}  # fmt: skip
    (auroc,) = found({**AUROC, **within, **SIZES})
    assert (auroc.value, auroc.lo, auroc.hi, auroc.part) == (0.8, 0.7, 0.9, "test folds")
    del within["test/auroc_within_fold_hi"]
    assert found({**AUROC, **within}) == ()  # not the other figure under its name


@pytest.mark.parametrize("lacking", AUROC)
def test_there_is_no_value_without_its_interval(lacking: str) -> None:
    assert found({key: value for key, value in AUROC.items() if key != lacking}) == ()
    assert found({**AUROC, lacking: "nan"}) == ()


def test_what_older_versions_were_not_tagged_with_is_not_made_up() -> None:
    (auroc,) = found(AUROC)
    assert (auroc.prevalence, auroc.records, auroc.patients) == (None, None, None)
    assert found({}) == ()


def test_a_tag_that_is_no_number_is_told() -> None:
    with pytest.raises(
        InputError,
        match=r"^the tag 'test/auroc_lo' of toy_head version 3 holds no number; correct or delete",
    ):
        found({**AUROC, "test/auroc_lo": "about 0.8"})
