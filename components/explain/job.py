"""What is explained, and how; and what that is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from components.core import store
from components.core.config.base import validate
from components.core.config.explain import ExplainConfig
from components.core.config.task import assign, parse_overrides
from components.core.device import Place, resolve
from components.core.heads.known import binary_truth
from components.core.heads.registry import View, view
from components.core.schemas import MANIFEST
from components.core.upstream import Upstream
from components.core.versions import library_versions
from components.explain.samples import Asked, Chosen, choose

_LIBRARIES = ("numpy", "pandas", "pyarrow", "torch", "captum", "neurokit2", "matplotlib", "jinja2")
APART = (
    "the figures stand on this run alone, not on the pipeline's, which takes those of its own head "
    "on drawn validation records by all methods"
)


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is explained, and how.

    Attributes:
        behind: the stages behind the training.
        controls: those behind trainings on shuffled labels.
        head: whose log-odds are attributed.
        config: settings.
        chosen: the records.
        place: device and precision.
    """

    behind: Upstream
    controls: tuple[Upstream, ...]
    head: View
    config: ExplainConfig
    chosen: Chosen
    place: Place

    @property
    def headline(self) -> bool:
        """Return whether its figures are those of the pipeline, whose run shows one set of them.

        They are those of the headline's head, on drawn validation records, by all methods that fit:
        an explanation of something else must not take their place under the same names.
        """
        drawn = self.config.part == "val" and not self.chosen.named
        every = not self.config.methods
        return drawn and every and self.head.name == str(self.behind.train.facts["head"])


def settings(overrides: str, *, methods: str = "", part: str = "", records: int | None = None) -> (
    ExplainConfig
):  # fmt: skip
    """Return the settings of an explanation.

    Args:
        overrides: `key=value` pairs separated by spaces, e.g. `steps=100 records=64`.
        methods: names separated by commas; replaces `methods` when not empty.
        part: replaces `part` when not empty.
        records: replaces `records` when not None.

    Raises:
        ConfigError: an unknown key, naming the nearest, or a wrong value.
    """
    data: dict[str, Any] = {}
    for key, value in parse_overrides(overrides):
        assign(data, key, value)
    if methods:
        data["methods"] = [each.strip() for each in methods.split(",") if each.strip()]
    if part:
        data["part"] = part
    if records is not None:
        data["records"] = records
    return validate(ExplainConfig, data, "the settings of explain")


def job(
    behind: Upstream,
    wanted: Asked,
    config: ExplainConfig,
    *,
    head: str = "",
    controls: tuple[Upstream, ...] = (),
) -> Job:
    """Return what is to be done.

    Args:
        behind: the stages behind the training.
        wanted: which records.
        config: settings.
        head: its name; empty takes the one whose figures are the headline.
        controls: stages behind trainings on shuffled labels.

    Raises:
        ConfigError: a head that was not trained.
        InputError: a record that is not in the data set or not in the part.
    """
    train = behind.train
    of = view(train.facts["heads"], head or str(train.facts["head"]))
    manifest = pd.read_parquet(behind.cohort.folder / MANIFEST)
    chosen = choose(manifest, wanted, config, truth=lambda f: binary_truth(of.name, of.head, f))
    # In single precision: an attribution is a small difference of large numbers.
    place = resolve("auto", "fp32")
    return Job(behind=behind, controls=controls, head=of, config=config, chosen=chosen, place=place)


def plain_config(job: Job) -> dict[str, Any]:
    """Return what, beside the trainings, bears on the result."""
    plain = job.config.model_dump(mode="json")
    return {**plain, "head": job.head.name, "samples": job.chosen.digest}


def inputs(job: Job) -> dict[str, str]:
    """Return the stages that the result comes from."""
    controls = {f"control.{i}": c.train.fingerprint for i, c in enumerate(job.controls)}
    return {"train": job.behind.train.fingerprint, **controls}


def identity(job: Job) -> str:
    """Return the fingerprint of the explanation."""
    return store.fingerprint(
        "explain",
        config=plain_config(job),
        inputs=inputs(job),
        libraries=library_versions(_LIBRARIES) | {"device": job.place.device},
    )
