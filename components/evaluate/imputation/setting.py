"""The imputers of every fold; the rows that they are judged on."""

from __future__ import annotations

from typing import cast

from components.core.data.cohort import Rows, folds, read_part
from components.core.data.held_out import Opening, read_test
from components.core.device import Place
from components.core.imputation.fold import FoldImputer, fit_fold
from components.core.models.imputing import Imputing
from components.core.progress import progress
from components.core.trained import loaded, members_of, stats_of
from components.core.upstream import Upstream

Imputers = dict[str, FoldImputer]


def imputers_of(stages: Upstream, place: Place, *, seed: int) -> Imputers:
    """Return fold → what imputes in it; nothing for models that do not impute.

    Of another cohort there is nothing either: its own validation part, which the intervals would
    have to be mended on, was never set apart.

    Args:
        stages: the training and what it was made from.
        place: device of the training.
        seed: of the iterative peer.
    """
    names = folds(stages.cohort)
    if stages.home is not None or not isinstance(_models(stages, names[0], place)[0], Imputing):
        return {}
    found: Imputers = {}
    with progress("evaluate: imputation", len(names), "folds") as advance:
        for fold in names:
            found[fold] = _fitted(stages, fold, place, seed)
            advance(1)
    return found


def _fitted(stages: Upstream, fold: str, place: Place, seed: int) -> FoldImputer:
    own = stats_of(stages.train, fold)
    train, val = (
        read_part(stages.cohort, fold, part, unlabelled=True, stats=own)
        for part in ("train", "val")
    )
    models = [cast(Imputing, model) for model in _models(stages, fold, place)]
    return fit_fold(models, train, val, place, seed=seed)


def _models(stages: Upstream, fold: str, place: Place) -> list[object]:
    train = stages.train
    return [loaded(train, member).to(place.device) for member in members_of(train, fold)]


def held_out_rows(stages: Upstream, fold: str, opening: Opening) -> Rows:
    """Return everyone of a fold's test part, whatever is known of their outcome."""
    own = stats_of(stages.train, fold)
    return read_test(stages.cohort, fold, opening, unlabelled=True, stats=own)
