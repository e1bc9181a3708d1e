"""The page beside models of every kind, and while what is served changes."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.serve.service import Service
from components.serve.shelf import Served
from tests.serve.browsing import SOME_MS, accessible, fill, launched, listening, opened, risk, send
from tests.serve.near import service
from tests.serve.subjects import SUBJECTS

Shelf = Callable[[str], Served]
KINDS = ("fields", "heads", "media", "embeddings", "events")
LOST = "lost"
VALIDATION = {
    "edges": [i / 50 for i in range(51)],
    "event": [3] * 50,
    "no_event": [5] * 50,
    "records": 400,
    "patients": 390,
}


@pytest.fixture(scope="module")
def browser() -> Generator[Any]:
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("browsed")


@pytest.fixture(scope="module")
def running(shelf: Shelf, scratch: Path) -> Generator[tuple[Service, str]]:
    """A service of every kind of model, and of one that could not be loaded; its address."""
    own = service(scratch, *(shelf(kind) for kind in KINDS), models=(*KINDS, LOST))
    with listening(own) as address:
        yield own, address


@pytest.fixture
def own(running: tuple[Service, str], shelf: Shelf) -> Service:
    """The service, as it was before other tests changed what it serves."""
    found = running[0]
    found.shelf.served = {kind: shelf(kind) for kind in KINDS}
    found.shelf.troubles = {LOST: "its files are gone"}
    return found


@pytest.fixture
def address(running: tuple[Service, str]) -> str:
    return running[1]


@pytest.fixture
def page(browser: Any, own: Service, address: str) -> Generator[Any]:
    """The page, opened; an error in its code fails the test."""
    del own
    with opened(browser, address, waits_for="#field-age") as (found, said):
        yield found
        assert not said


def moved(of: Service, kind: str = "fields", **facts: object) -> None:
    """Let the alias point at a second version, which the page has not heard of."""
    old = of.shelf.served[kind]
    of.shelf.served[kind] = replace(old, version="2", facts=old.facts | facts)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_any_kind_is_answered_and_explained(page: Any, address: str, kind: str) -> None:
    asked = SUBJECTS[kind].asked(0)
    page.select_option("#model", kind)
    fill(page, asked)
    assert send(page) == "done"
    assert page.inner_text("#risk") == risk(address, kind, asked)
    accessible(page)
    page.click("#explain")
    page.wait_for_selector("#explanation table.bars", timeout=SOME_MS)
    assert "Integrated Gradients" in page.inner_text("#explanation")
    accessible(page)


def test_a_fault_of_the_page_itself_is_told(browser: Any, own: Service, address: str) -> None:
    del own
    with opened(browser, address, waits_for="#field-age") as (page, said):
        page.route("**/predict", lambda route: route.fulfill(json={"probability": 0.2, "flags": 7}))
        page.fill("#field-age", "61")
        send(page)
        problem = page.locator("#page-problem .problem[role=alert]")
        assert "This page failed" in problem.inner_text()
        assert "flags" in problem.inner_text()
        assert problem.evaluate("each => each === document.activeElement")
        assert not page.locator("#risk").is_visible()
        accessible(page)
        assert len(said) == 1  # whoever looks for it finds it in the console, too
        page.unroute("**/predict")
        assert send(page) == "done"
        assert not problem.count()


def test_a_version_the_page_has_not_heard_of_is_shown_with_its_own_facts(
    page: Any, own: Service
) -> None:
    moved(own, threshold=0.25, validation=VALIDATION)
    page.fill("#field-age", "61")
    assert send(page) == "done"
    assert "version 2" in page.inner_text("#answered-by")
    assert "threshold of 25\u00a0%" in page.inner_text("#scale figcaption")
    assert "of 400 validation records" in page.inner_text("#scale figcaption")
    assert not page.locator("#stale").is_visible()
    assert "is now version 2, champion; it was version 1" in page.inner_text("#model-changed")
    assert "version 2" in page.inner_text("#model-facts")
    accessible(page)


def test_what_is_not_known_of_a_version_is_said_so_and_drawn_when_it_is(
    page: Any, own: Service
) -> None:
    moved(own, threshold=0.25, validation=VALIDATION)
    page.route("**/models", lambda route: route.abort())
    page.fill("#field-age", "61")
    assert send(page) == "done"
    said = page.inner_text("#scale figcaption")
    assert "The page could not learn the facts of version 2" in said
    assert "not on record" not in said
    assert not page.locator("#stale").is_visible()
    accessible(page)
    page.unroute("**/models")
    page.clock.fast_forward(20_000)
    page.wait_for_function(
        "() => document.querySelector('#scale').innerText.includes('threshold of 25')"
    )
    assert "could not learn" not in page.inner_text("#scale figcaption")
    assert not page.locator("#stale").is_visible()


def test_an_answer_of_the_version_before_is_told_from_the_one_that_is_served(
    page: Any, own: Service
) -> None:
    page.fill("#field-age", "61")
    assert send(page) == "done"
    moved(own)
    page.clock.fast_forward(20_000)
    page.wait_for_selector("#stale:visible")
    told = "The service has version 2 of this model now; this answer is of version 1."
    assert page.inner_text("#stale") == told


def test_an_alias_that_was_moved_back_between_two_looks_is_not_told_the_wrong_way_round(
    page: Any, own: Service
) -> None:
    first = own.shelf.served["fields"]
    moved(own)
    page.clock.fast_forward(20_000)
    page.wait_for_selector("#model-changed:visible")
    own.shelf.served["fields"] = first
    page.fill("#field-age", "61")
    assert send(page) == "done"
    assert "version 1" in page.inner_text("#answered-by")
    assert "version 1" in page.inner_text("#model-facts")
    assert not page.locator("#stale").is_visible()


def test_an_answer_of_a_version_that_was_left_again_is_told_from_the_one_before(
    page: Any, own: Service
) -> None:
    first = own.shelf.served["fields"]
    moved(own)
    page.route("**/models", lambda route: route.abort())
    page.fill("#field-age", "61")
    assert send(page) == "done"
    own.shelf.served["fields"] = first
    page.unroute("**/models")
    page.clock.fast_forward(20_000)
    page.wait_for_selector("#stale:visible")
    told = "The service has version 1 of this model now; this answer is of version 2."
    assert page.inner_text("#stale") == told


def test_of_a_model_that_is_not_loaded_only_that_is_said(
    page: Any, own: Service, shelf: Shelf
) -> None:
    page.select_option("#model", LOST)
    shown = page.inner_text("#model-section")
    assert "This model is not ready: its files are gone" in shown
    assert "champion" in page.inner_text("#model-facts")
    for wrong in ("null", "Predicts", "Abstains", "threshold", "figures", "card"):
        assert wrong not in shown
    assert "6 models, 1 of them not ready" in page.inner_text("#models-status")
    for form in ("#form", "#batch-form"):
        assert not page.locator(form).is_visible()
    accessible(page)
    own.shelf.served[LOST] = replace(shelf("events"), model=LOST)
    own.shelf.troubles = {}
    page.clock.fast_forward(20_000)
    page.wait_for_selector("#field-events")
    assert page.inner_text("#model-changed") == "lost is ready now: version 1, champion."


def test_another_model_is_told_beside_the_answer_and_the_inputs_as_unchanged(
    page: Any,
) -> None:
    page.fill("#field-age", "61")
    assert send(page) == "done"
    page.select_option("#model", LOST)
    told = "lost is chosen now; this answer is of fields, version 1."
    assert page.inner_text("#stale") == told
    page.select_option("#model", "fields")
    assert not page.locator("#stale").is_visible()
    page.fill("#field-age", "62")
    assert "The inputs have changed" in page.inner_text("#stale")


def test_a_model_that_is_no_longer_loaded_is_told_beside_its_answer(
    page: Any, own: Service
) -> None:
    page.fill("#field-age", "61")
    assert send(page) == "done"
    del own.shelf.served["fields"]
    page.clock.fast_forward(20_000)
    page.wait_for_selector("#stale:visible")
    told = page.inner_text("#stale") + page.inner_text("#model-changed")
    assert "null" not in told
    assert "fields is not ready any more; it was version 1." in told
    assert "fields is not ready now; this answer is of fields, version 1." in told


def test_a_quality_that_the_service_would_refuse_is_not_sent(page: Any) -> None:
    page.select_option("#model", "embeddings")
    asked = SUBJECTS["embeddings"].asked(0)
    name = next(each for each in asked.fields if each.endswith("_quality"))
    fill(page, asked)
    page.fill(f"#field-{name}", "1.5")
    assert "from 0 to 1" in page.inner_text(f"#field-{name}-remark")
    assert "sent as it is" not in page.inner_text("#fields")
    page.click("#send")
    problem = page.locator("#form-problem .problem")
    assert "write a number from 0 to 1" in problem.inner_text()
    accessible(page)
    page.fill(f"#field-{name}", "0.5")
    assert send(page) == "done"


def test_the_time_limit_is_said_to_begin_when_its_turn_has_come(page: Any) -> None:
    held: list[Any] = []
    page.route("**/predict", lambda route: held.append(route))
    page.fill("#field-age", "61")
    page.click("#send")
    page.wait_for_selector("#progress-text:visible")
    page.clock.fast_forward(95_000)
    page.wait_for_function("() => /9\\d seconds/.test(document.body.innerText)")
    said = page.inner_text("#progress-text")
    assert "at most 30 seconds from its turn on" in said
    assert "Waiting" in said
    accessible(page)
    held[0].continue_()
    page.wait_for_selector("#risk")
