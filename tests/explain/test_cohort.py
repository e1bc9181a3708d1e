"""What all folds' records say together."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd

from components.core.attribution.groups import Grouped
from components.core.config.explain import ExplainConfig
from components.core.config.heads import BinaryHead
from components.core.heads.registry import View
from components.core.metrics.resampling import Plan
from components.core.schemas import TABULAR_PREFIX
from components.explain.cohort import cohort_sections
from components.explain.explained import Explained, Fold
from components.explain.method import Attributed, Method


def fold(number: int, names: tuple[str, ...], **values: float) -> Fold:
    """Return a fold of eight records whose networks read some of the table's columns."""
    people = [f"p{number}{i}" for i in range(8)]
    columns: dict[str, Any] = {f"{TABULAR_PREFIX}{name}": np.arange(8.0) for name in "abc"}
    frame = pd.DataFrame(columns | {f"{TABULAR_PREFIX}b": np.arange(8) % 2 == 0})
    own = np.tile([values[name] for name in names], (8, 1))
    said = Attributed(grouped={"variable": Grouped(kind="variable", names=names, values=own)})
    subject = cast(Any, SimpleNamespace(rows=SimpleNamespace(frame=frame)))
    return Fold(subject=subject, said={"m": said}, records=pd.DataFrame({"patient_id": people}))


def test_variables_of_folds_with_other_columns_are_told_by_name() -> None:
    folds = [fold(0, ("a", "b"), a=3.0, b=1.0), fold(1, ("c", "a"), a=3.0, c=2.0)]
    method = cast(Method, SimpleNamespace(NAME="m", TITLE="M", ORDER=1))
    head = View(name="toy", head=BinaryHead())
    explained = Explained(folds=folds, methods=[method], config=ExplainConfig(), head=head)
    (section,) = cohort_sections(explained, Plan(draws=100))
    (plot,) = section.plots
    assert plot.alt.endswith("the largest first: a, c, b.")
