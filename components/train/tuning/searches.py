"""Which searches a cohort asks for: one, or one inside each outer fold and one over everyone."""

from __future__ import annotations

from dataclasses import dataclass

from components.core import stages, store
from components.core.config.base import digest
from components.core.config.task import TaskConfig
from components.core.data.cohort import folds
from components.core.errors import ConfigError
from components.core.members import REFIT
from components.core.progress import say
from components.core.store import Stage
from components.core.versions import library_versions
from components.train.tuning.plan import prunes

_NAME_DIGITS = 16  # 64 bits of a sha256: no two searches of a hospital share them


@dataclass(frozen=True, kw_only=True)
class Search:
    """One study.

    Attributes:
        name: of the study in its database.
        fold: whose patients it sees; see `parts_of`.
        fits: networks that one trial trains.
        shown: a page is made of it, some megabytes that hold all they need: of the one that gives
            the task's settings, not of every fold's.
        about: what decides a trial's result beside the settings searched.
    """

    name: str
    fold: str
    fits: int
    shown: bool
    about: dict[str, str]

    def steps(self, task: TaskConfig) -> int:
        """Return after how many steps a trial reports: its one fit's epochs of heads, or fits."""
        return self.fits if self.fits > 1 else task.fit.epochs - task.fit.pretrain_epochs


def is_nested(cohort: Stage, task: TaskConfig) -> bool:
    """Return whether each outer fold is searched by itself; by itself where there are several."""
    several = len(folds(cohort)) > 1
    return several if task.tune.nested is None else task.tune.nested


def is_seen(cohort: Stage, task: TaskConfig) -> bool:
    """Return whether the search has seen test patients of some fold, as another's validation."""
    return len(folds(cohort)) > 1 and not is_nested(cohort, task)


def searches(audit: Stage, cohort: Stage, task: TaskConfig) -> list[Search]:
    """Return the studies in the order in which they are made; the last gives the task's settings.

    Raises:
        ConfigError: settings fold by fold, and no refit to be the candidate.
    """
    names = folds(cohort)
    if not is_nested(cohort, task):
        return [_search(audit, cohort, task, "", len(names))]
    if len(names) == 1:
        return [_search(audit, cohort, task, names[0], task.tune.inner_folds)]
    if not task.fit.refit:
        raise ConfigError(
            f"tune.nested searches settings for each of the {len(names)} folds and fit.refit is "
            "false, so that no network would be the candidate; set fit.refit=true or "
            "tune.nested=false"
        )
    return [_search(audit, cohort, task, fold, task.tune.inner_folds) for fold in [*names, REFIT]]


def _search(audit: Stage, cohort: Stage, task: TaskConfig, fold: str, fits: int) -> Search:
    base = task.tune.study or f"{task.task}-{_identity(audit, task)}"
    return Search(
        name=f"{base}-{fold}" if fold else base,
        fold=fold,
        fits=fits,
        shown=fold in ("", REFIT) or len(folds(cohort)) == 1,
        about={
            "the data": audit.inputs["preprocess"],
            "the settings that are not searched": digest(
                task.section("label", "heads", "model", "fit")
            )[:_NAME_DIGITS],
            "the patients searched on": fold or "every fold's validation part",
            **_software(),
        },
    )


def _software() -> dict[str, str]:
    """Return what computes a trial; not the device, which workers need not share."""
    facts = stages.FACTS["search"]
    versions = library_versions(facts.libraries)
    return {
        "the code that trains": store.source_hash(facts.code)[:_NAME_DIGITS],
        **{f"the version of {name}": versions[name] for name in versions},
    }


def _identity(audit: Stage, task: TaskConfig) -> str:
    """Return a digest of all that decides what a trial comes to; not of how many there are."""
    tune = task.tune.model_copy(update={"trials": 1, "minutes": None})
    plain = task.model_copy(update={"tune": tune})
    return stages.stage_fingerprint("search", plain, audit.fingerprint)[:_NAME_DIGITS]


def say_cost(task: TaskConfig, wanted: list[Search]) -> None:
    """Say how much will be trained at most, before it is."""
    trials, fits = task.tune.trials, wanted[0].fits
    total = len(wanted) * trials * fits
    shorter = prunes(task.tune, wanted[0].steps(task))
    ending = "pruned trials are shorter" if shorter else "no trial can be pruned before its end"
    where = f"{len(wanted)} searches ({', '.join(s.fold for s in wanted)}) × " if wanted[1:] else ""
    say(
        f"search: {where}{trials} trials × {fits} fit(s) = {total:,} fits at most, each of up to "
        f"{task.fit.epochs} epochs; {ending}"
    )
