"""Many small runs under one parent, in few writes: the trials of a search."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from components.core.errors import StorageError
from components.core.runs import connect, experiment_id

PARENT = "mlflow.parentRunId"
Status = Literal["FINISHED", "FAILED", "KILLED"]
# MLflow takes at most so many metrics in one batch.
_BATCH = 1000
# And cuts parameters of the older stores beyond this length.
_MAX_PARAM = 500
_MAX_TAG = 5000


@dataclass(frozen=True, kw_only=True)
class ChildRun:
    """A run as it stands in the store."""

    run_id: str
    status: str
    tags: dict[str, str]


class ChildRuns:
    """The runs of one experiment that are children of others.

    Args:
        experiment: its name.

    Raises:
        StorageError: the tracking store does not answer.
    """

    def __init__(self, experiment: str) -> None:
        with _told():
            self._client, self._experiment = connect(), experiment_id(experiment)

    def start(self, name: str, *, parent: str, tags: Mapping[str, object]) -> str:
        """Open a run under `parent` and return its id."""
        whole = {PARENT: parent, **{key: str(value)[:_MAX_TAG] for key, value in tags.items()}}
        with _told():
            run = self._client.create_run(self._experiment, run_name=name, tags=whole)
        return str(run.info.run_id)

    def end(
        self,
        run_id: str,
        status: Status,
        *,
        params: Mapping[str, object],
        series: Mapping[str, Mapping[int, float]],
        tags: Mapping[str, object],
    ) -> None:
        """Write all that a run came to, and end it.

        Args:
            run_id: of a run that `start` opened.
            status: with which it ends.
            params: name → value; a run's parameters cannot be changed later.
            series: metric → step → value; what is not finite is left out.
            tags: name → value.
        """
        from mlflow.entities import Metric, Param, RunTag

        now = round(time.time() * 1000)
        metrics = [
            Metric(name, value, now, step)
            for name, values in series.items()
            for step, value in values.items()
            if math.isfinite(value)
        ]
        with _told():
            self._client.log_batch(
                run_id,
                metrics=metrics[:_BATCH],
                params=[Param(key, str(value)[:_MAX_PARAM]) for key, value in params.items()],
                tags=[RunTag(key, str(value)[:_MAX_TAG]) for key, value in tags.items()],
            )
            for first in range(_BATCH, len(metrics), _BATCH):
                self._client.log_batch(run_id, metrics=metrics[first : first + _BATCH])
            self._client.set_terminated(run_id, status=status)

    def tag(self, run_id: str, name: str, value: str) -> None:
        """Set a tag of a run."""
        with _told():
            self._client.set_tag(run_id, name, value)

    def find(self, tag: str, value: str) -> list[ChildRun]:
        """Return the experiment's runs that have the tag with that value."""
        found: list[ChildRun] = []
        token: Any = None
        with _told():
            while True:
                page = self._client.search_runs(
                    [self._experiment], filter_string=f"tags.`{tag}` = '{value}'", page_token=token
                )
                found += [
                    ChildRun(run_id=run.info.run_id, status=run.info.status, tags=run.data.tags)
                    for run in page
                ]
                token = page.token
                if not token:
                    return found


@contextmanager
def _told() -> Generator[None]:
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise StorageError(
            f"the tracking store does not take a trial's run ({type(error).__name__}); start it "
            "and search again: finished trials are kept"
        ) from error
