"""What people, pre-commit and CI run: lint, format, types, import contracts, tests, coverage.

`python -m scripts.check` runs all; `python -m scripts.check lint types` the named ones.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
STEPS: dict[str, list[str]] = {
    "lint": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "types": ["pyright"],
    "contracts": ["lint-imports"],
    "tests": ["pytest", "-n", "2", "--dist", "worksteal", "--cov", "--cov-report=term"],
}


def main(names: list[str]) -> int:
    """Run the named steps and return how many failed."""
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        sys.exit(f"error: no step is called {unknown[0]}; known are {', '.join(STEPS)}")
    failed: list[str] = []
    for name in names or list(STEPS):
        start = time.monotonic()
        command = STEPS[name]
        print(f"── {name}: {' '.join(command)}", flush=True)
        status = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, check=False)
        print(f"── {name}: {time.monotonic() - start:.0f} s", flush=True)
        if status.returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
