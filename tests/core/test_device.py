"""Devices and arithmetic are resolved once and refused when they are not to be had."""

from __future__ import annotations

import pytest
import torch

from components.core import device
from components.core.device import native_bf16, resolve
from components.core.errors import ConfigError

AMX = "processor : 0\nmodel name : A processor\nflags : fpu avx512f amx_bf16 sse\n"


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_GPU_DEVICE_FILES", ("/dev/null",))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_GPU_DEVICE_FILES", ("/dev/null",))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (8, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A GPU")


def test_cuda_without_a_device_is_refused(no_gpu: None) -> None:
    with pytest.raises(ConfigError, match=r"fit.device is 'cuda', but no CUDA device is visible"):
        resolve("cuda", "fp32")


def test_without_a_driver_torch_is_not_asked(gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_GPU_DEVICE_FILES", ("/dev/there-is-no-such-file",))
    assert resolve("auto", "fp32").device == "cpu"


def test_fp16_on_a_cpu_is_refused(no_gpu: None) -> None:
    with pytest.raises(ConfigError, match=r"fit.precision is 'fp16', which trains on a GPU only"):
        resolve("cpu", "fp16")


def test_auto_without_a_gpu_is_the_cpu(no_gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_cpu_info", lambda: AMX)
    assert resolve("auto", "auto") == device.Place("cpu", "bf16", "A processor")
    monkeypatch.setattr(device, "_cpu_info", lambda: AMX.replace("amx_bf16", ""))
    assert resolve("auto", "auto").precision == "fp32"


@pytest.mark.parametrize("flag", ["amx_bf16", "avx512_bf16"])
def test_native_bf16_is_read_from_the_processors_flags(
    monkeypatch: pytest.MonkeyPatch, flag: str
) -> None:
    monkeypatch.setattr(device, "_cpu_info", lambda: f"flags : fpu {flag}\n")
    assert native_bf16("cpu")
    monkeypatch.setattr(device, "_cpu_info", lambda: f"flags : fpu {flag}x\n")
    assert not native_bf16("cpu")


def test_a_machine_that_does_not_tell_gets_fp32(
    no_gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise FileNotFoundError("/proc/cpuinfo")

    monkeypatch.setattr("builtins.open", refuse)
    assert resolve("auto", "auto") == device.Place("cpu", "fp32", "unknown CPU")


def test_auto_takes_the_gpu(gpu: None) -> None:
    assert resolve("auto", "auto") == device.Place("cuda", "bf16", "A GPU")
    assert resolve("auto", "fp16").precision == "fp16"
    assert resolve("cpu", "fp32").device == "cpu"


def test_an_older_gpu_gets_fp32(gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (7, 5))
    assert resolve("cuda", "auto").precision == "fp32"


@pytest.mark.gpu
def test_a_real_gpu_is_taken() -> None:
    assert resolve("auto", "auto").device == "cuda"
