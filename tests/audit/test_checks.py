"""Each check catches the leak planted for it and is silent on the clean twin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from components.audit.finding import Audited, all_checks
from components.audit.run import PAGE, REPORT, TABLE
from components.core.config.sections import AuditConfig, LabelConfig
from components.core.data.cohort import stats_path
from components.core.errors import ConfigError, RefusedError
from components.core.store import Stage, read_stage
from components.ingest.sources.synthetic import FEATURES
from components.ingest.synthetic.generate import generate
from components.ingest.synthetic.options import SyntheticOptions
from components.train.run import prepared_cohort
from tests import head_cohort
from tests.chain import (
    LABEL,
    TABULAR_OPTIONS,
    audited,
    ingest_config,
    ingested,
    manifest_of,
    prepared,
    write_table,
    write_tabular_cohort,
)

AT_HORIZON = {"horizon_days": 365}
AS_GIVEN = {"horizon_days": 365, "censoring": "as_given"}
BLOCKING = {
    "length_of_stay", "time_to_final_event", "events_after_prediction", "chart_time",
    "comfort_care", "label_in_events", "near_identical_events",
    "patient_overlap", "group_overlap", "identical_waveforms", "near_identical_signals",
    "near_identical_texts", "near_identical_embeddings", "feature_after_prediction",
    "label_in_text", "lvef_in_text", "label_derived_column", "normalisation_scope",
    "modality_pairing", "near_identical_images", "near_identical_sounds",
    "resampled_before_split", "imputed_before_split", "censored_as_negative", "encoder_overlap",
}  # fmt: skip


INFO = {"test_looks", "shuffled_labels"}
LEAKED = {
    "label_column": ("cardiac_review_code", "categorical"),
    "label_gap": ("cardiology_visit_days", "numeric"),
    "late_feature": ("troponin_followup", "numeric"),
}


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Stage]]:
    """The same patients, clean and with leaks that do not touch one another."""
    folder = tmp_path_factory.mktemp("audited")
    wanted: dict[str, tuple[str, ...]] = {
        "clean": (),
        "patients": ("patient_overlap", "label_column"),
        "records": ("identical_waveform", "censored_as_negative"),
        "copies": ("near_copy", "late_feature"),
        "gap": ("label_gap",),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(folder / "data"))
        yield {name: _cohort(folder / name, leaks) for name, leaks in wanted.items()}


def _cohort(folder: Path, leaks: tuple[str, ...]) -> Stage:
    folder.mkdir()
    generate(
        folder,
        SyntheticOptions(
            patients=160, seed=2, nuisance=False, broken_files=False, duplicates=False,
            clean_split=True, leaks=leaks,
        ),
    )  # fmt: skip
    leaked = {column: kind for leak, (column, kind) in LEAKED.items() if leak in leaks}
    options: dict[str, Any] = {"tabular": FEATURES | leaked}
    if "late_feature" in leaks:
        options["tabular_times"] = {"troponin_followup": "troponin_followup_time"}
    source = ingested(ingest_config("manifest", folder, options))
    label = AS_GIVEN if "censored_as_negative" in leaks else AT_HORIZON
    return prepared(source, label=label, ecg={"length": 5000})


def statuses(stage: Stage) -> dict[str, str]:
    return {f["check"]: f["status"] for f in stage.facts["findings"]}


def evidence(stage: Stage, check: str) -> dict[str, Any]:
    rows = json.loads((stage.folder / REPORT).read_text())
    return next(row["evidence"] for row in rows if row["check"] == check)


def test_every_check_is_found_and_says_what_it_must() -> None:
    checks = all_checks()
    assert {n for n, c in checks.items() if c.SEVERITY == "block"} == BLOCKING
    assert {n for n, c in checks.items() if c.SEVERITY == "info"} == INFO
    assert all(name == check.NAME for name, check in checks.items())


def test_the_clean_twin_passes(cohorts: dict[str, Stage]) -> None:
    stage = audited(cohorts["clean"], label=AT_HORIZON, looks=3)
    assert statuses(stage) == dict.fromkeys(BLOCKING, "ok") | dict.fromkeys(INFO, "info")
    assert stage.facts["refused"] == ""
    assert stage.counts == {"checks": 27, "refused": 0}
    assert evidence(stage, "test_looks") == {"openings": 3}
    assert prepared_cohort(stage).fingerprint == cohorts["clean"].fingerprint


@pytest.mark.parametrize(
    ("name", "label", "caught"),
    [
        ("patients", AT_HORIZON, {"patient_overlap", "label_derived_column"}),
        ("records", AS_GIVEN, {"identical_waveforms", "censored_as_negative"}),
        ("copies", AT_HORIZON, {"near_identical_signals", "feature_after_prediction"}),
        ("gap", AT_HORIZON, {"label_derived_column"}),
    ],
)
def test_planted_leaks_are_caught_and_nothing_else(
    cohorts: dict[str, Stage], name: str, label: dict[str, Any], caught: set[str]
) -> None:
    stage = audited(cohorts[name], label=label)
    assert {n for n, s in statuses(stage).items() if s == "refused"} == caught
    assert stage.counts["refused"] == len(caught)
    assert all(check in stage.facts["refused"] for check in caught)
    with pytest.raises(RefusedError, match="the audit did not pass: the audit refuses this cohort"):
        prepared_cohort(stage)


def test_evidence_counts_what_was_planted(cohorts: dict[str, Stage]) -> None:
    frame = manifest_of(cohorts["patients"])
    stage = audited(cohorts["patients"], label=AT_HORIZON)
    parts = frame.groupby("patient_id")["part.given"].nunique()
    found = evidence(stage, "patient_overlap")
    assert found["patients_per_fold"] == {"given": int((parts > 1).sum())}
    assert list(evidence(stage, "label_derived_column")["auroc"]) == ["cardiac_review_code"]
    twins = audited(cohorts["records"], label=AS_GIVEN)
    planted = evidence(twins, "identical_waveforms")
    assert planted["contents_per_fold"] == {"ecg": {"given": 4}}  # one patient in 40 of 160
    frame = manifest_of(cohorts["records"])
    rows = frame[frame["row"].isin(planted["rows"])]
    assert len(rows) == 8
    assert rows["sample_id"].str.endswith("-t").sum() == 4
    called = frame[frame["censored"] & frame["label"].eq(0)]
    assert evidence(twins, "censored_as_negative")["rows"] == sorted(called["row"])


def test_evidence_of_near_copies_names_rows_and_correlations(cohorts: dict[str, Stage]) -> None:
    frame = manifest_of(cohorts["copies"]).set_index("row")["sample_id"]
    found = evidence(audited(cohorts["copies"], label=AT_HORIZON), "near_identical_signals")
    assert found["pairs"] == len(found["listed"]) == 4  # one patient in 40 of 160
    for pair in found["listed"]:
        names = sorted((frame[pair["row"]], frame[pair["of_row"]]))
        assert names[1] == f"{names[0]}-c"
        assert pair["correlation"] > 0.95
    assert found["compared"] == len(frame)
    assert max(found["nearest"]) > 0.9
    late = evidence(audited(cohorts["copies"], label=AT_HORIZON), "feature_after_prediction")
    assert set(late["records_per_feature"]) == {"troponin_followup"}
    assert "bmi" in late["features_without_time"]


def test_evidence_and_report_name_no_patient_and_no_record(cohorts: dict[str, Stage]) -> None:
    for name in ("patients", "copies"):
        stage = audited(cohorts[name], label=AT_HORIZON)
        frame = manifest_of(cohorts[name])
        table = pd.read_parquet(stage.folder / TABLE)
        text = (stage.folder / REPORT).read_text() + (stage.folder / PAGE).read_text()
        text += json.dumps(stage.facts) + table.to_csv()
        assert not [p for p in {*frame["patient_id"], *frame["sample_id"]} if p in text]


def test_the_table_has_one_row_per_check(cohorts: dict[str, Stage]) -> None:
    stage = audited(cohorts["gap"], label=AT_HORIZON)
    table = pd.read_parquet(stage.folder / TABLE).set_index("check")
    assert set(table.index) == BLOCKING | INFO
    assert table.loc["label_derived_column", "status"] == "refused"
    assert json.loads(table.loc["label_derived_column", "evidence"]) == {
        "auroc": {"cardiology_visit_days": 1.0}
    }
    assert not table["waived"].any()


def test_the_repair_of_censored_negatives_is_told(cohorts: dict[str, Stage]) -> None:
    source = cohorts["records"].input_folder("ingest")
    repaired = prepared(read_stage(source), label=AT_HORIZON, ecg={"length": 5000})
    stage = audited(repaired, label=AT_HORIZON)
    assert statuses(stage)["censored_as_negative"] == "ok"
    (row,) = [f for f in stage.facts["findings"] if f["check"] == "censored_as_negative"]
    assert "label(s) of the source said so and were set aside" in row["sentence"]


@pytest.fixture
def small(tmp_path: Path, data_folder: Path) -> Stage:
    path = write_tabular_cohort(tmp_path)
    source = ingested(ingest_config("table", path, TABULAR_OPTIONS))
    return prepared(source, split={"method": "holdout"})


@pytest.mark.parametrize("what", ["mean", "records", "level"])
def test_statistics_of_other_records_are_caught(small: Stage, what: str) -> None:
    file = stats_path(small.folder, "holdout")
    stats = json.loads(file.read_text())
    if what == "mean":  # e.g. fitted on all records; the file still says "train"
        stats["tabular"]["numeric"][0]["mean"] += 0.01
    elif what == "records":
        stats["ids_sha256"] = "0" * 64
    else:
        stats["tabular"]["categorical"][0]["levels"].append("c")
    file.write_text(json.dumps(stats))
    stage = audited(small)
    assert statuses(stage)["normalisation_scope"] == "refused"
    assert (
        "the statistics of fold(s) holdout are not those of their train part"
        in (stage.facts["refused"])
    )


def test_terms_of_notes_are_weighed_anew(tmp_path: Path, data_folder: Path) -> None:
    stage = head_cohort.prepared_cohort(tmp_path)
    assert statuses(audited(stage, label=head_cohort.OWN_LABEL))["normalisation_scope"] == "ok"
    file = stats_path(stage.folder, "holdout")
    stats = json.loads(file.read_text())
    stats["text"]["idf"][0] *= 1.01  # as if another note had been counted
    file.write_text(json.dumps(stats))
    found = audited(
        stage, label=head_cohort.OWN_LABEL, waive={"near_identical_texts": "a second audit of it"}
    )
    assert statuses(found)["normalisation_scope"] == "refused"


def test_ecg_statistics_are_computed_anew(cohorts: dict[str, Stage], tmp_path: Path) -> None:
    check = all_checks()["normalisation_scope"]
    stage = cohorts["clean"]
    file = stats_path(stage.folder, "given")
    plain = file.read_text()
    stats = json.loads(plain)
    stats["ecg"]["sd"][4] *= 1.001
    audit = Audited(
        stage=stage, manifest=manifest_of(stage), label=LabelConfig.model_validate(LABEL),
        config=AuditConfig(), test_looks=0,
    )  # fmt: skip
    assert check.check(audit).passed
    file.write_text(json.dumps(stats))
    try:
        assert check.check(audit).evidence == {"folds": ["given"]}
    finally:
        file.write_text(plain)


def _table(tmp_path: Path, **columns: Any) -> Stage:
    rows = [
        {"pid": f"p{i}", "y": i % 2, **{name: make(i) for name, make in columns.items()}}
        for i in range(60)
    ]
    options = {
        "label": "y", "patient_id": "pid", "followup_days": "t" if "t" in columns else "",
        "tabular": {n: "categorical" if n.startswith("c") else "numeric" for n in columns},
    }  # fmt: skip
    path = write_table(tmp_path / "t.csv", rows)
    return prepared(ingested(ingest_config("table", path, options)), split={"method": "holdout"})


def test_a_renamed_label_an_inverse_and_a_telling_gap_are_derived(
    tmp_path: Path, data_folder: Path
) -> None:
    stage = _table(
        tmp_path,
        cname=lambda i: "yes" if i % 2 else "no",
        inverse=lambda i: -3.0 * (i % 2) + 0.01 * (i % 5),
        gap=lambda i: 1.0 if i % 2 else None,  # a test that was ordered because of the event
        middle=lambda i: 1.0 if i % 2 else float(i % 4),  # 0 and 2 mean no event
        csome=lambda i: "k" if i % 2 else (None if i % 4 else "x"),  # so do x and a gap
        cid=lambda i: f"unique{i}",  # one level per row tells nothing
        noise=lambda i: (i * 7919) % 31,
    )
    found = evidence(audited(stage), "label_derived_column")["auroc"]
    assert set(found) == {"cname", "inverse", "gap", "middle", "csome"}
    assert set(found.values()) == {1.0}
    looser = audited(stage, label_auroc=1.0)
    assert statuses(looser)["label_derived_column"] == "ok"


def test_unequal_follow_up_without_a_horizon_blocks(tmp_path: Path, data_folder: Path) -> None:
    stage = audited(_table(tmp_path, t=lambda i: 30 + i, x=lambda i: i % 7))
    assert statuses(stage)["censored_as_negative"] == "refused"
    assert (
        "30 record(s) count as negative after follow-up between 30 and 88 days"
        in (stage.facts["refused"])
    )


def test_waivers(tmp_path: Path, small: Stage) -> None:
    stage = _table(tmp_path, t=lambda i: 30 + i, x=lambda i: i % 7)
    reason = "the published endpoint is unequal"
    waived = audited(stage, waive={"censored_as_negative": reason})
    assert statuses(waived)["censored_as_negative"] == "waived"
    assert waived.facts["waivers"] == {"censored_as_negative": reason}
    assert waived.facts["refused"] == ""
    assert prepared_cohort(waived).fingerprint == stage.fingerprint
    needless = audited(small, waive={"patient_overlap": reason})
    assert needless.facts["waivers"] == {}  # what passed was not waived
    assert statuses(needless)["patient_overlap"] == "ok"


def test_a_declaration_of_unpaired_modalities_is_a_fact(small: Stage) -> None:
    assert audited(small).facts["unpaired"] is False
    declared = audited(small, unpaired=True)
    assert declared.facts["unpaired"] is True
    assert statuses(declared)["modality_pairing"] == "ok"
    (row,) = [f for f in declared.facts["findings"] if f["check"] == "modality_pairing"]
    assert "declares its modalities unpaired" in row["sentence"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("patient_overlp", "audit.waive names 'patient_overlp'; did you mean 'patient_overlap'"),
        ("test_looks", "audit.waive names 'test_looks'; known are|did you mean"),
    ],
)
def test_a_waiver_of_no_blocking_check(small: Stage, name: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        audited(small, waive={name: "a reason long enough"})


def test_a_waiver_without_a_reason(small: Stage) -> None:
    with pytest.raises(ValueError, match="'patient_overlap' needs a reason of at least 10"):
        audited(small, waive={"patient_overlap": "  because "})
