"""Runs pipelines one after another in one process: `python -m tests.e2e.walk JSON`."""

from __future__ import annotations

import json
import sys

import mlflow

from pipelines.cli import main
from tests.entries import Entries


def walk(arguments: list[str]) -> int:
    """Run a pipeline, print what its stages said, and return its exit status."""
    entries = Entries()
    mlflow.run = entries.run
    try:
        main(arguments, standalone_mode=False)
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.stderr.write("\n".join(entries.said))
        while mlflow.active_run() is not None:
            mlflow.end_run()
    return 0


if __name__ == "__main__":
    print(json.dumps([walk(arguments) for arguments in json.loads(sys.argv[1])]))  # noqa: T201
