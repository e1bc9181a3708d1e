"""Which device and which arithmetic; resolved once, logged, never changed on the quiet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from components.core.errors import ConfigError

# NVIDIA's driver on Linux, the same under WSL 2, AMD's: without one there is no cuda device.
_GPU_DEVICE_FILES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")


@dataclass(frozen=True)
class Place:
    """Where tensors are computed.

    Attributes:
        device: `cpu` or `cuda`.
        precision: `fp32`, `bf16` or `fp16`.
        name: of the processor, for people.
    """

    device: str
    precision: str
    name: str


def resolve(device: str, precision: str) -> Place:
    """Return the place that the settings name.

    `auto` takes cuda where there is one, and bf16 where the device multiplies it natively (a CPU
    with AMX or AVX512-BF16, a GPU of compute capability 8 or above), else fp32.

    Raises:
        ConfigError: a named device or precision is not to be had here.
    """
    has_cuda = _cuda_visible()
    if device == "cuda" and not has_cuda:
        raise ConfigError("fit.device is 'cuda', but no CUDA device is visible; use cpu or auto")
    chosen = "cuda" if device == "cuda" or (device == "auto" and has_cuda) else "cpu"
    native = native_bf16(chosen)
    arithmetic = ("bf16" if native else "fp32") if precision == "auto" else precision
    if arithmetic == "fp16" and chosen == "cpu":
        raise ConfigError("fit.precision is 'fp16', which trains on a GPU only; use bf16 or fp32")
    return Place(chosen, arithmetic, _name(chosen))


def _cuda_visible() -> bool:
    """Ask torch, which takes seconds to import, only where a driver has left a device file."""
    if not any(Path(name).exists() for name in _GPU_DEVICE_FILES):
        return False
    import torch

    return bool(torch.cuda.is_available())


def native_bf16(device: str) -> bool:
    """Return whether the device multiplies bf16 in hardware."""
    if device == "cuda":
        import torch

        return torch.cuda.get_device_capability()[0] >= 8
    flags = _cpu_flags()
    return "amx_bf16" in flags or "avx512_bf16" in flags


def _cpu_info() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:  # noqa: PTH123 - not a project file
            return stream.read()
    except OSError:
        return ""  # not Linux: no flags known, so no bf16 is assumed


def _cpu_flags() -> set[str]:
    for line in _cpu_info().splitlines():
        if line.startswith("flags"):
            return set(line.split(":", 1)[1].split())
    return set()


def _name(device: str) -> str:
    if device == "cuda":
        import torch

        return str(torch.cuda.get_device_name())
    for line in _cpu_info().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown CPU"
