"""Which version of each model answers, and how another takes its place when an alias moves."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True, kw_only=True, eq=False)
class Served:
    """A version that answers.

    Attributes:
        model: registered name.
        version: number, as text.
        bundle: where it lies.
        facts: what it says of itself, for `/models`.
        card: its model card as HTML; None where there is none.
    """

    model: str
    version: str
    bundle: Bundle
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
    """

    names: Sequence[str]
    alias: str
    processes: Processes
    scratch: Path
    text_encoder: str = ""
    served: dict[str, Served] = field(default_factory=dict[str, Served])
    troubles: dict[str, str] = field(default_factory=dict[str, str])

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

    async def refresh(self) -> None:
        """Look where the alias points, and load what is new; what answers stays until then."""
        for name in self.names:
            try:
                await self._refresh(name)
                self.troubles.pop(name, None)
            except CardioError as error:
                self._trouble(name, error)

    async def _refresh(self, name: str) -> None:
        number = await asyncio.to_thread(pointed_at, name, self.alias)
        old = self.served.get(name)
        if old is not None and old.version == number:
            return
        loaded = await self._loaded(name, number)
        self.served[name] = loaded
        self.processes.preload([each.bundle for each in self.served.values()])
        say(f"serve: {name} is answered by version {number} (@{self.alias})")
        if old is not None:
            self._forget_later(old)

    async def _loaded(self, name: str, number: str) -> Served:
        into = self.scratch / f"{name}-{number}"
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir(parents=True)
        logged = await asyncio.to_thread(download, name, number, into)
        bundle = Bundle(folder=str(logged.bundle), text_encoder=self.text_encoder)
        facts = await self.processes.run(describe, bundle)
        if isinstance(facts, Refusal):
            raise InputError(facts.detail)
        return Served(
            model=name,
            version=number,
            bundle=bundle,
            facts=facts | {"figures": await asyncio.to_thread(_figures, name, number)},
            card=await asyncio.to_thread(card_page, name, number),
        )

    def _forget_later(self, old: Served) -> None:
        """Delete a version's files once requests that began with it must have ended."""
        loop = asyncio.get_running_loop()
        folder = self.scratch / f"{old.model}-{old.version}"
        # One that waits in the queue may begin just before its limit, and then take as long.
        loop.call_later(
            4 * self.processes.seconds, lambda: shutil.rmtree(folder, ignore_errors=True)
        )

    def _trouble(self, name: str, error: CardioError) -> None:
        words = shorten(str(error), 300)
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
