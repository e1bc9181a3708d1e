"""The page in a real browser against a real service: what a person does and sees."""

from __future__ import annotations

import base64
import csv
import io
import shutil
import zipfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.core.bundle import Predictor
from components.core.registry import example_ecg
from tests.cohorts import LEADS
from tests.named_files import PLANTED, WRITERS
from tests.serve.browsing import ENDED, SOME_MS, accessible, launched, opened
from tests.serve.sheets import texts
from tests.serve.started import Started, Store, filled, start

NOTICE = "Research only. Not for clinical use."


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, migrated_store: Path) -> Generator[Store]:
    folder = tmp_path_factory.mktemp("browsed")
    shutil.copy(migrated_store, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        uri = f"sqlite:///{folder / 'mlflow.db'}"
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        patch.chdir(folder)
        yield filled(folder, uri)


@pytest.fixture(scope="module")
def service(store: Store) -> Generator[Started]:
    found = start(store)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def browser() -> Generator[Any]:
    with launched() as found:
        yield found


@pytest.fixture
def page(browser: Any, service: Started) -> Generator[Any]:
    """The page, opened; a message in its console or an error in its code fails the test."""
    with opened(browser, service.address, waits_for="#field-age") as (own, said):
        yield own
        assert not said


def muse(scale: float = 1.0) -> bytes:
    """Return a MUSE file with its patient's name in it."""
    rng = np.random.default_rng(5)
    signal = example_signal() * scale + rng.normal(0, 0.01, (8, 5000))
    return WRITERS["muse"]("a", signal.astype(np.float32)).files["a.xml"]


def example_signal() -> np.ndarray[Any, Any]:
    """Return eight leads of a drawn rhythm, 10 s at 500 Hz, in mV."""
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(example_ecg(LEADS)))) as archive:
        counts = np.frombuffer(archive.read("example.dat"), "<i2").reshape(-1, len(LEADS))
    return counts.T / 1000.0


def sent(page: Any, file: Path, *, age: str = "61") -> None:
    page.click("#clear")
    page.set_input_files("#field-ecg", file)
    page.fill("#field-age", age)
    page.click("#send")
    page.wait_for_function(ENDED, timeout=SOME_MS)


def state(page: Any) -> str | None:
    found: str | None = page.locator("#answer").get_attribute("data-state")
    return found


def test_a_muse_file_is_answered_drawn_explained_and_nobody_named(
    page: Any, store: Store, tmp_path: Path
) -> None:
    file = tmp_path / f"{PLANTED[0]}.xml"
    file.write_bytes(muse())
    every: list[Any] = []
    page.on("response", lambda each: every.append(each))
    sent(page, file)
    assert state(page) == "done"
    row = {"ecg_base64": base64.b64encode(muse()).decode(), "age": 61.0}
    expected = Predictor(store.bundles["1"]).predict(pd.DataFrame([row]))[0]
    assert f"{100 * expected.probability:.0f}" in page.inner_text("#risk")
    assert "version 1" in page.inner_text("#answered-by")
    drawn = page.locator("figure.drawing[data-name=ecg] img").first
    assert drawn.evaluate("each => each.decode().then(() => each.naturalWidth)") > 500
    assert "500 Hz" in page.inner_text("#answer")
    assert page.locator("#research").is_visible()
    accessible(page)
    page.click("#explain")
    page.wait_for_selector("#explanation figure.drawing img", timeout=SOME_MS)
    assert "Integrated Gradients" in page.inner_text("#explanation")
    accessible(page)
    shown = page.inner_text("#answer-body") + page.inner_text("#explanation")
    # The page shows the name of the file that was chosen; the service never says it.
    answers = [each for each in every if each.request.method == "POST"]
    told = shown.replace(file.name, "") + "".join(each.text() for each in answers)
    assert len(answers) == 2
    assert not [name for name in PLANTED if name in told]


def test_other_recordings_and_fields_get_other_answers(page: Any, tmp_path: Path) -> None:
    seen: set[str] = set()
    for scale, age in ((1.0, "50"), (1.0, "70"), (0.4, "50")):
        file = tmp_path / f"{scale}.xml"
        file.write_bytes(muse(scale))
        with page.expect_response("**/predict") as answer:
            sent(page, file, age=age)
        seen.add(answer.value.json()["logit"])
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [(muse()[:9000], "breaks off"), (b"%PDF-1.7 no ECG", "no reader recognises")],
)
def test_a_file_that_cannot_be_read_is_told_in_one_sentence(
    page: Any, tmp_path: Path, content: bytes, words: str
) -> None:
    file = tmp_path / "broken.xml"
    file.write_bytes(content)
    sent(page, file)
    problem = page.locator(".problem[role=alert]").first
    assert words in problem.inner_text()
    assert problem.evaluate("each => each.contains(document.activeElement)")
    assert not page.locator("#risk").count()
    accessible(page)


@pytest.mark.parametrize(("size", "words"), [(50_000_000, r"at most 32\sMB"), (0, "is empty")])
def test_a_file_of_50_mb_or_of_none_is_not_even_sent(
    page: Any, tmp_path: Path, size: int, words: str
) -> None:
    file = tmp_path / "odd.xml"
    file.write_bytes(b"x" * size)
    page.set_input_files("#field-ecg", file)
    page.wait_for_function(f"() => /{words}/.test(document.body.innerText)")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.click("#send")
    page.wait_for_selector("#form-problem .problem")
    assert not [url for url in requests if url.endswith("/predict")]


def test_a_batch_is_followed_and_its_result_downloaded(page: Any, tmp_path: Path) -> None:
    packed = tmp_path / "files.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.xml", muse())
        archive.writestr("b.xml", muse()[:5000])
    table = tmp_path / "table.csv"
    table.write_text("ecg_path,age,sex\na.xml,61,F\nb.xml,61,F\nc.xml,61,F\n")
    page.set_input_files("#batch-table", table)
    page.set_input_files("#batch-files", packed)
    page.click("#batch-send")
    page.wait_for_selector("#batch[data-state=done]", timeout=SOME_MS)
    accessible(page)
    with page.expect_download() as download:
        page.click("#batch-download")
    text = Path(download.value.path()).read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["row"] for row in rows] == ["1", "2", "3"]
    assert [bool(row["probability"]) for row in rows] == [True, False, False]
    assert [row["code"] for row in rows] == ["", "xml_malformed", "missing_file"]


def test_it_is_used_by_keyboard_alone_on_a_narrow_screen(page: Any, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 380, "height": 800})
    file = tmp_path / "a.xml"
    file.write_bytes(muse())
    page.set_input_files("#field-ecg", file)
    page.focus("#field-age")
    page.keyboard.type("61")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.id") == "send":
            break
    page.keyboard.press("Enter")
    page.wait_for_function(ENDED, timeout=SOME_MS)
    assert page.evaluate("() => document.activeElement.id") == "answer-title"
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    accessible(page)


def test_every_sheet_of_paper_says_that_it_is_for_research(page: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_bytes(muse())
    sent(page, file)
    page.click("#explain")
    page.wait_for_selector("#explanation figure.drawing img", timeout=SOME_MS)
    sheets = printed(page)
    assert len(sheets) > 4
    assert [each for each in sheets if NOTICE not in each] == []
    told = "".join(sheets)
    assert page.inner_text("#risk").replace("\u00a0", " ") in told.replace("\u00a0", " ")
    assert "Predict" not in told.replace("Predicts", "")  # no buttons
    # What was folded away on the screen is not paper's to tell: rows and rows of 0.00.
    assert "the 15 largest of" in told
    assert "the others" not in told
    page.locator("#explanation details summary").first.click()
    more = printed(page)
    assert "the others" in "".join(more)
    assert [each for each in more if NOTICE not in each] == []


def printed(page: Any) -> list[str]:
    return texts(page.pdf(prefer_css_page_size=True))


@pytest.mark.real_data
def test_a_real_wfdb_record_is_read_and_drawn(page: Any, root: Path, tmp_path: Path) -> None:
    folder = root.parent / "shared" / "data" / "wfdb_ecg" / "cinc2021"
    if not folder.is_dir():
        pytest.skip("no real data beside the project")
    packed = tmp_path / "real.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for ending in ("hea", "mat"):
            archive.write(folder / f"E07500.{ending}", f"E07500.{ending}")
    sent(page, packed)
    assert state(page) in ("done", "abstained")
    text = page.inner_text("#answer")
    assert "aVF" in text
    assert "500 Hz" in text
    assert page.locator("figure.drawing[data-name=ecg] img").count() == 1
