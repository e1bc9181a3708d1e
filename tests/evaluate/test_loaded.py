"""Networks that answer otherwise than in their training are found before the test part is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from components.core.device import Place
from components.core.errors import CardioError
from components.core.trained import members_of
from components.evaluate.loaded import check_loaded
from tests.evaluate.conftest import Example

CPU = Place("cpu", "fp32", "a processor")


@pytest.mark.parametrize("name", ["holdout", "folds"])
def test_untouched_networks_pass(examples: Callable[[str], Example], name: str) -> None:
    behind = examples(name).behind
    for fold in behind.cohort.facts["folds"]:
        check_loaded(behind.train, behind.cohort, fold, CPU)


def test_other_weights_are_refused(examples: Callable[[str], Example]) -> None:
    behind = examples("holdout").behind
    member = members_of(behind.train, "holdout")[0]
    file: Path = behind.train.folder / member.folder / "best.safetensors"
    kept = load_file(str(file))
    try:
        save_file({name: -values for name, values in kept.items()}, str(file))
        with pytest.raises(CardioError, match=r"the head '\w+' of fold holdout answers \d+ of \d+"):
            check_loaded(behind.train, behind.cohort, "holdout", CPU)
    finally:
        save_file(kept, str(file))
