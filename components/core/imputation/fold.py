"""One fold's imputation: its models, mended on validation, beside peers fitted on training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from components.core.data.cohort import Rows
from components.core.device import Place
from components.core.imputation.answers import Answers, impute, read_vectors
from components.core.imputation.calibrate import FEWEST, Calibration, calibrate, trusted_slope
from components.core.imputation.hide import one_at_a_time
from components.core.imputation.pairs import OURS, pair_frame
from components.core.imputation.peers import MEAN, Axes, Impute, fit_axes, fit_peers
from components.core.imputation.vectors import Flags, Values, Vectors
from components.core.modalities import EmbeddingModality
from components.core.models.imputing import Imputing

Shrinks = Mapping[EmbeddingModality, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldImputer:
    """What imputes in a fold, and what it is compared with.

    Attributes:
        models: the seeds of the fold, in evaluation mode.
        place: device of the models.
        calibration: of their imputations, from the fold's validation part.
        axes: leading components of the training part.
        peers: way → imputation, fitted on the training part.
        shrinks: way → modality → what remains of the distance from the training mean, from the
            same validation records by the same rule as for the models: a peer that is only too bold
            is not beaten for that.
    """

    models: Sequence[Imputing]
    place: Place
    calibration: Calibration
    axes: Axes
    peers: Mapping[str, Impute]
    shrinks: Mapping[str, Shrinks]

    @property
    def names(self) -> tuple[EmbeddingModality, ...]:
        """Return the modalities."""
        return tuple(self.calibration.modalities)

    def read(self, rows: Rows) -> Vectors:
        """Return the embeddings of some rows, patches pooled by the models."""
        return read_vectors(self.models, rows, self.place)

    def answers(self, rows: Rows, hidden: Flags | None = None) -> Answers:
        """Return every modality of the rows as the models impute it, mended.

        Args:
            rows: of the fold.
            hidden: `[n, M]` what the models may not see; None for nothing.
        """
        said = impute(self.models, rows, self.place, names=self.names, hidden=hidden)
        return self._mended(said)

    def _mended(self, said: Answers) -> Answers:
        own = self.calibration
        return Answers(mean=own.means(said.mean), sd=own.sds(said.sd), rounds=said.rounds)

    def by_peer(self, way: str, seen: Vectors) -> dict[EmbeddingModality, np.ndarray]:
        """Return every modality as a peer imputes it from what is `seen`, mended likewise."""
        return {
            name: self.axes.centre[name] + self.shrinks[way][name] * (own - self.axes.centre[name])
            for name, own in self.peers[way](seen).items()
        }

    def judged(
        self, rows: Rows, hidden: Flags | None = None, *, also: Mapping[str, Values] | None = None
    ) -> tuple[pd.DataFrame, Answers]:
        """Return the errors of hidden pairs (`pair_frame`) with what the models said of them.

        Args:
            rows: of the fold.
            hidden: `[n, M]`, all at once; None hides one at a time, of all who have two or more.
            also: further ways → modality → `[n, W]`.
        """
        truth = self.read(rows)
        if hidden is None:
            said = self._mended(_alone(self.models, rows, self.place, truth))
            ways = {way: _peer_alone(lambda v, w=way: self.by_peer(w, v), truth)
                    for way in self.peers}  # fmt: skip
            gone = among_alone(truth.there)
        else:
            said, gone = self.answers(rows, hidden), hidden
            ways = {way: self.by_peer(way, truth.without(hidden)) for way in self.peers}
        every = {OURS: said.mean, **ways, **(also or {})}
        return pair_frame(truth, gone, every, said.sd, centre=self.axes.centre), said


def fit_fold(
    models: Sequence[Imputing], train: Rows, val: Rows, place: Place, *, seed: int = 0
) -> FoldImputer:
    """Return a fold's imputation: peers from its training part, mending from its validation part.

    Args:
        models: the seeds of the fold, in evaluation mode.
        train: its training part.
        val: its validation part.
        place: device of the models.
        seed: of the iterative peer.

    Raises:
        InputError: fewer than two records of the training part have a modality.
    """
    seen, held = read_vectors(models, train, place), read_vectors(models, val, place)
    axes = fit_axes(seen)
    peers = fit_peers(seen, axes, seed=seed)
    said = _alone(models, val, place, held)
    among = among_alone(held.there)
    return FoldImputer(
        models=models,
        place=place,
        calibration=calibrate(held, said.mean, said.sd, axes.centre, among=among),
        axes=axes,
        peers=peers,
        shrinks={
            way: _shrinks(held, _peer_alone(peer, held), axes.centre, among)
            if way != MEAN
            else dict.fromkeys(held.names, 1.0)
            for way, peer in peers.items()
        },
    )


def among_alone(there: Flags) -> Flags:
    """Return `[n, M]` which pairs `one_at_a_time` hides."""
    return np.logical_or.reduce(one_at_a_time(there))


def _alone(models: Sequence[Imputing], rows: Rows, place: Place, truth: Vectors) -> Answers:
    """Return each modality as imputed where it alone is hidden."""
    names = truth.names
    each = [impute(models, rows, place, names=names, hidden=hidden)
            for hidden in one_at_a_time(truth.there)]  # fmt: skip
    return Answers(
        mean={name: own.mean[name] for name, own in zip(names, each, strict=True)},
        sd={name: own.sd[name] for name, own in zip(names, each, strict=True)},
        rounds=np.stack([own.rounds[:, :, m] for m, own in enumerate(each)], axis=2),
    )


def _peer_alone(peer: Impute, truth: Vectors) -> dict[EmbeddingModality, np.ndarray]:
    hidings = one_at_a_time(truth.there)
    return {
        name: peer(truth.without(hidden))[name]
        for name, hidden in zip(truth.names, hidings, strict=True)
    }


def _shrinks(truth: Vectors, said: Values, centre: Values, among: Flags) -> Shrinks:
    found: dict[EmbeddingModality, float] = {}
    for place, name in enumerate(truth.names):
        rows = among[:, place]
        own, imputed = truth.entries[name][rows] - centre[name], said[name][rows] - centre[name]
        patient = truth.patient[rows]
        few = len(np.unique(patient)) < FEWEST
        found[name] = 0.0 if few else trusted_slope(own, imputed, patient)
    return found
