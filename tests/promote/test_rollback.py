"""`@champion` goes back to `@previous`, and what that one had replaced is previous again."""

from __future__ import annotations

from components.core import aliases
from components.promote.promotion import OUTCOME, REPLACED
from tests.promote.cohorts import MODEL
from tests.promote.conftest import Registry


def promoted(registry: Registry, *names: str) -> None:
    """Make versions champion one after the other, without judging."""
    before = ""
    for name in names:
        version = aliases.version_of(MODEL, registry.versions[name].number)
        aliases.set_tags(version, {REPLACED: before, OUTCOME: "promoted"})
        if before:
            aliases.point(aliases.version_of(MODEL, before), "previous")
        aliases.point(version, "champion")
        before = version.number


def test_twice_back_and_no_further(registry: Registry) -> None:
    promoted(registry, "weak", "strong", "twin")
    done = registry.command(model=MODEL, rollback="true")
    assert done.exit_code == 0, done.output
    assert "toy_head version 2 is champion again in place of version 3; @previous" in done.output
    assert registry.aliases() == {"champion": "strong", "previous": "weak"}
    assert registry.tags("twin")["gate"] == "rolled back"
    assert registry.tags("strong")["gate"] == "promoted"
    (run,) = registry.runs()
    assert (run.data.tags["rollback"], run.data.tags["gate"]) == ("yes", "rolled back")
    assert registry.tags("strong")["gate.run"] == run.info.run_id
    assert registry.command(model=MODEL, rollback="true").exit_code == 0
    assert registry.aliases() == {"champion": "weak"}
    done = registry.command(model=MODEL, rollback="true")
    assert done.exit_code == 2
    assert "toy_head has no @previous to go back to: version 1 replaced nothing" in done.output


def test_nothing_was_ever_promoted(registry: Registry) -> None:
    done = registry.command(model=MODEL, rollback="true")
    assert done.exit_code == 2
    assert "toy_head has no champion to roll back; promote a version first" in done.output


def test_a_dry_rollback_leaves_the_registry_as_it_is(registry: Registry) -> None:
    promoted(registry, "weak", "strong")
    done = registry.command(model=MODEL, rollback="true", dry_run="true")
    assert done.exit_code == 0
    assert "version 1 is champion again in place of version 2; @previous is nothing" in done.output
    assert registry.aliases() == {"champion": "strong", "previous": "weak"}
    assert registry.tags("strong")["gate"] == "promoted"
    assert "gate" not in registry.runs()[0].data.tags


def test_a_rollback_judges_nothing(registry: Registry) -> None:
    done = registry.command(model=MODEL, rollback="true", version="1")
    assert done.exit_code == 2
    assert "'rollback' goes to @previous and judges nothing; leave version, gate" in done.output


def test_what_the_restored_one_replaced_may_be_deleted(registry: Registry) -> None:
    promoted(registry, "weak", "strong", "twin")
    registry.client.delete_model_version(MODEL, "1")
    assert registry.command(model=MODEL, rollback="true").exit_code == 0
    found = registry.client.get_registered_model(MODEL).aliases
    assert (str(found["champion"]), "previous" in found) == ("2", False)


def test_a_version_without_a_task_is_left_to_people(registry: Registry) -> None:
    promoted(registry, "weak", "strong")
    registry.client.delete_model_version_tag(MODEL, "1", "task")
    done = registry.command(model=MODEL, rollback="true")
    assert done.exit_code == 2
    assert "toy_head version 1 does not say its task; move the alias in the UI" in done.output
