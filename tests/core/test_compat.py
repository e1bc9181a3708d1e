"""torchaudio imports whether or not its compiled part does."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from components.core import compat

ROOT = Path(__file__).resolve().parents[2]


def test_transforms_work_and_transformers_finds_torchaudio() -> None:
    code = (
        "import warnings, torch, components.core.compat, torchaudio\n"
        "out = torchaudio.transforms.Resample(500, 250)(torch.randn(2, 1000))\n"
        "assert out.shape == (2, 500), out.shape\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_matching_build_is_imported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    module, calls = ModuleType("torchaudio"), []

    def load(name: str) -> ModuleType:
        calls.append(name)
        return module

    monkeypatch.setattr(importlib, "import_module", load)
    assert compat.import_torchaudio() is module
    assert calls == ["torchaudio"]


@pytest.mark.parametrize("name", ["libc10_cuda.so", "_torchaudio.abi3.so"])
def test_a_compiled_part_that_cannot_load_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    lib = tmp_path / "torchaudio" / "lib"
    lib.mkdir(parents=True)
    (lib / "_torchaudio.so").touch()
    (tmp_path / "other.so").touch()
    seen: list[list[Path]] = []

    def load(_: str) -> ModuleType:
        seen.append(list(lib.glob("*.so")) + list(tmp_path.glob("*.so")))
        if len(seen) == 1:
            sys.modules["torchaudio"] = ModuleType("half")
            raise OSError(f"{name}: cannot open shared object file")
        assert "torchaudio" not in sys.modules
        return ModuleType("torchaudio")

    monkeypatch.setitem(sys.modules, "torchaudio", ModuleType("before"))
    monkeypatch.setattr(importlib, "import_module", load)
    assert compat.import_torchaudio().__name__ == "torchaudio"
    assert [len(each) for each in seen] == [2, 1]
    assert list(lib.glob("*.so")), "the file system is itself again"


def test_another_failure_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: str) -> ModuleType:
        raise OSError("libsox.so: cannot open shared object file")

    monkeypatch.setattr(importlib, "import_module", load)
    with pytest.raises(OSError, match="libsox"):
        compat.import_torchaudio()
