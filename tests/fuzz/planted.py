"""Targets with planted faults: what the fuzzer must find."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial

from tests.fuzz import worker
from tests.fuzz.mutate import Mutated
from tests.fuzz.seeds import Seed
from tests.fuzz.targets import Target


def _raise() -> None:
    raise ValueError("planted")


def _hang() -> None:
    while True:
        pass


def _crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _allocate() -> None:
    bytearray(2 * worker.ALLOWANCE_BYTES)


FAULTS: dict[str, Callable[[], None]] = {
    "exception": _raise, "hang": _hang, "crash": _crash, "memory": _allocate,
}  # fmt: skip


class Planted(Target):
    """Goes wrong on every input that was cut."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def seeds(self) -> tuple[Seed, ...]:
        """Return one small text."""
        return (Seed(name="text", main="a", files={"a": b"one, two, three\n" * 8}),)

    def run(self, seed: Seed, mutated: Mutated) -> None:
        """Do what is planted where the damage is a single cut."""
        if mutated.kinds == ("cut",):
            FAULTS[self.name]()


if __name__ == "__main__":
    worker.main({name: partial(Planted, name) for name in FAULTS})
