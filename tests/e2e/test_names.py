"""Every name that a whole pipeline leaves in the tracking store has its row in docs/tracking.md."""

from __future__ import annotations

from typing import Any

from tests.e2e.conftest import Walked
from tests.tracking_names import PRIMARY, uncovered


def test_every_logged_name_has_a_row(walked: Walked, client: Any) -> None:
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(ids)
    assert {"pipeline", "train", "evaluate"} <= {run.data.tags.get("component") for run in runs}
    for section, kind in (("Metrics", "metrics"), ("Parameters", "params"), ("Tags", "tags")):
        names = {name for run in runs for name in getattr(run.data, kind)}
        assert len(names) > 5, section
        assert uncovered(names, section) == [], section


def test_every_finished_pipeline_has_the_main_figures(walked: Walked, client: Any) -> None:
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    query = "tags.component = 'pipeline' and attributes.status = 'FINISHED'"
    parents = client.search_runs(ids, filter_string=query)
    assert parents
    for run in parents:
        assert PRIMARY - set(run.data.metrics) == set()
