"""Planted events: which they are, how much attribution they get, what taking them out does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from components.core.config.explain import ExplainConfig
from components.core.data.stored_events import EVENT_KINDS
from components.core.errors import CardioError, ConfigError
from components.core.metrics.resampling import Plan
from components.core.store import Stage, Workspace, build
from components.core.upstream import Upstream, upstream
from components.explain import job as jobs
from components.explain.event_values import (
    GAP,
    event_values,
    known_words,
    sequences,
    told,
)
from components.explain.explained import Explained, Fold, records_of
from components.explain.fitting import check_fits
from components.explain.planted_events.facts import Marks, PlantedEvent, marks, planted_in
from components.explain.planted_events.find import METHODS, planted_events_sections
from components.explain.planted_events.networks import of_model, taken_out
from components.explain.planted_events.shares import (
    by_planted,
    counted,
    joined,
    marked,
    recent_over_earlier,
)
from components.explain.run import explain
from components.explain.samples import Asked
from components.explain.subjects import Model, open_subjects
from tests.chain import audited, task_config, trained
from tests.event_cohort import (
    LABEL,
    RISK,
    SPLIT,
    ingested_stays,
    prepared_stays,
    write_stays,
)

PLAN = Plan(draws=100, seed=0)
QUICK = ExplainConfig(
    steps=4, permutations=2, checked=4, randomised=1, noisy=1, orders=1, draws=100, records=12,
    overlays=0,
)  # fmt: skip
MODEL = {"name": "event_transformer", "d_model": 8, "layers": 1, "heads": 2, "feedforward": 8,
         "pool_heads": 2, "hidden": [8, 8]}  # fmt: skip
TRUTH = {
    "planted": [
        {"name": "pressor", "kind": "prescription", "phrase": "Norepinephrine",
         "window_hours": 12, "log_odds": 2.0},
        {"name": "nowhere", "kind": "lab", "phrase": "Norepinephrine", "window_hours": 12,
         "log_odds": 1.0},
    ]
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A model, a control, and an explanation of the model's records."""

    model: Upstream
    control: Upstream
    done: Stage


def _made(source: Stage, shuffle: int | None = None) -> Upstream:
    label: dict[str, Any] = LABEL | ({} if shuffle is None else {"shuffle": shuffle})
    stage = prepared_stays(source, label=label, split=SPLIT)
    fit = {"epochs": 1, "batch": 16, "device": "cpu", "precision": "fp32"}
    task = task_config(label=label, model=MODEL, fit=fit)
    return upstream(trained(audited(stage, label=label), task))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Stays with a planted event, as a synthetic cohort tells of it."""
    folder = write_stays(tmp_path_factory.mktemp("stays"), stays=90, longest=8)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # networks this small only wait for a second thread
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("stages")))
        source = ingested_stays(folder)
        (source.folder / "truth").mkdir()
        (source.folder / "truth" / "truth.json").write_text(json.dumps(TRUTH), encoding="utf-8")
        model, control = _made(source), _made(source, shuffle=1)
        job = jobs.job(model, Asked(), QUICK, controls=(control,))
        check_fits(job)

        def compute(work: Workspace) -> None:
            explain(work, job, None)

        done = build("explain", "0" * 32, config={}, inputs=jobs.inputs(job), compute=compute)[0]
        yield Place(model, control, done)
    torch.set_num_threads(threads)


def _explained(place: Place) -> Explained:
    """Return the explanation's records, with nothing said of their groups."""
    job = jobs.job(place.model, Asked(), QUICK)
    own = Model(train=job.behind.train, cohort=job.behind.cohort, head=job.head, place=job.place)
    subjects = open_subjects(
        own, job.chosen, part="val", opening=None, segment=lambda *_: np.empty((0, 0), np.int8)
    )
    folds = [Fold(subject=each, said={}, records=records_of(each, job.head)) for each in subjects]
    return Explained(folds=folds, methods=(), config=QUICK, head=job.head)


def test_the_report_tells_shares_controls_and_effects(place: Place) -> None:
    figures = place.done.facts["figures"]
    assert 0 < figures["explain/planted_share/ig"] < 1
    assert figures["explain/planted_ratio"] == figures["explain/planted_ratio/ig"] > 0
    assert figures["explain/planted_share_control"] > 0
    assert "explain/planted_share_control/layer_ig" not in figures
    assert figures["explain/planted_within_over_earlier/ig"] > 0
    assert "explain/planted_effect/pressor/taken_out_lo" in figures
    assert not any("nowhere" in name for name in figures)
    page = (place.done.folder / "report.html").read_text(encoding="utf-8")
    _, found, after = page.partition("Does the explanation find the planted events?")
    assert found
    assert RISK not in after.partition("<h2")[0]  # elsewhere it stands as a text of many patients


def test_events_are_marked_by_phrase_kind_and_window(place: Place) -> None:
    truth = planted_in(place.model.ingest)
    assert [each.name for each in truth] == ["pressor", "nowhere"]
    for fold in _explained(place).folds:
        own = sequences(fold)
        found = marks(own, truth)
        events = own.events(np.arange(len(own)))
        is_risk = np.array(own.texts_of(events)) == RISK
        assert np.array_equal(found.number >= 0, is_risk)
        recent = events.seconds <= 12 * 3600
        assert np.array_equal(found.inside, is_risk & recent)
        assert np.array_equal(found.earlier, is_risk & ~recent)
        assert found.inside.any()
        assert found.earlier.any()


def test_values_of_events_stand_beside_what_they_are(place: Place) -> None:
    explained = _explained(place)
    (fold,) = explained.folds
    own = sequences(fold)
    values = event_values(place.done.folder, fold, [1, 0])
    assert [each.number for each in values] == [1, 0]
    for each in values:
        assert each.values.keys() == set(METHODS)
        assert len(each.hours) == len(each.kind) == len(each.texts) == len(each.values["ig"])
        assert own.lengths[each.number] == len(each.hours)
        assert (np.diff(each.hours) <= 0).all()
        kinds = {text: EVENT_KINDS[kind] for text, kind in zip(each.texts, each.kind, strict=True)}
        assert kinds.get(RISK, "prescription") == "prescription"
        assert each.truth in (0, 1)
        assert each.log_odds == pytest.approx(float(fold.records["log_odds"].iloc[each.number]))
    flat = of_model(place.done.folder, explained, "ig")
    np.testing.assert_allclose(flat[: own.lengths[0]], values[1].values["ig"])
    with pytest.raises(ValueError, match="do not hold every event"):
        of_model(place.done.folder, explained, "ablation")


def test_words_of_few_patients_are_not_told(place: Place) -> None:
    known = known_words(_explained(place))
    assert told(RISK, known) == RISK
    assert told("Lactate 1.4 mmol/L seen by Meier 20240302", known) == f"Lactate 1.4 mmol/L {GAP}"


def test_taking_a_planted_event_out_is_felt(place: Place) -> None:
    (fold,) = _explained(place).folds
    subject, truth = fold.subject, planted_in(place.model.ingest)
    found = marks(sequences(fold), truth)
    change = taken_out(subject, found, len(truth))
    has = np.array([own.any() for own in np.split(found.inside, found.offsets[1:-1])])
    assert np.array_equal(np.isfinite(change[:, 0]), has)
    assert np.isnan(change[:, 1]).all()
    assert (np.abs(change[has, 0]) > 0).all()


def test_without_truth_or_events_nothing_is_compared(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.explain.planted_events.facts.truth_summary", lambda _: None)
    job = jobs.job(place.model, Asked(), QUICK, controls=(place.control,))
    with pytest.raises(ConfigError, match="planted in pictures, sounds and events, but this"):
        check_fits(job)
    none = planted_events_sections(place.done.folder, _explained(place), place.model, (), PLAN)
    assert none == []


def test_other_methods_leave_controls_without_anything_to_compare(place: Place) -> None:
    config = QUICK.model_copy(update={"methods": ("ablation",)})
    job = jobs.job(place.model, Asked(), config, controls=(place.control,))
    with pytest.raises(ConfigError, match="controls are compared by ig, but the methods are"):
        check_fits(job)


# Two records: planted 0 within, another event, planted 0 earlier; planted 1 within, another event.
TOY = Marks(
    offsets=np.array([0, 3, 5]),
    number=np.array([0, -1, 0, 1, -1]),
    inside=np.array([True, False, False, True, False]),
)
VALUES = np.array([4.0, -1.0, 2.0, -3.0, 1.0])
PATIENTS = np.array(["a", "b"], dtype=object)


def test_sums_are_of_the_planted_events_within_their_windows() -> None:
    assert marked(VALUES, TOY).tolist() == [[4, 7], [3, 4]]
    assert counted(TOY) == pytest.approx(0.4)
    assert np.isnan(counted(Marks(offsets=np.zeros(1, np.int64), number=np.zeros(0, np.int64),
                                  inside=np.zeros(0, np.bool_))))  # fmt: skip
    own = by_planted(VALUES, TOY, 2)
    assert own[0, 0] == 4
    assert own[1, 1] == -3
    assert np.isnan(own[[0, 1], [1, 0]]).all()
    found = recent_over_earlier(VALUES, TOY, patients=PATIENTS, plan=PLAN)
    assert found.value == pytest.approx(3.5 / 2)


def test_marks_of_folds_follow_each_other() -> None:
    both = joined([TOY, TOY])
    assert both.offsets.tolist() == [0, 3, 5, 8, 10]
    assert both.number.tolist() == [*TOY.number, *TOY.number]
    assert marked(np.tile(VALUES, 2), both).tolist() == [[4, 7], [3, 4]] * 2


def test_a_model_without_events_has_none_to_tell_of(place: Place) -> None:
    (fold,) = _explained(place).folds
    bare = replace(fold.subject, rows=replace(fold.subject.rows, events=None))
    with pytest.raises(CardioError, match="the model reads no event sequences; ask whether"):
        sequences(replace(fold, subject=bare))


def test_a_planted_event_is_what_the_truth_says(place: Place) -> None:
    assert planted_in(place.model.ingest)[0] == PlantedEvent(
        name="pressor", kind=0, phrase="Norepinephrine", window_hours=12.0, log_odds=2.0
    )
