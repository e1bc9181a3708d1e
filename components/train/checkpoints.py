"""Checkpoints that are whole or absent, whatever happens while they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from components.core.files import write_atomic


class AtomicCheckpoints(TorchCheckpointIO):
    """Writes beside the old checkpoint, flushes and renames, and names a full disk as such."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any | None = None,  # noqa: ANN401 - the interface's own
    ) -> None:
        """Write `checkpoint` to `path`.

        Raises:
            OSError: ENOSPC where the disk is full, whatever the writer called it.
        """
        del storage_options
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, lambda p: torch.save(checkpoint, p))
