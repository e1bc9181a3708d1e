"""Open the MLflow UI on 127.0.0.1 and say which page to look at."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from components.core import ui_links
from components.core.runs import store_uri


def main() -> None:
    """Print the page of the main task's runs, then become the MLflow server."""
    print(f"the runs of ctrcd: {ui_links.runs_table('ctrcd')}", flush=True)
    program = str(Path(sys.executable).parent / "mlflow")
    server = [program, "server", "--host", "127.0.0.1", "--port", "5000"]
    os.execv(program, [*server, "--backend-store-uri", store_uri()])  # noqa: S606 - fixed words


if __name__ == "__main__":
    main()
