"""One running service: its processes, its models, its batches, and what it counts."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.core.errors import InputError
from components.core.progress import say
from components.serve.jobs import Jobs
from components.serve.metrics import Metrics
from components.serve.processes import Processes
from components.serve.schema import NOTICE
from components.serve.scratch import delete_left
from components.serve.settings import Settings
from components.serve.shelf import Served, Shelf


@dataclass(eq=False)
class Service:
    """A service.

    Attributes:
        settings: that it was started with.
        scratch: folder for models and batches, which nobody else may read; deleted at the end.
        metrics: that it counts.
        processes: that compute.
        shelf: models that answer.
        announce: what is said once it answers.
        trouble: why it never did; None where it does.
        jobs: batches.
        card_key: that `/models`, which wants the token, gives out with the links to model cards.
    """

    settings: Settings
    scratch: Path
    announce: str = ""
    trouble: Exception | None = None
    metrics: Metrics = field(default_factory=Metrics)
    processes: Processes = field(init=False)
    shelf: Shelf = field(init=False)
    jobs: Jobs = field(init=False)
    card_key: str = field(init=False, default_factory=secrets.token_urlsafe)

    def __post_init__(self) -> None:
        own = self.settings
        self.processes = Processes(
            count=own.workers, waiting=own.waiting, seconds=own.seconds, scratch=self.scratch
        )
        self.shelf = Shelf(
            names=own.models,
            alias=own.alias,
            processes=self.processes,
            scratch=self.scratch,
            text_encoder=own.text_encoder,
        )
        self.jobs = Jobs(
            processes=self.processes,
            shelf=self.shelf,
            settings=own,
            metrics=self.metrics,
            scratch=self.scratch,
        )
        self.metrics.under_way.set_function(lambda: self.processes.under_way)
        self.metrics.stopped.set_function(lambda: self.processes.stopped)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Load the models, follow their alias while the service runs, and clean up after it.

        Raises:
            InputError: none of the models can be loaded.
        """
        try:
            await self.shelf.refresh()
            if not self.shelf.served:
                raise InputError("; ".join(self.shelf.troubles.values()))
        except Exception as error:
            self.trouble = error  # the server itself would only log it
            raise
        self.processes.begin()
        say(self.announce)
        # Two, so that a registry that does not answer keeps no upload longer than it may be kept.
        tasks = [asyncio.create_task(each) for each in (self._follow(), self._tidy())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.close()

    def close(self) -> None:
        """Stop the processes and delete what was downloaded and sent."""
        self.jobs.close()
        self.processes.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self.settings.poll_seconds)
            await self.shelf.refresh()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(self.settings.poll_seconds)
            try:
                await asyncio.to_thread(delete_left)
                self.shelf.sweep()
                await self.jobs.purge()
            except Exception as error:  # noqa: BLE001 - or nothing would be deleted any more
                say(f"serve: what is over could not be deleted ({type(error).__name__})")

    def names_of(self, served: Served) -> dict[str, Any]:
        """Return what an answer says of the version that gave it."""
        facts = served.facts
        named = {name: facts[name] for name in ("bundle", "task", "label", "trained_on")}
        version = {"model": served.model, "version": served.version, "alias": self.settings.alias}
        return {**version, **named, "notice": NOTICE}

    def models(self) -> dict[str, Any]:
        """Return `/models`."""
        own = self.settings
        limits = {
            "upload_bytes": own.upload_bytes, "batch_bytes": own.batch_bytes,
            "batch_rows": own.batch_rows, "seconds": own.seconds,
        }  # fmt: skip
        return {"notice": NOTICE, "limits": limits, "models": [self._model(n) for n in own.models]}

    def _model(self, name: str) -> dict[str, Any]:
        served = self.shelf.served.get(name)
        found = {
            "name": name, "alias": self.settings.alias, "ready": served is not None,
            "detail": self.shelf.troubles.get(name, ""),
        }  # fmt: skip
        if served is None:
            return found
        key = "" if self.settings.token is None else f"?key={self.card_key}"
        card = None if served.card is None else f"/models/{name}/card{key}"
        return {**served.facts, **found, "version": served.version, "card": card}

    def health(self) -> dict[str, Any]:
        """Return `/health`, which nobody needs a token for: it names no folder and no address."""
        shelf, processes = self.shelf, self.processes
        troubles = dict.fromkeys(shelf.troubles, "see `detail` in /models")
        return {
            "status": "degraded" if shelf.troubles else "ok",
            "models": {name: each.version for name, each in shelf.served.items()},
            "troubles": troubles,
            "processes": processes.count,
            "under_way": processes.under_way,
            "stopped": processes.stopped,
            "notice": NOTICE,
        }
