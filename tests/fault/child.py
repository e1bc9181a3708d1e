"""A stage in a process of its own: `python -m tests.fault.child NAME JSON`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from components.core.store import read_stage
from components.ingest import run as ingest_run
from components.preprocess import run as preprocess_run
from tests.chain import ingest_config, ingested, prepared, task_config, trained
from tests.fault import slow


def main(name: str, settings: dict[str, Any]) -> None:
    """Run the named stage slowly."""
    ingest_run.CHUNK = slow.CHUNK
    ingest_run.decode_chunk = slow.decode_chunk
    preprocess_run.transform_chunk = slow.transform_chunk
    if name == "ingest":
        ingested(ingest_config("manifest", settings["path"], workers=settings["workers"]))
    elif name == "preprocess":
        source = read_stage(Path(settings["source"]))
        prepared(source, split={"method": "holdout"}, workers=settings["workers"])
    else:
        audit = read_stage(Path(settings["audit"]))
        trained(audit, task_config(**settings["task"]), slow.on_epoch)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
