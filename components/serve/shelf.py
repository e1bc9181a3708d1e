"""Which version of each model answers, and how another takes its place when an alias moves."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from components.core import aliases
from components.core.errors import CardioError, InputError, shorten
from components.core.logged_model import download
from components.core.model_card import card_page
from components.core.progress import say
from components.core.version_figures import version_figures
from components.serve.calls import describe
from components.serve.order import Bundle
from components.serve.problems import ProblemError, Refusal
from components.serve.processes import Processes

# An alias that moved on may be moved back.
_KEPT_S = 120.0
# Between two attempts to load a version that could not be loaded.
_AGAIN_S = 30.0
# Models whose registry is asked at the same time.
_AT_ONCE = 8
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True, eq=False)
class Served:
    """A version that answers.

    Attributes:
        model: registered name.
        version: number, as text.
        bundle: where it lies.
        folder: of everything that was downloaded.
        facts: what it says of itself, for `/models`.
        card: its model card as HTML; None where there is none.
    """

    model: str
    version: str
    bundle: Bundle
    folder: Path
    facts: dict[str, Any]
    card: str | None


@dataclass(eq=False)
class Shelf:
    """The models that a service answers by.

    A version is downloaded, loaded in a process and made to answer its own example before it takes
    the place of another; requests under way go on with the one that they began with.

    Attributes:
        names: registered names.
        alias: whose versions answer.
        processes: that compute.
        scratch: folder for downloaded versions.
        text_encoder: folder of the frozen encoder of notes or events.
        served: name → version that answers.
        troubles: name → why the version that the alias points at does not answer.
        kept: versions that the alias moved on from, and until when they are kept at least.
    """

    names: Sequence[str]
    alias: str
    processes: Processes
    scratch: Path
    text_encoder: str = ""
    served: dict[str, Served] = field(default_factory=dict[str, Served])
    troubles: dict[str, str] = field(default_factory=dict[str, str])
    kept: list[tuple[float, Served]] = field(default_factory=list[tuple[float, Served]])
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_AT_ONCE))
    _users: Counter[Path] = field(default_factory=Counter[Path])
    _failed: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])

    def of(self, name: str) -> Served:
        """Return the version that answers; an empty name is the only model.

        Raises:
            ProblemError: `no-such-model`, `not-loaded`.
        """
        if not name and len(self.names) == 1:
            name = self.names[0]
        if name not in self.names:
            known = ", ".join(self.names)
            what = "this model is not served" if name else "'model' is left out"
            raise ProblemError("no-such-model", f"{what}; served are: {known}")
        if name not in self.served:
            raise ProblemError("not-loaded", f"no version of {name} could be loaded")
        return self.served[name]

    @contextmanager
    def using(self, served: Served) -> Generator[None]:
        """Keep a version's files as long as somebody asks it."""
        self._users[served.folder] += 1
        try:
            yield
        finally:
            self._users[served.folder] -= 1

    async def refresh(self) -> None:
        """Look where the alias points, and load what is new; what answers stays until then."""
        # At once: none waits for another that takes long to arrive.
        await asyncio.gather(*(self._followed(name) for name in self.names))

    async def _followed(self, name: str) -> None:
        try:
            if await self._refresh(name):
                self.troubles.pop(name, None)
        except Exception as error:  # noqa: BLE001 - or the alias would not be followed any more
            self._trouble(name, error)

    async def _refresh(self, name: str) -> bool:
        """Return whether the version answers that the alias points at."""
        number = await self._apart(pointed_at, name, self.alias)
        old = self.served.get(name)
        if old is not None and old.version == number:
            return True
        failed, again = self._failed.get(name, ("", 0.0))
        if failed == number and time.monotonic() < again:
            return False
        self._failed[name] = (number, time.monotonic() + _AGAIN_S)
        self.served[name] = self._taken_back(name, number) or await self._loaded(name, number)
        del self._failed[name]
        self.processes.preload([each.bundle for each in self.served.values()])
        say(f"serve: {name} is answered by version {number} (@{self.alias})")
        if old is not None:
            self.kept.append((time.monotonic() + _KEPT_S, old))
        return True

    def _taken_back(self, name: str, number: str) -> Served | None:
        """Return a version that answered a while ago, and is whole still."""
        for entry in self.kept:
            if (entry[1].model, entry[1].version) == (name, number):
                self.kept.remove(entry)
                return entry[1]
        return None

    def sweep(self) -> None:
        """Delete versions that the alias moved on from and nobody asks any more."""
        for entry in list(self.kept):
            until, old = entry
            if time.monotonic() > until and not self._users[old.folder]:
                self.kept.remove(entry)
                shutil.rmtree(old.folder, ignore_errors=True)

    async def _apart(self, function: Callable[..., R], *arguments: object) -> R:
        """Return what a function says, run where a registry that hangs holds up nothing else."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    async def _loaded(self, name: str, number: str) -> Served:
        # Of its own for every time: the same version may be on its way out in another.
        into = Path(tempfile.mkdtemp(prefix="model-", dir=self.scratch))
        try:
            return await self._loaded_into(into, name, number)
        except BaseException:
            shutil.rmtree(into, ignore_errors=True)
            raise

    async def _loaded_into(self, into: Path, name: str, number: str) -> Served:
        logged = await self._apart(download, name, number, into)
        bundle = Bundle(folder=str(logged.bundle), text_encoder=self.text_encoder)
        facts = await self.processes.run(describe, bundle)
        if isinstance(facts, Refusal):
            raise InputError(facts.detail)
        return Served(
            model=name,
            version=number,
            bundle=bundle,
            folder=into,
            facts=facts | {"figures": await self._apart(_figures, name, number)},
            card=await self._apart(card_page, name, number),
        )

    def _trouble(self, name: str, error: Exception) -> None:
        # Others' messages may name folders and addresses.
        own = isinstance(error, CardioError)
        said = str(error) if own else f"it cannot be loaded ({type(error).__name__})"
        words = shorten(said.replace(str(self.scratch), "…"), 300)
        if self.troubles.get(name) != words:
            say(f"serve: {name}: {words}")
        self.troubles[name] = words


def pointed_at(name: str, alias: str) -> str:
    """Return the number of the version that an alias points at.

    Raises:
        InputError: there is no such model, or it has no such alias.
    """
    found = aliases.aliases(name)
    if alias not in found:
        known = ", ".join(f"@{each}" for each in sorted(found)) or "none"
        hint = f"promote one (`mlflow run . -e promote -P model={name}`) or name another alias"
        raise InputError(f"{name} has no version @{alias} (its aliases: {known}); {hint}")
    return found[alias]


def _figures(name: str, number: str) -> list[dict[str, Any]]:
    version = aliases.version_of(name, number)
    return [asdict(each) for each in version_figures(version.tags, version=version.words)]
