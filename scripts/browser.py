"""A headless Chromium, driven over the DevTools protocol by a pair of pipes.

Chromium's own `--screenshot` cannot wait for a page that draws itself, click, or close a panel.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from components.core.errors import InputError

NAMES = ("chromium", "chromium-browser", "google-chrome")
# A page is taken to be drawn when its size stays the same over this many looks.
_STILL, _LOOK_S, _LOOKS = 6, 0.5, 120
_STATE = "document.body && document.body.innerText.trim() && document.body.innerHTML.length"
_FLAGS = (
    "--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
    "--remote-debugging-pipe",
)  # fmt: skip


class Browser:
    """One open page."""

    def __init__(self, commands: BinaryIO, answers: BinaryIO) -> None:
        """Take the two pipes and open a page."""
        self._commands, self._answers, self._number = commands, answers, 0
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Send a command and return its result.

        Raises:
            InputError: the browser refused the command.
        """
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if hasattr(self, "_session"):
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + b"\0")
        self._commands.flush()
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                break
        if "error" in answer:
            raise InputError(f"the browser refused {method}: {answer['error'].get('message')}")
        result: dict[str, Any] = answer["result"]
        return result

    def run(self, script: str) -> Any:  # noqa: ANN401 - whatever the script returns
        """Return the value of a JavaScript expression on the page."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True)
        return answer["result"].get("value")

    def open(self, url: str, *, size: tuple[int, int], before: str = "") -> None:
        """Open a page and wait until it stays as it is.

        Args:
            url: of the page.
            size: width and height of the window in CSS pixels.
            before: JavaScript that runs ahead of the page's own.
        """
        width, height = size
        self.send("Page.enable")
        if before:
            self.send("Page.addScriptToEvaluateOnNewDocument", source=before)
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        # A change after `#` alone would leave the old page's state behind.
        self.send("Page.navigate", url="about:blank")
        self.send("Page.navigate", url=url)
        self.settle()

    def choose(self, select: str, text: str) -> None:
        """Type into a drop-down list and take the first entry that is left.

        Args:
            select: JavaScript expression of the list's element.
            text: what to type.
        """
        press = "new MouseEvent('mousedown', {bubbles: true})"
        self.run(f"{select}.dispatchEvent({press}); {select}.querySelector('input').focus()")
        time.sleep(_LOOK_S)
        self.send("Input.insertText", text=text)
        time.sleep(_LOOK_S)
        for kind in ("keyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter",
                windowsVirtualKeyCode=13,
            )  # fmt: skip
        self.settle()

    def settle(self) -> None:
        """Wait until the page stays as it is.

        Raises:
            InputError: it still changes after a minute.
        """
        seen: list[object] = []
        for _ in range(_LOOKS):
            time.sleep(_LOOK_S)
            seen.append(self.run(_STATE))
            last = seen[-_STILL:]
            # An empty page stands still, too, until its script has come.
            if len(last) == _STILL and len(set(last)) == 1 and last[0]:
                return
        raise InputError("the page still changes after a minute; try again with fewer runs")

    def picture(self) -> bytes:
        """Return the window as PNG."""
        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])

    def text(self) -> str:
        """Return the words on the page."""
        return str(self.run("document.body.innerText"))

    def _receive(self) -> dict[str, Any]:
        parts: list[bytes] = []
        while (byte := self._answers.read(1)) not in (b"\0", b""):
            parts.append(byte)
        if not byte:
            raise InputError("the browser ended by itself; start it once by hand to see why")
        answer: dict[str, Any] = json.loads(b"".join(parts))
        return answer


def program() -> str:
    """Return where Chromium is.

    Raises:
        InputError: it is not installed.
    """
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise InputError(f"none of {', '.join(NAMES)} is on PATH; install Chromium")
    return found


@contextmanager
def browser() -> Generator[Browser]:
    """Start Chromium with a profile of its own, which is removed with it."""
    command_in, command_out = os.pipe()
    answer_in, answer_out = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = _started(profile, command_in, answer_out)
        os.close(command_in)
        os.close(answer_out)
        try:
            with os.fdopen(command_out, "wb") as commands, os.fdopen(answer_in, "rb") as answers:
                yield Browser(commands, answers)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            if process.poll() is None:
                process.kill()


def _started(profile: str, commands: int, answers: int) -> subprocess.Popen[bytes]:
    """Start Chromium, which reads commands from descriptor 3 and answers on 4."""
    # Chromium refuses its sandbox to the superuser, as whom containers run.
    flags = (*_FLAGS, *(("--no-sandbox",) if os.geteuid() == 0 else ()), "about:blank")
    # The shell moves the two pipes to the numbers that Chromium looks for.
    line = f'exec "$0" "$@" 3<&{commands} 4>&{answers}'
    return subprocess.Popen(
        ["/bin/bash", "-c", line, program(), f"--user-data-dir={profile}", *flags],
        pass_fds=(commands, answers),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
