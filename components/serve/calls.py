"""What a process can be asked for; nothing heavy is imported until it is, least of all by HTTP."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from components.core.errors import UserError
from components.serve.batch_table import Table
from components.serve.order import Bundle, Chunk, Done, Order
from components.serve.problems import Fault, Refusal, refusal

R = TypeVar("R")


def plainly(function: Callable[..., R], *arguments: object) -> R | Refusal | Fault:
    """Return what a function says, or its error as plain data, which survives between processes."""
    try:
        return function(*arguments)
    except UserError as error:
        return refusal(error)
    except Exception as error:  # noqa: BLE001 - whatever a library raises
        last = traceback.extract_tb(error.__traceback__)[-1]
        return Fault(kind=type(error).__name__, place=f"{Path(last.filename).name}:{last.lineno}")


def answer(order: Order) -> dict[str, Any] | Refusal:
    """Return the answer to one order."""
    from components.serve import answering

    return answering.answer(order)


def explain(order: Order) -> dict[str, Any] | Refusal:
    """Return the answer to one order and what it rests on."""
    from components.serve import answering

    return answering.explain(order)


def describe(bundle: Bundle) -> dict[str, Any]:
    """Return what a model says of itself, having answered its own example first."""
    from components.serve.describing import described

    return described(bundle)


def answer_rows(chunk: Chunk) -> Done:
    """Return the answers to some rows of a batch as lines of CSV."""
    from components.serve.batch_rows import answered

    return answered(chunk)


def open_table(path: str, columns: Sequence[str], most: int) -> Table:
    """Return the table of a batch, held to the columns that a model takes."""
    from components.serve.batch_table import opened

    return opened(Path(path), columns, most)


def unpack(archive: str, folder: str, files: int, size: int) -> int:
    """Return how many files an archive of a batch had, unpacked into a folder."""
    from components.serve.unpacking import unpacked

    return unpacked(archive, folder, files=files, size=size)
