"""Promoted, refused, rolled back: real bundles in a real registry."""

from __future__ import annotations

import json
from collections.abc import Mapping

import mlflow
import pytest

from components.core import aliases
from components.core.aliases import Version
from components.core.errors import InputError
from components.promote import promotion
from tests.promote.cohorts import MODEL
from tests.promote.conftest import Registry

NON_INFERIOR = "discrimination.rule=non_inferiority"


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
    assert tags["gate.discrimination"] == "not applicable"
    (run,) = registry.runs()
    assert (run.info.run_name, run.info.status) == ("promote", "FINISHED")
    assert tags["gate.run"] == run.info.run_id
    assert run.data.tags["promotes"] == f"{MODEL}/2"
    assert 0 <= run.data.metrics["promote/reproduction/deviation"] < 1e-5
    assert run.data.metrics["promote/reproduction/records"] == 16
    names = {each.path for each in registry.client.list_artifacts(run.info.run_id)}
    assert {"gate.json", "gate.html", "gate.yaml"} <= names


def test_what_is_written_names_nobody(registry: Registry) -> None:
    registry.promote("strong")
    (run,) = registry.runs()
    page, plain, gate = (
        mlflow.artifacts.load_text(f"{run.info.artifact_uri}/gate.{kind}")
        for kind in ("html", "json", "yaml")
    )
    facts = json.loads(plain, parse_constant=pytest.fail)
    assert facts["promoted"] is True
    assert facts["champion"] is None
    assert [each["name"] for each in facts["criteria"]] == [
        "audit", "model_card", "signature", "reproduction", "first_champion", "calibration",
        "subgroups", "test_looks",
    ]  # fmt: skip
    assert all(each["sentence"] for each in facts["criteria"])
    assert "Promoted: version 2, judged as the first champion." in page
    assert "http" not in page
    assert "ece: 0.4" in gate
    for text in (page, plain, gate, *registry.tags("strong").values()):
        assert "p0" not in text


def test_a_second_verdict_leaves_nothing_of_the_first(registry: Registry) -> None:
    refused = registry.promote("twin", settings="first_champion.margin=0 first_champion.above=0.99")
    assert refused.exit_code == 3, refused.output
    assert registry.tags("twin")["gate.first_champion"].startswith("failed: ")
    registry.client.set_registered_model_alias(MODEL, "champion", "1")
    done = registry.promote("twin")
    assert done.exit_code == 0, done.output
    tags = registry.tags("twin")
    assert tags["gate.first_champion"] == "not applicable"
    assert tags["gate.discrimination"].startswith("passed: ")


def test_a_worse_one_is_refused_with_its_reasons(registry: Registry) -> None:
    registry.promote("strong")
    done = registry.promote("weak")
    assert done.exit_code == 3, done.output
    assert "toy_head version 1 is refused (judged: version 2, the champion): discri" in done.output
    assert registry.aliases() == {"champion": "strong"}
    tags = registry.tags("weak")
    assert (tags["gate"], tags["gate.champion"]) == ("refused", "2")
    assert tags["gate.discrimination"].startswith("failed: difference in AUROC −0.")
    newest = registry.runs()[0]
    assert (newest.info.status, newest.data.tags["exit_status"]) == ("FAILED", "3")
    assert newest.data.metrics["promote/discrimination/lower"] < 0


def test_a_better_one_takes_the_place(registry: Registry) -> None:
    registry.promote("weak", settings="first_champion.margin=0.5 subgroups.floor=0.1")
    registry.client.set_registered_model_alias(MODEL, "champion", "1")
    done = registry.promote("strong")
    assert done.exit_code == 0, done.output
    assert registry.aliases() == {"champion": "strong", "previous": "weak"}
    assert registry.tags("strong")["gate.replaced"] == "1"
    assert registry.tags("strong")["gate.discrimination"].startswith("passed: difference in AU")


def test_an_equal_one_is_not_better_but_not_inferior(registry: Registry) -> None:
    registry.promote("strong")
    refused = registry.promote("twin")
    assert refused.exit_code == 3, refused.output
    assert "superiority needs more than 0.000" in registry.tags("twin")["gate.discrimination"]
    assert "at least 0.000 (one-sided 95 %)" in " ".join(registry.tags("twin").values())
    accepted = registry.promote("twin", settings=NON_INFERIOR)
    assert accepted.exit_code == 0, accepted.output
    assert registry.aliases() == {"champion": "twin", "previous": "strong"}


def test_a_waived_audit_and_a_failing_subgroup_are_refused(registry: Registry) -> None:
    done = registry.promote("waived", settings="subgroups.floor=0.99")
    assert done.exit_code == 3, done.output
    assert registry.aliases() == {}
    tags = registry.tags("waived")
    assert tags["gate.audit"] == (
        "failed: the audit: waived: label_derived_column; promotable: no, a waived run cannot be "
        "promoted"
    )
    assert tags["gate.subgroups"].startswith("failed: AUROC 0.")
    assert "in arm/a (at least 0.99)" in tags["gate.subgroups"]


def test_another_split_is_refused_and_both_hashes_are_said(registry: Registry) -> None:
    registry.promote("strong")
    done = registry.promote("elsewhere")
    assert done.exit_code == 3
    said = registry.tags("elsewhere")["gate.test_split"], registry.tags("strong")["gate.test_split"]
    flat = " ".join(done.output.split())
    assert f"on the test split {said[0][:12]}, the champion on {said[1][:12]}" in flat
    assert registry.tags("elsewhere")["gate.discrimination"].startswith("failed: not comparable: ")


def test_the_candidate_is_meant_where_no_version_is_named(registry: Registry) -> None:
    done = registry.promote(dry_run="true")
    assert "toy_head version 5" in done.output


def test_a_dry_run_writes_nothing_to_the_registry(registry: Registry) -> None:
    before = registry.client.get_model_version(MODEL, "2")
    done = registry.promote("strong", dry_run="true")
    assert done.exit_code == 0, done.output
    assert "a dry run: nothing was changed" in done.output
    assert registry.aliases() == {}
    after = registry.client.get_model_version(MODEL, "2")
    assert (after.tags, after.last_updated_timestamp) == (
        before.tags,
        before.last_updated_timestamp,
    )
    assert registry.runs()[0].data.tags["dry_run"] == "yes"
    assert registry.promote("waived", dry_run="true").exit_code == 3
    assert "gate" not in registry.tags("waived")


def test_the_champion_itself_is_nothing_to_promote(registry: Registry) -> None:
    registry.promote("strong")
    done = registry.promote("strong")
    assert done.exit_code == 2
    assert "toy_head version 2 is the champion already; there is nothing to" in done.output


def test_a_champion_that_changed_meanwhile_is_judged_against(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.client.set_registered_model_alias(MODEL, "champion", "1")
    judge, seen = promotion.judge, list[str]()

    def slow(*given: object, **more: object) -> object:
        verdict = judge(*given, **more)  # type: ignore[arg-type]
        seen.append(verdict.champion)
        if len(seen) == 1:  # somebody on another machine is quicker
            registry.client.set_registered_model_alias(MODEL, "champion", "2")
        return verdict

    monkeypatch.setattr(promotion, "judge", slow)
    done = registry.promote("twin")
    assert seen == ["1", "2"]
    assert done.exit_code == 3
    assert "the champion of toy_head has changed meanwhile; judging again" in done.output
    assert registry.aliases() == {"champion": "strong"}
    assert registry.tags("twin")["gate.champion"] == "2"


def test_a_champion_that_changed_while_the_tags_were_written_is_judged_against(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.client.set_registered_model_alias(MODEL, "champion", "1")
    write, moved, point = aliases.set_tags, list[str](), aliases.point

    def slow(version: Version, values: Mapping[str, object]) -> None:
        write(version, values)
        registry.client.set_registered_model_alias(MODEL, "champion", "2")

    monkeypatch.setattr(aliases, "set_tags", slow)
    monkeypatch.setattr(aliases, "point", lambda v, alias: (moved.append(alias), point(v, alias)))
    done = registry.promote("twin")
    assert done.exit_code == 3, done.output
    assert "the champion of toy_head has changed meanwhile; judging again" in done.output
    assert moved == []
    assert registry.aliases() == {"champion": "strong"}
    assert registry.tags("twin")["gate.champion"] == "2"


def test_a_champion_that_keeps_changing_is_given_up_on(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = iter("1212121212")
    monkeypatch.setattr(promotion, "champion_of", lambda model: next(turns))
    done = registry.promote("twin")
    assert done.exit_code == 2
    assert "the champion of toy_head changed 3 times while version 3 was judged" in done.output


def test_one_who_writes_last_wins_and_the_other_judges_again(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    point, moved = aliases.point, list[str]()

    def overwritten(version: Version, alias: str) -> None:
        point(version, alias)
        moved.append(alias)
        if moved == ["champion"]:
            registry.client.set_registered_model_alias(MODEL, "champion", "2")

    monkeypatch.setattr(aliases, "point", overwritten)
    done = registry.promote("twin")
    assert done.exit_code == 3, done.output
    assert registry.aliases() == {"champion": "strong"}
    assert (registry.tags("twin")["gate"], registry.tags("twin")["gate.champion"]) == (
        "refused", "2",
    )  # fmt: skip


def test_two_versions_of_one_evaluation_leave_nothing_to_decide(registry: Registry) -> None:
    registry.promote("strong")
    print_ = registry.tags("strong")["fingerprint"]
    registry.client.set_model_version_tag(MODEL, "3", "fingerprint", print_)
    done = registry.promote("twin")
    assert done.exit_code == 2
    assert "version 3 and the champion, version 2, are of one evaluation; there is" in done.output


def test_aliases_of_a_deleted_version(registry: Registry) -> None:
    with pytest.raises(InputError, match="toy_head has no version '99'; the UI's page"):
        aliases.point(Version(model=MODEL, number="99"), "champion")
    with pytest.raises(InputError, match="toy_head has no version '99'; the UI's page"):
        aliases.set_tags(Version(model=MODEL, number="99"), {"a": 1})
