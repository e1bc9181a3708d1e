"""Figures, report, card and bundle of a trained model. Plain functions: no MLflow, no click."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd

from components.core.comparison.groups import GROUPS
from components.core.config.task import TaskConfig
from components.core.control import is_control
from components.core.data.cohort import folds
from components.core.data.held_out import Opening
from components.core.device import Place, resolve
from components.core.metrics.interval import Interval
from components.core.metrics.resampling import Plan
from components.core.metrics.tables import (
    PatientTables,
    difference,
    headline_figures,
    patient_tables,
)
from components.core.models.spec import DataSpec
from components.core.progress import progress, say
from components.core.reproduction import REPRODUCTION
from components.core.row_names import without_ids
from components.core.schemas import MANIFEST
from components.core.store import Stage, Workspace
from components.core.upstream import Upstream
from components.evaluate import figures as figs
from components.evaluate.analysis import Context, run_analyses
from components.evaluate.assemble import Evaluated, report_data
from components.evaluate.baselines import Features, fit_predict
from components.evaluate.bundling import bundle
from components.evaluate.external import Overlap, external_test, seen_by_baselines
from components.evaluate.heads.said import heads_frame
from components.evaluate.heads.trained import variants_frame
from components.evaluate.imputation.files import write_embeddings
from components.evaluate.imputation.setting import imputers_of
from components.evaluate.loaded import check_loaded
from components.evaluate.oracle import oracle_logits
from components.evaluate.power import cautioned
from components.evaluate.predictions import FoldTest, table, test_fold
from components.evaluate.report.card import render_card, render_card_page
from components.evaluate.report.html import render_html
from components.evaluate.reproduction import bundle_deviation
from components.evaluate.subgroups.grouping import columns_of
from components.evaluate.subgroups.kept import groups_table
from components.evaluate.tracking import PREDICTIONS as PUBLISHED_PREDICTIONS
from components.evaluate.tracking import facts, validation_figures

REPORT, CARD, PREDICTIONS = "report.html", "model_card.md", "predictions.parquet"
CARD_PAGE = "model_card.html"
METRICS_TEST, METRICS_VAL = "metrics_test.json", "metrics_val.json"


def evaluate(
    work: Workspace, stages: Upstream, task: TaskConfig, opening: Opening, *, run_id: str
) -> None:
    """Fill the workspace with predictions, figures, report, model card and bundle.

    Args:
        work: receives the files, counts and facts.
        stages: the training and what it was made from.
        task: the resolved configuration.
        opening: recorded permission to read the test split.
        run_id: for the report.
    """
    config = task.evaluate
    tests, overlap = _predict(stages, task, opening)
    predictions = table(tests)
    features = Features(float(stages.cohort.facts["ecg"]["fs"]))
    predictions = _with_baselines(stages, tests, predictions, config.baselines, features)
    predictions.to_parquet(work.path(PREDICTIONS), index=False)
    _publish(work, stages.cohort, predictions)
    _keep_groups(work, stages, task, predictions)
    tables = patient_tables(predictions, folded=len(tests) > 1)
    plan = Plan(draws=config.draws, seed=config.seed)
    say(f"evaluate: {config.draws:,} bootstrap draws of {len(tables.pooled):,} patients")
    evaluated = _figures(stages, tests, tables, config.baselines, plan)
    context = Context(
        stages=stages, task=task, tests=tests, predictions=predictions, tables=tables, plan=plan,
        place=_place(stages), opening=opening, features=features,
        heads=_heads(stages, task, tests, opening),
        variants=None if stages.home else variants_frame(stages, tests, opening, _place(stages)),
    )  # fmt: skip
    context = replace(context, imputers=imputers_of(stages, context.place, seed=config.seed))
    write_embeddings(work, context)
    evaluated = replace(evaluated, sections=cautioned(run_analyses(context), tables))
    data = report_data(stages, task, evaluated, opening, run_id=run_id, overlap=overlap)
    work.path(REPORT).write_text(render_html(data), encoding="utf-8")
    work.path(CARD).write_text(render_card(data), encoding="utf-8")
    work.path(CARD_PAGE).write_text(render_card_page(data), encoding="utf-8")
    for name, svg in evaluated.pictures(data.plots).items():
        work.path("plots", f"{name}.svg").write_text(svg, encoding="utf-8")
    _keep_tables(work, evaluated)
    work.facts |= facts(stages, task, evaluated, data)
    if stages.home is None:  # another cohort makes no other model
        folder, version = work.folder / "bundle", work.folder.name.removeprefix(".tmp-")
        mendings = {fold: each.calibration for fold, each in context.imputers.items()}
        bundle(folder, stages, task, version=version, mendings=mendings)
        keep = work.path(REPRODUCTION)
        deviation = bundle_deviation(folder, stages, tests[0], context.place, keep=keep)
        work.facts["figures"] |= {"bundle_deviation": deviation}
    val = validation_figures(stages.train, folds(stages.origin), plan)
    _write_json(work, METRICS_TEST, evaluated.all_figures())
    _write_json(work, METRICS_VAL, val)
    work.facts["figures"] |= {f"val/{name}": i.value for name, i in val.items()}


def _predict(
    stages: Upstream, task: TaskConfig, opening: Opening
) -> tuple[list[FoldTest], Overlap | None]:
    place = _place(stages)
    if stages.home is not None:
        test, overlap = external_test(stages, task, opening, place)
        return [test], overlap
    rule, recalibrate = task.evaluate.threshold, task.evaluate.recalibrate
    names = folds(stages.cohort)
    tests: list[FoldTest] = []
    with progress("evaluate: test predictions", len(names), "folds") as advance:
        for fold in names:
            check_loaded(stages.train, stages.cohort, fold, place)
            tests.append(
                test_fold(stages.train, stages.cohort, fold, opening, place, rule=rule,
                          recalibrate=recalibrate)
            )  # fmt: skip
            advance(1)
    return tests, None


def _heads(
    stages: Upstream, task: TaskConfig, tests: list[FoldTest], opening: Opening
) -> pd.DataFrame | None:
    if stages.home is not None or not task.heads:
        return None
    return heads_frame(stages, task, tests, opening, _place(stages))


def _place(stages: Upstream) -> Place:
    device, precision, _ = stages.train.facts["place"]
    return resolve(device, precision)


def _with_baselines(
    stages: Upstream,
    tests: list[FoldTest],
    predictions: pd.DataFrame,
    names: tuple[str, ...],
    features: Features,
) -> pd.DataFrame:
    """Return the predictions with a column `logit.<baseline>` per simple model."""
    # A record's id names it within its own cohort only.
    own = features if stages.home is None else Features(float(stages.cohort.facts["ecg"]["fs"]))
    columns: dict[str, list[np.ndarray[tuple[int], np.dtype[np.float64]]]] = {n: [] for n in names}
    with progress("evaluate: baselines", len(tests) * len(names), "fits") as advance:
        for test in tests:
            seen = seen_by_baselines(stages, test.fold)
            for name in names:
                columns[name].append(fit_predict(name, seen, test.rows, features, own))
                advance(1)
    return predictions.assign(**{f"logit.{n}": np.concatenate(c) for n, c in columns.items()})


def _publish(work: Workspace, cohort: Stage, predictions: pd.DataFrame) -> None:
    columns = ["sample_id", "patient_id", "row"]
    manifest = pd.read_parquet(cohort.folder / MANIFEST, columns=columns)
    shown = without_ids(predictions, manifest)
    shown.to_parquet(work.path(PUBLISHED_PREDICTIONS), index=False)


def _keep_groups(
    work: Workspace, stages: Upstream, task: TaskConfig, predictions: pd.DataFrame
) -> None:
    # Ingest's manifest has columns that this model was not given, too.
    manifest = pd.read_parquet(stages.ingest.folder / MANIFEST)
    columns = columns_of(manifest, task.evaluate.subgroups)
    found = groups_table(columns, predictions["patient_id"])
    found.to_parquet(work.path(GROUPS), index=False)


def _keep_tables(work: Workspace, done: Evaluated) -> None:
    """Write the tables of the sections, for programs as Parquet and for people as JSON."""
    for section in done.sections:
        for name, frame in section.kept.items():
            frame.to_parquet(work.path(f"{name}.parquet"), index=False)
            text = frame.to_json(orient="records", indent=1, force_ascii=False)
            work.path(f"{name}.json").write_text(text, encoding="utf-8")


def _figures(
    stages: Upstream,
    tests: list[FoldTest],
    tables: PatientTables,
    baselines: tuple[str, ...],
    plan: Plan,
) -> Evaluated:
    pooled_, before = figs.pooled_figures(tables, plan)
    spec = DataSpec.model_validate(next(iter(stages.train.facts["specs"].values())))
    # The planted truth says nothing of labels that were shuffled.
    truth = (
        None
        if is_control(stages.cohort)
        else oracle_logits(stages.ingest, spec, stages.train.facts["head"], tables.pooled)
    )
    seeds = [c for c in tables.each.columns if c.startswith("logit.seed")]
    return Evaluated(
        tests=tests,
        tables=tables,
        pooled=pooled_,
        before=before,
        headline=headline_figures(tables, "logit", plan),
        baselines={
            name: (
                headline_figures(tables, f"logit.{name}", plan),
                difference(tables, f"logit.{name}", plan),
            )
            for name in baselines
        },
        delong={name: figs.delong_test(tables, f"logit.{name}") for name in baselines},
        seeds={
            c.removeprefix("logit."): headline_figures(tables, c, plan)["auroc"]
            for c in seeds
            if len(seeds) > 1
        },
        folds=figs.spread(tables),
        oracle=None if truth is None else figs.against_oracle(tables, truth, plan),
    )


def _write_json(work: Workspace, name: str, found: dict[str, Interval]) -> None:
    plain = {key: interval.to_dict() for key, interval in found.items()}
    work.path(name).write_text(json.dumps(plain, indent=1), encoding="utf-8")
