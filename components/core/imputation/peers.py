"""Simple ways to impute, fitted on the training part: what a network has to beat.

k-NN and iterative imputation work on the leading principal components of each modality: hundreds of
columns of a few hundred patients would be ill-posed (docs/hcat_imputation.md).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - opens the next import # pyright: ignore[reportUnusedImport]
from sklearn.impute import IterativeImputer, KNNImputer
from sklearn.linear_model import BayesianRidge

from components.core.imputation.vectors import Floats, Values, Vectors, centres
from components.core.modalities import EmbeddingModality

# Components of each modality.
COMPONENTS = 8
NEIGHBOURS = 10
ROUNDS = 5
MEAN, KNN, ITERATIVE = "mean", "knn", "iterative"
PEERS = (MEAN, KNN, ITERATIVE)
# records → modality → `[n, W]`
Impute = Callable[[Vectors], dict[EmbeddingModality, Floats]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Axes:
    """Leading principal components of each modality, of the training part.

    Attributes:
        centre: modality → `[W]` training mean.
        along: modality → the fitted components.
        scale: modality → SD of the first component, so that modalities of other widths weigh alike.
    """

    centre: Values
    along: Mapping[EmbeddingModality, PCA]
    scale: Mapping[EmbeddingModality, float]

    def scores(self, vectors: Vectors) -> Floats:
        """Return `[n, K]` of all modalities side by side; NaN where a record lacks one."""
        parts: list[Floats] = []
        for name in vectors.names:
            own = filled_entries(vectors.entries[name], self.centre[name])
            found = self.along[name].transform(own) / self.scale[name]
            parts.append(np.where(vectors.column(name)[:, None], found, np.nan))
        return np.concatenate(parts, axis=1)

    def vectors(self, scores: Floats) -> dict[EmbeddingModality, Floats]:
        """Return modality → `[n, W]` of scores `[n, K]`."""
        found: dict[EmbeddingModality, Floats] = {}
        start = 0
        for name, along in self.along.items():
            stop = start + int(along.n_components_)
            own = along.inverse_transform(scores[:, start:stop] * self.scale[name])
            found[name] = np.asarray(own, np.float64)
            start = stop
        return found


def filled_entries(values: Floats, centre: Floats) -> Floats:
    """Return `[n, W]` with unknown entries at the training mean."""
    return np.where(np.isfinite(values), values, centre)


def fit_axes(train: Vectors, *, components: int = COMPONENTS) -> Axes:
    """Return the leading components of the training part's embeddings.

    Args:
        train: embeddings of the training part.
        components: of each modality, fewer where there are fewer records or entries.

    Raises:
        InputError: fewer than two records have a modality.
    """
    centre = centres(train)
    along: dict[EmbeddingModality, PCA] = {}
    scale: dict[EmbeddingModality, float] = {}
    for name in train.names:
        own = filled_entries(train.entries[name][train.column(name)], centre[name])
        count = min(components, *own.shape)
        with np.errstate(invalid="ignore"):  # shares of variance, where there is none
            fitted = PCA(count, svd_solver="full").fit(own)
        along[name] = fitted
        spread = float(np.sqrt(fitted.explained_variance_[0]))
        scale[name] = spread if spread > 0 else 1.0
    return Axes(centre=centre, along=along, scale=scale)


def fit_peers(train: Vectors, axes: Axes, *, seed: int = 0) -> dict[str, Impute]:
    """Return `mean`, `knn` and `iterative` imputation by what the training part teaches.

    Args:
        train: embeddings of the training part.
        axes: of the same.
        seed: of the iterative imputer.
    """
    scores = axes.scores(train)
    knn = KNNImputer(n_neighbors=NEIGHBOURS, weights="distance", keep_empty_features=True)
    rounds = IterativeImputer(
        BayesianRidge(), max_iter=ROUNDS, random_state=seed, keep_empty_features=True
    )
    knn.fit(scores)
    with warnings.catch_warnings():
        # Few rounds are meant; more of them do not change what it says of a held-out record much.
        warnings.simplefilter("ignore", ConvergenceWarning)
        rounds.fit(scores)

    def mean(vectors: Vectors) -> dict[EmbeddingModality, Floats]:
        return {
            name: np.broadcast_to(axes.centre[name], own.shape).copy()
            for name, own in vectors.entries.items()
        }

    def along(model: KNNImputer | IterativeImputer) -> Impute:
        return lambda vectors: axes.vectors(np.asarray(model.transform(axes.scores(vectors))))

    return {MEAN: mean, KNN: along(knn), ITERATIVE: along(rounds)}
