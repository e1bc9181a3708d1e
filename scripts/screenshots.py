"""Take the pictures of docs/pictures from a tracking store: `python -m scripts.screenshots`.

Starts the MLflow UI on the store, opens each page in a headless Chromium and writes a PNG of less
than 300 kB. A page that shows a path, a user or the name of this machine is not pictured.
"""

from __future__ import annotations

import getpass
import io
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from components.core import runs, ui_links
from components.core.command import reported_errors
from components.core.errors import InputError
from components.core.progress import say
from scripts.browser import Browser, browser

FOLDER = runs.ROOT / "docs" / "pictures"
LARGEST = 300_000  # bytes; what the documentation allows a picture
# Wide enough that no column of the runs table is cut, and readable at the width of a page.
SIZE, LONG = (1500, 800), (1500, 1250)
COLOURS = 128  # of the palette: screen pages are flat, and more doubles the size for nothing seen
SHOWN = 4  # models side by side on the compare page
_START_S, _ASK_S = 60, 0.5
# The UI opens a chat panel at the right on its first visit.
_QUIET = "localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')"
# Taken off the page: the note to whoever opens a shared view, the chat button, and the place of an
# artifact on the disk of this machine.
_TIDY = """
document.querySelectorAll('[role="alert"], [data-testid*="assistant"], [aria-label*="ssistant"]')
  .forEach(e => e.remove());
[...document.querySelectorAll('div, span')]
  .filter(e => /^Path:/.test(e.textContent) && !e.querySelector('div'))
  .forEach(e => e.remove());
"""
# The compare page lists every parameter; those that differ are what one wants to see.
_DIFFERING = """
[...document.querySelectorAll('[role="switch"]')].slice(0, 1).forEach(e => e.click());
"""
# Its plot starts with the first metric by name, the load of the machine, which is then taken out.
_METRICS = "document.querySelectorAll('[class*=select-show-search]')[1]"
_LOAD = f"{_METRICS}.querySelector('[class*=item-remove]').click(); document.activeElement.blur()"


@click.command()
@click.option("--task", default="ctrcd", help="The experiment to show.")
@click.option("--folder", default=str(FOLDER), help="Where the pictures go.")
@click.option("--only", default="", help="Names of the pictures, separated by commas; empty: all.")
def main(task: str, folder: str, only: str) -> None:
    """Take pictures of the UI over the store that MLFLOW_TRACKING_URI names."""
    with reported_errors(debug=False):
        parents = finished(task)
        with served() as address, browser() as page:
            for name, (url, size) in chosen(pages(task, parents), only).items():
                page.open(url.replace(runs.LOCAL_UI, address), size=size, before=_QUIET)
                arrange(name, page)
                refuse_machine(name, page)
                file = Path(folder) / f"{name}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(small(name, page.picture()))
                say(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")


def arrange(name: str, page: Browser) -> None:
    """Take off the page what is no part of the picture, and put the figures to the fore."""
    page.run(_TIDY)
    if name == "compare":
        page.choose(_METRICS, "test/auroc")
        page.run(_LOAD + ";" + _DIFFERING)
    page.settle()


def finished(task: str) -> list[str]:
    """Return the ids of a task's finished pipeline runs with figures, best first.

    Raises:
        InputError: there are fewer than two.
    """
    found: list[Any] = runs.connect().search_runs(
        [runs.experiment_id(task)],
        filter_string=f"{ui_links.PARENTS} and attributes.status = 'FINISHED'",
        order_by=["metrics.`test/auroc` DESC"],
    )
    ids = [str(run.info.run_id) for run in found if "test/auroc" in run.data.metrics]
    if len(ids) < 2:
        raise InputError(
            f"the store has {len(ids)} finished pipeline run(s) of '{task}'; run train_{task} "
            "with two models at least"
        )
    return ids


def pages(task: str, parents: list[str]) -> dict[str, tuple[str, tuple[int, int]]]:
    """Return the address and window of every picture."""
    best = parents[0]
    found = {
        "runs": (ui_links.runs_table(task), SIZE),
        "compare": (ui_links.compare_page(parents[:SHOWN]), LONG),
        "parallel": (ui_links.runs_charts(task), SIZE),
        "report": (ui_links.run_page(best, "report.html"), LONG),
    }
    registered = runs.run_tag(best, "registered")
    if registered:
        model, _, version = registered.partition("/")
        found["model"] = (ui_links.version_page(model, version), SIZE)
    return found


def chosen(
    found: Mapping[str, tuple[str, tuple[int, int]]], only: str
) -> dict[str, tuple[str, tuple[int, int]]]:
    """Return the pages that are asked for.

    Raises:
        InputError: one that there is not.
    """
    names = [name.strip() for name in only.split(",") if name.strip()] or list(found)
    for name in names:
        if name not in found:
            raise InputError(f"there is no picture '{name}'; there are: {', '.join(found)}")
    return {name: found[name] for name in names}


def refuse_machine(name: str, page: Browser) -> None:
    """Refuse a page that says whose machine this is.

    Raises:
        InputError: it holds a path, a user or the machine's name.
    """
    said = page.text()
    words = {
        str(runs.ROOT), str(Path.home()), os.environ.get("CARDIO_DATA", ""), socket.gethostname(),
        getpass.getuser(), str(Path(runs.store_uri().removeprefix("sqlite:///")).parent),
    }  # fmt: skip
    # One letter or two, such as a home of `/`, stand in any text.
    for word in sorted(word for word in words if len(word) > 2):
        if word in said:
            place = said.index(word)
            around = said[max(0, place - 40) : place]
            raise InputError(f"the page '{name}' names this machine or its user after '{around}'")


def small(name: str, png: bytes) -> bytes:
    """Return the picture with a palette, optimised.

    Raises:
        InputError: it is larger than the documentation allows.
    """
    from PIL import Image

    kept = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        flat = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        flat.save(kept, "PNG", optimize=True)
    if kept.tell() > LARGEST:
        raise InputError(f"the picture '{name}' has {kept.tell():,} bytes, of {LARGEST:,} allowed")
    return kept.getvalue()


@contextmanager
def served() -> Generator[str]:
    """Serve the store's UI on a free port of 127.0.0.1; an `http` store serves itself."""
    if runs.store_uri().startswith("http"):
        yield runs.LOCAL_UI  # addresses are the server's own already
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = str(Path(sys.executable).parent / "mlflow")
    server = subprocess.Popen(
        [program, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
         "--backend-store-uri", runs.store_uri()],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def _wait(address: str) -> None:
    for _ in range(round(_START_S / _ASK_S)):
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):  # noqa: S310 - our server
                return
        except OSError:
            time.sleep(_ASK_S)
    raise InputError(f"the MLflow UI did not answer within {_START_S} s; start it once by hand")


if __name__ == "__main__":
    main()
