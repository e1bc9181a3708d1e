"""What the service answers, held against what its OpenAPI says it answers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.serve.started import Store, start

_SETTINGS = Path(__file__).with_name("schemathesis.toml")
# Of every operation and kind of request, beside one for every border of every parameter.
_EXAMPLES = "5"


def test_every_answer_is_one_that_the_schema_names(store: Store, tmp_path: Path) -> None:
    service = start(store, "--workers", "1", settings="waiting=12")
    try:
        done = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"), "--config-file", _SETTINGS, "run",
                f"{service.address}/openapi.json", "--checks", "all", "--max-examples", _EXAMPLES,
                "--no-color",
            ],
            cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
    finally:
        service.stop()
    assert done.returncode == 0, done.stdout[-8000:]
    sent, right = re.findall(r"(\d+) generated, (\d+) passed", done.stdout)[-1]
    assert int(sent) == int(right) > 200
