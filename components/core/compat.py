"""Import torchaudio where its compiled part cannot be loaded; import this before it.

torchaudio 2.11, the newest there is, brings one wheel, linked against CUDA. Over a CPU build of
torch its import ends in `OSError: libc10_cuda.so`, and transformers, which imports it, fails with
it. What this project uses of torchaudio (its transforms) is pure Python: after such a failure the
import is tried once more with the compiled part marked absent. With a matching build this module
does nothing.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock


def import_torchaudio() -> ModuleType:
    """Return torchaudio, with its compiled part where that can be loaded, without it elsewhere."""
    try:
        return importlib.import_module("torchaudio")
    except OSError as error:
        if "libc10_cuda" not in str(error) and "_torchaudio" not in str(error):
            raise
    for name in [n for n in sys.modules if n == "torchaudio" or n.startswith("torchaudio.")]:
        del sys.modules[name]
    with _extension_absent():
        return importlib.import_module("torchaudio")


@contextmanager
def _extension_absent() -> Generator[None]:
    """Let a search for compiled files in torchaudio's own folder find nothing."""
    real = Path.glob

    def glob(self: Path, pattern: str, **options: Any) -> Iterator[Path]:  # noqa: ANN401
        if self.name == "lib" and self.parent.name == "torchaudio":
            return iter(())
        return iter(real(self, pattern, **options))

    with mock.patch.object(Path, "glob", glob):
        yield


import_torchaudio()
