"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

# The extensions that decide which kernels a library takes.
_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
_LIBRARIES = ("numpy", "scipy", "torch", "h5py", "pyarrow", "wfdb", "scikit-learn", "mlflow")


def machine() -> str:
    """Return the processor, its cores and flags, the memory and any GPU, in one sentence."""
    import torch

    facts = _cpu()
    name, flags = facts.get("model name", "unknown CPU"), set(facts.get("flags", "").split())
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no CUDA device"
    known = ", ".join(flag for flag in _FLAGS if flag in flags) or "no vector flags known"
    return (
        f"{name}, {psutil.cpu_count(logical=False)} cores ({known}), "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB, {gpu}"
    )


def _cpu() -> dict[str, str]:
    file = Path("/proc/cpuinfo")
    if not file.exists():  # not Linux
        return {}
    pairs = (line.split(":", 1) for line in file.read_text().splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def versions() -> str:
    """Return the versions of interpreter and libraries."""
    found = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return f"Python {platform.python_version()}, {found}"


def load() -> str:
    """Return the load averages over 1 and 5 minutes."""
    one, five, _ = os.getloadavg()
    return f"{one:.1f} and {five:.1f}"
