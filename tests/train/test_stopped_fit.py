"""Fits that are killed after their last epoch, before their files are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.core.data.cohort import Rows
from components.core.errors import ConfigError
from components.train import fit as module
from tests.train.branched import network, run
from tests.train.test_balanced_fit import Diverging
from tests.train.test_fit import same

Parts = tuple[Rows, Rows]


def die(*_: object) -> None:
    raise SystemExit


def killed(monkeypatch: pytest.MonkeyPatch, parts: Parts, folder: Path, **settings: Any) -> None:
    """Train up to the last epoch and stop before anything is written of it."""
    with monkeypatch.context() as patch:
        patch.setattr(module, "_finish", die)
        with pytest.raises(SystemExit):
            run(parts, folder, **settings)


@pytest.mark.parametrize("settings", [{"epochs": 30, "patience": 1}, {"epochs": 2}], ids=str)
def test_a_fit_killed_at_its_end_trains_no_further(
    branched: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    own = settings | {"lr": 0.05}
    whole = run(branched, tmp_path / "whole", **own)
    assert len(whole.history) == 2
    killed(monkeypatch, branched, tmp_path / "cut", **own)
    assert same(whole, run(branched, tmp_path / "cut", **own))


def test_a_network_that_had_diverged_is_not_trained_on(
    branched: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Diverging(network(branched[0]), 0)
    killed(monkeypatch, branched, tmp_path, model=model, epochs=9)
    with pytest.raises(ConfigError, match=r"came to figures that are not finite; lower fit.lr"):
        run(branched, tmp_path, model=Diverging(network(branched[0]), 9), epochs=9)
