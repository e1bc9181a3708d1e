"""Whether what was asked fits the model, told before anything is opened or computed."""

from __future__ import annotations

from components.core.errors import ConfigError
from components.core.modalities import EVENTS
from components.explain.against_controls import run_again
from components.explain.job import Job
from components.explain.method import Method, chosen
from components.explain.planted_events.facts import planted_in
from components.explain.planted_media.facts import planted
from components.explain.subject import Subject
from components.explain.subjects import Model, bare_subject


def check_fits(job: Job) -> None:
    """Check methods and controls against the networks, without a record.

    Raises:
        ConfigError: a method that does not exist or does not fit the model, or none that fits; or
            controls that nothing could be compared with.
    """
    model = Model(train=job.behind.train, cohort=job.behind.cohort, head=job.head, place=job.place)
    subject = bare_subject(model, next(iter(job.chosen.by_fold)))
    methods = fitting(subject, job)
    if not job.controls:
        return
    places = bool(subject.arrays) and planted(job.behind.ingest) is not None
    events = EVENTS in subject.inputs and bool(planted_in(job.behind.ingest))
    if not subject.leads and not places and not events:
        raise ConfigError(
            "control names trainings to compare the ECG's leads with, or what a synthetic cohort "
            "planted in pictures, sounds and events, but this model's inputs are "
            f"{', '.join(subject.inputs)}; leave control out"
        )
    names = [each.NAME for each in methods]
    again = run_again(subject)
    if not set(again) & set(names):
        raise ConfigError(
            f"controls are compared by {' and '.join(again)}, but the methods are "
            f"{', '.join(names)}; name one of the former, too, or leave control out"
        )


def fitting(subject: Subject, job: Job) -> list[Method]:
    """Return the methods to run.

    Raises:
        ConfigError: one does not exist or does not fit the model, or none fits.
    """
    methods = chosen(subject, job.config)
    if not methods:
        has = ", ".join(subject.inputs)
        raise ConfigError(f"no method fits this model, whose inputs are {has}; name another model")
    return methods
