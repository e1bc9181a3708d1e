"""What a process can be asked for; nothing heavy is imported until it is, least of all by HTTP."""

from __future__ import annotations

from typing import Any

from components.serve.order import Bundle, Chunk, Done, Order
from components.serve.problems import Refusal


def answer(order: Order) -> dict[str, Any] | Refusal:
    """Return the answer to one order."""
    from components.serve import answering

    return answering.answer(order)


def explain(order: Order) -> dict[str, Any] | Refusal:
    """Return the answer to one order and what it rests on."""
    from components.serve import answering

    return answering.explain(order)


def describe(bundle: Bundle) -> dict[str, Any] | Refusal:
    """Return what a model says of itself, having answered its own example first."""
    from components.core.errors import UserError
    from components.serve.describing import described
    from components.serve.problems import refusal

    try:
        return described(bundle)
    except UserError as error:
        return refusal(error)


def answer_rows(chunk: Chunk) -> Done:
    """Return the answers to some rows of a batch as lines of CSV."""
    from components.serve.batch_rows import answered

    return answered(chunk)


def unpack(archive: str, folder: str, files: int, size: int) -> int | Refusal:
    """Return how many files an archive of a batch had, unpacked into a folder."""
    from components.core.errors import UserError
    from components.serve.problems import refusal
    from components.serve.unpacking import unpacked

    try:
        return unpacked(archive, folder, files=files, size=size)
    except UserError as error:
        return refusal(error)
