"""Promoted, refused, rolled back: real bundles in a real registry."""

from __future__ import annotations

from tests.promote.cohorts import MODEL
from tests.promote.conftest import Registry


def test_the_first_champion(registry: Registry) -> None:
    done = registry.promote("strong")
    assert done.exit_code == 0, done.output
    assert registry.aliases() == {"champion": "strong"}
    tags = registry.tags("strong")
    assert tags["gate"] == "promoted"
    assert tags["gate.champion"] == "none"
    assert tags["gate.test_split"] == registry.versions["strong"].stage.facts["tags"]["test_split"]
    assert tags["gate.reproduction"].startswith("passed: the registered bundle's probabilities")
    assert tags["gate.first_champion"].startswith("passed: AUROC 0.")
    assert "gate.discrimination" not in tags
    (run,) = registry.runs()
    assert (run.info.run_name, run.info.status) == ("promote", "FINISHED")
    assert run.data.tags["promotes"] == f"{MODEL}/2"
    assert 0 <= run.data.metrics["promote/reproduction/deviation"] < 1e-5
    assert run.data.metrics["promote/reproduction/records"] == 16
    names = {each.path for each in registry.client.list_artifacts(run.info.run_id)}
    assert {"gate.json", "gate.html", "gate.yaml"} <= names
    assert "calibration" in done.output
