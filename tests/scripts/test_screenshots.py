"""Which pages are pictured, what is refused, how small a picture gets; no browser is started."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from components.core import runs
from components.core.errors import InputError
from scripts import browser, screenshots
from tests.conftest import Workplace


def parent(auroc: float, **tags: object) -> str:
    with runs.open_run("toy", "train_toy", {"component": "pipeline", **tags}) as recorder:
        recorder.metrics({"test/auroc": auroc})
        return recorder.run_id


def test_the_best_runs_come_first_and_a_registered_one_has_its_page(workspace: Workplace) -> None:
    low, high = parent(0.6), parent(0.9, registered="toy_head/4")
    with runs.open_run("toy", "train_toy", {"component": "pipeline"}):
        pass  # without figures: not shown
    found = screenshots.finished("toy")
    assert found == [high, low]
    pages = screenshots.pages("toy", found)
    assert list(pages) == ["runs", "compare", "parallel", "report", "model"]
    assert "/models/toy_head/versions/4" in pages["model"][0]
    assert high in pages["report"][0]
    assert "model" not in screenshots.pages("toy", [low, high])


def test_one_run_is_too_few_to_compare(workspace: Workplace) -> None:
    parent(0.6)
    with pytest.raises(InputError, match=r"1 finished pipeline run\(s\) of 'toy'; run train_toy"):
        screenshots.finished("toy")


def test_pictures_are_chosen_by_name() -> None:
    pages: dict[str, Any] = {"runs": ("a", (1, 1)), "model": ("b", (1, 1))}
    assert screenshots.chosen(pages, "") == pages
    assert list(screenshots.chosen(pages, " model ,")) == ["model"]
    with pytest.raises(InputError, match="no picture 'x'; there are: runs, model"):
        screenshots.chosen(pages, "x")


@pytest.mark.parametrize("word", ["the-machine", "/somewhere/data", "the-user"])
def test_a_page_that_names_the_machine_is_refused(
    monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setattr(screenshots.socket, "gethostname", lambda: "the-machine")
    monkeypatch.setattr(screenshots.getpass, "getuser", lambda: "the-user")
    monkeypatch.setenv("CARDIO_DATA", "/somewhere/data")
    clean: Any = SimpleNamespace(text=lambda: "Runs of ctrcd")
    screenshots.refuse_machine("runs", clean)
    told: Any = SimpleNamespace(text=lambda: f"made by: {word} today")
    with pytest.raises(InputError, match="'runs' names this machine or its user after 'made by: '"):
        screenshots.refuse_machine("runs", told)


def test_a_picture_gets_a_palette_and_a_bound() -> None:
    def png(pixels: Any) -> bytes:
        kept = io.BytesIO()
        Image.fromarray(pixels).save(kept, "PNG")
        return kept.getvalue()

    flat = np.full((200, 300, 3), 255, np.uint8)
    flat[50:60, 20:200] = (10, 90, 200)
    small = screenshots.small("runs", png(flat))
    with Image.open(io.BytesIO(small)) as image:
        assert (image.size, image.mode) == ((300, 200), "P")
        assert image.convert("RGB").getpixel((100, 55)) == (10, 90, 200)
    noise = np.random.default_rng(0).integers(0, 255, (800, 800, 3), np.uint8)
    with pytest.raises(InputError, match=r"'runs' has [\d,]+ bytes, of 300,000 allowed"):
        screenshots.small("runs", png(noise))


def test_without_chromium_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match=r"none of chromium, .* is on PATH; install Chromium"):
        browser.program()
    monkeypatch.setattr(browser.shutil, "which", lambda name: f"/bin/{name}")
    assert browser.program() == "/bin/chromium"


def test_the_browsers_refusal_and_end_are_told() -> None:
    def talk(answers: bytes) -> browser.Browser:
        return browser.Browser(io.BytesIO(), io.BytesIO(answers))

    target = b'{"id":1,"result":{"targetId":"t"}}\0'
    refused = b'{"method":"Event"}\0{"id":2,"error":{"message":"no"}}\0'
    with pytest.raises(InputError, match=r"the browser refused Target.attachToTarget: no"):
        talk(target + refused)
    with pytest.raises(InputError, match="the browser ended by itself; start it once by hand"):
        talk(target)


def test_a_page_is_waited_for_until_it_has_words_and_stands_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(browser.time, "sleep", lambda seconds: None)
    empty, growing, still = [""] * 20, list(range(1, 9)), [9] * 10

    class Page(browser.Browser):
        def __init__(self, states: list[object]) -> None:
            self.states = states

        def run(self, script: str) -> object:
            return self.states.pop(0)

    page = Page([*empty, *growing, *still])
    page.settle()
    assert page.states == [9] * 4
    with pytest.raises(InputError, match="the page still changes after a minute"):
        Page(list(range(200))).settle()
    with pytest.raises(InputError, match="the page still changes after a minute"):
        Page([""] * 200).settle()
