"""Fixtures of the search's tests."""

from __future__ import annotations

from tests.postgres import postgres
from tests.train.tuning.audits import folded, holdout, one_thread, stages, tuned_data

__all__ = ["folded", "holdout", "one_thread", "postgres", "stages", "tuned_data"]
