"""The study of one search, as the stage wants it run."""

from __future__ import annotations

from components.core.config.task import TaskConfig
from components.core.runs import Recorder
from components.core.store import Stage
from components.train.tuning import study, trials
from components.train.tuning.job import Factory
from components.train.tuning.pages import PAGE, render, table_of
from components.train.tuning.plan import plan_of
from components.train.tuning.results import Found
from components.train.tuning.run import Loop
from components.train.tuning.searches import Search
from components.train.tuning.trial_runs import Recording

_FACTORY = f"{trials.__name__}:from_job"


def study_loop(audit: Stage, recorder: Recorder) -> Loop:
    """Return what makes a study's trials, or those that are left, each a run under `recorder`'s."""

    def loop(search: Search, task: TaskConfig, minutes: float | None) -> Found:
        limited = task.tune.model_copy(update={"minutes": minutes})
        own = task.model_copy(update={"tune": limited})
        job = trials.job_of(audit, task, search.fold)
        done = study.search(
            plan_of(own, name=search.name, about=search.about, steps=search.steps(task)),
            factory=Factory(function=_FACTORY, arguments=job),
            objective=trials.from_job(**job),
            recording=Recording(experiment=task.task, parent=recorder.run_id),
        )
        table = table_of(done)
        return Found(
            name=search.name,
            fold=search.fold,
            settings=done.best,
            number=done.number,
            value=done.value,
            untuned=done.untuned,
            states=done.states,
            trials=table,
            pages={PAGE: render(done, table)} if search.shown else {},
        )

    return loop
