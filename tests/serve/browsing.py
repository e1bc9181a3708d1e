"""A service that a browser reaches, which a test may change while it runs, and how it is used."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
import uvicorn

from components.serve.app import create
from components.serve.run import listen
from components.serve.service import Service
from scripts.browser import NAMES
from tests.serve.subjects import Asked

SOME_MS = 60_000
ENDED = """() => document.querySelector('#form-problem .problem, #page-problem .problem')
    || ['done', 'abstained', 'failed'].includes(document.querySelector('#answer').dataset.state)"""


@contextmanager
def launched() -> Generator[Any]:
    """Give a headless Chromium, or skip the tests; while it runs, its thread can run no asyncio."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium on this machine; install Debian's package chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def listening(of: Service) -> Generator[str]:
    """Answer on a port of this machine, from a thread, and give the address."""
    socket = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        create(of), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


@contextmanager
def opened(browser: Any, address: str, *, waits_for: str) -> Generator[tuple[Any, list[str]]]:
    """Open the page; give it and what went wrong in its code, which ought to be nothing."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "console", lambda line: said.append(line.text) if "Security Policy" in line.text else None
    )
    page.clock.install()  # runs as ever, and can be put forward
    page.goto(address)
    page.wait_for_selector(waits_for)
    try:
        yield page, said
    finally:
        page.close()


def fill(page: Any, asked: Asked) -> None:
    """Fill the form in."""
    for name, value in asked.fields.items():
        field = page.locator(f"#field-{name}")
        if field.evaluate("each => each.tagName") == "SELECT":
            field.select_option(label=str(value))
        elif value is not None:
            field.fill(value if isinstance(value, str) else json.dumps(value))
    if asked.notes:
        page.fill("#field-clinical_notes", asked.notes)
    for part in dict(asked.files):
        files = [
            {"name": name, "mimeType": "application/octet-stream", "buffer": content}
            for own, (name, content) in asked.files
            if own == part
        ]
        page.set_input_files(f"#field-{part}", files)


def send(page: Any) -> str:
    """Press Predict and return how it ended."""
    page.click("#send")
    page.wait_for_function(ENDED, timeout=SOME_MS)
    return page.locator("#answer").get_attribute("data-state")


def risk(address: str, model: str, asked: Asked) -> str:
    """Return the risk that the API tells, as the page writes it."""
    files = asked.files or [("draw", (None, b"false"))]
    answer = httpx2.post(f"{address}/predict", data=asked.data | {"model": model}, files=files)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    numbers = [found[name] for name in ("probability", "lo", "hi") if found[name] is not None]
    plain = all(0.01 <= each <= 0.99 for each in numbers)
    return f"{100 * found['probability']:.{0 if plain else 1}f}\u00a0%"


def accessible(page: Any) -> None:
    """Hold what the page shows now to WCAG."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
