"""One function per check. Plain functions: no MLflow run, no command line."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from components.core import runs, store
from components.core.device import native_bf16, resolve
from components.core.errors import CardioError
from components.core.versions import library_versions

PYTHON = (3, 11)
# The demo's stages and artifacts take about 2 GB; a cohort of 100,000 ECGs about 20.
_MIN_FREE_GB = 3.0


@dataclass(frozen=True)
class Result:
    """One line of the doctor's table.

    Attributes:
        name: what was looked at.
        ok: nothing to fix.
        found: what was found.
        fix: what to do; empty when nothing.
    """

    name: str
    ok: bool
    found: str
    fix: str = ""


def python() -> Result:
    """Check the interpreter."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    ok = sys.version_info[:2] == PYTHON
    return Result("python", ok, f"{found} in {Path(sys.prefix).name}",
                  "" if ok else "run `make setup` with Python 3.11")  # fmt: skip


def pins() -> Result:
    """Compare what is installed with the pinned versions."""
    file = runs.ROOT / "requirements" / "requirements.txt"
    wanted = dict(line.split("==") for line in file.read_text().splitlines() if "==" in line)
    installed = library_versions(tuple(wanted))
    wrong = [f"{n} {installed[n]} (pinned {v})" for n, v in wanted.items() if installed[n] != v]
    if not wrong:
        return Result("pinned versions", ok=True, found=f"all {len(wanted)} as pinned")
    shown = ", ".join(wrong[:4]) + (f" and {len(wrong) - 4} more" if len(wrong) > 4 else "")
    return Result("pinned versions", ok=False, found=shown, fix="run `make setup`")


def imports() -> Result:
    """Import what the stages compute with."""
    broken: list[str] = []
    for name in (
        "components.core.compat",
        "torch",
        "lightning",
        "sklearn",
        "h5py",
        "wfdb",
        "pydicom",
    ):
        try:
            importlib.import_module(name)
        except (ImportError, OSError) as error:
            broken.append(f"{name} ({type(error).__name__})")
    if broken:
        return Result("imports", ok=False, found=", ".join(broken), fix="run `make setup`")
    return Result(
        "imports",
        ok=True,
        found="torch, torchaudio, lightning, scikit-learn, h5py, wfdb, pydicom",
    )


def device() -> Result:
    """Say what training will run on."""
    import torch

    place = resolve("auto", "auto")
    arithmetic = "native bf16" if native_bf16(place.device) else "no native bf16, so fp32"
    found = f"{place.device}: {place.name}, {arithmetic}, {torch.get_num_threads()} threads"
    return Result("device", ok=True, found=found)


def tracking() -> Result:
    """Reach the tracking store."""
    uri = runs.store_uri()
    shown = "mlruns/mlflow.db" if uri.endswith("/mlruns/mlflow.db") else uri.split("@")[-1]
    try:
        runs.connect()
    except CardioError as error:
        return Result("tracking store", ok=False, found=shown, fix=str(error))
    return Result("tracking store", ok=True, found=shown)


def disk() -> Result:
    """Check that the data folder can be written and has room."""
    root = store.data_root()
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Result(
            "data folder", ok=False, found=f"{root} cannot be made", fix="set CARDIO_DATA"
        )
    if not os.access(root, os.W_OK):
        return Result("data folder", ok=False, found=f"{root} is not writable",
                      fix="set CARDIO_DATA to a folder that is")  # fmt: skip
    free = shutil.disk_usage(root).free / 1e9
    ok = free >= _MIN_FREE_GB
    fix = "" if ok else f"free at least {_MIN_FREE_GB:.0f} GB or set CARDIO_DATA"
    return Result("data folder", ok, f"{free:,.0f} GB free", fix)


def hub() -> Result:
    """Say whether the Hugging Face hub may be asked."""
    offline = os.environ.get("HF_HUB_OFFLINE") == "1"
    found = "off (HF_HUB_OFFLINE=1)" if offline else "only if a task names a hub model"
    return Result("model hub", ok=True, found=found)


CHECKS: tuple[Callable[[], Result], ...] = (python, pins, imports, device, tracking, disk, hub)


def diagnose() -> list[Result]:
    """Return the result of every check."""
    return [check() for check in CHECKS]
