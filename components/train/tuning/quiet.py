"""Optuna without the warnings and log lines that say nothing to a user of this project."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from contextlib import contextmanager

import optuna
from optuna.exceptions import ExperimentalWarning


@contextmanager
def quiet() -> Generator[None]:
    """Keep Optuna from saying that heartbeats are experimental, and its log lines below errors.

    Optuna is pinned to an exact version, and what is experimental in it is tested here.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield
