"""A prepared manifest without a leak, in which tests plant one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from components.audit.finding import Finding

N = 600
# look(check, manifest, facts, …) -> what the check finds
Look = Callable[..., Finding]


def manifest() -> pd.DataFrame:
    """Patients with five features, whole splits and no leak."""
    rng = np.random.default_rng(0)
    label = (rng.random(N) < 0.3).astype(int)
    return pd.DataFrame(
        {
            "sample_id": [f"s{i}" for i in range(N)],
            "patient_id": [f"p{i}" for i in range(N)],
            "row": np.arange(N) + 2,
            "site": [f"site{i % 3}" for i in range(N)],
            "index_time": pd.Timestamp("2024-01-01"),
            "ecg_time": pd.Timestamp("2023-12-01"),
            "label": pd.Series(label, dtype="Int8"),
            "shard": pd.Series([None] * N, dtype="Int64"),
            "tab.a": rng.normal(size=N) + 0.5 * label,
            "tab.b": rng.normal(size=N),
            "tab.c": rng.normal(size=N),
            "tab.d": np.round(rng.normal(27, 4, N), 1),
            "tab.age": rng.integers(30, 90, N),
            "part.holdout": np.array(["train", "train", "val", "test"])[np.arange(N) % 4],
        }
    )
