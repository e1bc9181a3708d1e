"""`train_ctrcd` from raw files to a registered candidate."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.e2e.conftest import Place, Walked, pipeline

STAGES = ("ingest", "preprocess", "audit", "train", "evaluate")


def runs_of(client: Any, query: str = "") -> list[Any]:
    experiment = client.get_experiment_by_name("ctrcd")
    return list(client.search_runs([experiment.experiment_id], filter_string=query))


def parents(client: Any) -> list[Any]:
    """Return the pipelines' runs, oldest first."""
    found = runs_of(client, "tags.component = 'pipeline'")
    return sorted(found, key=lambda run: run.info.start_time)


def test_all_of_them_finish(walked: Walked) -> None:
    for status, said in (*walked.at_once, walked.launched, walked.again):
        assert status == 0, said
        assert "train_ctrcd: finished in" in said
        assert "Traceback" not in said


def test_two_at_once_compute_once_and_agree(walked: Walked, client: Any) -> None:
    first, second = parents(client)[:2]
    for stage in STAGES:
        computed = [
            run.data.tags["computed"]
            for run in runs_of(client, f"tags.component = '{stage}'")
            if run.data.tags["mlflow.parentRunId"] in {first.info.run_id, second.info.run_id}
        ]
        assert computed.count("True") == 1, stage
    assert first.data.metrics.keys() == second.data.metrics.keys()
    tests = [k for k in first.data.metrics if k.startswith(("test/", "val/", "baseline/"))]
    assert len(tests) > 40
    assert {k: first.data.metrics[k] for k in tests} == {k: second.data.metrics[k] for k in tests}
    names = [f"stage.{stage}" for stage in STAGES]
    assert [first.data.tags[n] for n in names] == [second.data.tags[n] for n in names]
    executed = [
        line for _, said in walked.at_once for line in said.splitlines() if "executed" in line
    ]
    assert any("ingest" in line for line in executed)


def test_mlflow_run_takes_up_what_is_there_and_does_the_rest(walked: Walked) -> None:
    _, said = walked.launched
    assert "stages executed: evaluate" in said
    for stage in STAGES[:-1]:
        assert f"── {stage}: found finished" in said


def test_the_same_again_executes_nothing_and_shows_the_figures(walked: Walked, client: Any) -> None:
    assert "stages executed: none, everything was found finished" in walked.again[1]
    launched, again = parents(client)[2:]
    for name in ("test/auroc", "test/auroc_lo", "test/auroc_hi", "test/auprc", "test/prevalence",
                 "test/oracle_auroc", "test/oracle_share", "val/auroc",
                 "baseline/logistic_regression/auroc"):  # fmt: skip
        assert again.data.metrics[name] == launched.data.metrics[name]
    first = parents(client)[0].data.metrics
    assert again.data.metrics["test/auroc"] == first["test/auroc"]
    assert again.data.metrics["test/auroc_lo"] != first["test/auroc_lo"]  # another bootstrap


def test_runs_are_nested_in_the_tasks_experiment(walked: Walked, client: Any) -> None:
    found = {run.info.run_id: run for run in runs_of(client)}
    above = parents(client)
    assert len(above) == 4
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    children = [run for run in found.values() if "mlflow.parentRunId" in run.data.tags]
    assert len(children) + len(above) == len(found)
    for run in children:
        assert run.data.tags["mlflow.parentRunId"] in {p.info.run_id for p in above}
        assert run.info.run_name == run.data.tags["component"]
        assert re.fullmatch(r"[0-9a-f]{32}", run.data.tags["fingerprint"])
    (launcher,) = client.search_runs(["0"])
    assert launcher.data.tags["leads_to_run"] == above[2].info.run_id


def test_the_parent_holds_report_card_and_configuration(walked: Walked, client: Any) -> None:
    for parent in parents(client):
        names = {a.path for a in client.list_artifacts(parent.info.run_id)}
        assert {"config.yaml", "report.html", "model_card.md", "predictions.parquet",
                "metrics_test.json", "metrics_val.json"} <= names  # fmt: skip
        assert parent.data.params["fit.epochs"] == "2"
        assert parent.data.tags["audit"] == "passed"
        (logged,) = parent.inputs.dataset_inputs
        assert logged.dataset.digest == parent.data.tags["stage.preprocess"]


def test_one_candidate_per_evaluation_is_registered(walked: Walked, client: Any) -> None:
    versions = sorted(
        client.search_model_versions("name = 'ctrcd_head'"), key=lambda v: int(v.version)
    )
    assert [str(v.version) for v in versions] == ["1", "2"]
    above = parents(client)
    assert [p.data.tags["registered"].split("/")[1] for p in above] == ["1", "1", "2", "2"]
    newest = client.get_model_version_by_alias("ctrcd_head", "candidate")
    assert str(newest.version) == "2"
    assert float(newest.tags["test/auroc"]) == above[-1].data.metrics["test/auroc"]


def test_the_audit_saw_each_opening_of_the_test_split(walked: Walked, client: Any) -> None:
    opened = [run for run in runs_of(client) if "test_split_sha256" in run.data.tags]
    assert {run.data.tags["component"] for run in opened} == {"evaluate"}
    assert len(opened) == 2  # once per evaluation that was computed


def test_nothing_half_made_is_left(walked: Walked) -> None:
    data = walked.place.data
    assert sorted(p.name for p in data.iterdir() if p.is_dir()) == sorted(
        [*STAGES, "configs", "synthetic"]
    )
    assert list(data.rglob(".*")) == []
    counts = {stage: len(list((data / stage).iterdir())) for stage in STAGES}
    assert counts == dict.fromkeys(STAGES, 1) | {"evaluate": 2}


def _identifiers(raw: Path) -> list[bytes]:
    """Return names, serials, hospital numbers and birth dates of the raw files."""
    found = set(json.loads((raw / "truth.json").read_text())["planted_identifiers"])
    assert len(found) > 10
    birth = re.compile(r"<(?:DateofBirth>|birthTime value=.)([0-9-]+)")
    number = re.compile(r"MRN\d{8}")
    files = [*raw.rglob("*.xml"), *raw.rglob("*.hea")]
    for file in files:
        text = file.read_text("iso-8859-1")
        found |= set(birth.findall(text)) | set(number.findall(text))
    assert len(found) > 100
    return sorted(name.encode() for name in found)


def _any_of(names: Iterable[bytes]) -> bytes:
    """Return a pattern that branches byte by byte: hundreds in a row would each be tried anew."""
    rests: dict[bytes, list[bytes]] = {}
    for name in names:
        rests.setdefault(name[:1], []).append(name[1:])
    ends = b"?" if rests.pop(b"", None) else b""
    branches = [re.escape(first) + _any_of(rest) for first, rest in rests.items()]
    return b"(?:" + b"|".join(branches) + b")" + ends


def _search(names: list[bytes]) -> Callable[[bytes], bool]:
    """Return whether any of the names stands in a content."""
    words = re.compile(_any_of(name for name in names if not name.isdigit()))
    # Eight digits of a birth date may stand by chance in any longer number.
    numbers = _any_of(name for name in names if name.isdigit())
    alone = re.compile(b"(?<![0-9.])" + numbers + b"(?![0-9])")
    return lambda content: bool(words.search(content) or alone.search(content))


def test_the_search_finds_every_name_and_no_part_of_a_longer_number() -> None:
    names = [b"VANTER", b"VANTERPOOL", b"SNX77", b"1965", b"19651230", b"1970-01-02"]
    named = _search(names)
    for name in names:
        assert named(name)
        assert named(b"x" + name + b"y")
        assert not named(name[:3] + b" " + name[3:])
    for number in (b"119651230", b"196512301", b"0.19651230", b"19650", b"VANTE", b"vanter"):
        assert not named(number)


def _content(file: Path) -> bytes:
    if file.suffix == ".parquet":  # compressed: a name in it would not be seen
        return file.read_bytes() + pd.read_parquet(file).to_csv().encode()
    return file.read_bytes()


def test_no_identifier_of_a_patient_is_in_any_output(walked: Walked) -> None:
    place = walked.place
    (raw,) = (place.data / "synthetic").iterdir()
    named = _search(_identifiers(raw))
    assert named(b"x QUILLFEATHRY y")
    files = [p for p in place.folder.rglob("*") if p.is_file() and raw not in p.parents]
    assert len(files) > 100
    # The list of what was planted is itself an output: of the cohort, not of a patient.
    told = [p for p in files if p.name != "truth.json" and named(_content(p))]
    assert told == []
    assert not any(named(said.encode()) for said in place.logs)
    kinds = {p.suffix for p in files}
    assert {".db", ".json", ".html", ".md", ".parquet", ".h5", ".safetensors", ".yaml"} <= kinds


@pytest.fixture
def elsewhere(tmp_path: Path, migrated_store: Path) -> Place:
    shutil.copyfile(migrated_store, tmp_path / "mlflow.db")
    return Place(tmp_path)


def test_a_users_mistakes_end_with_status_2_and_one_sentence(elsewhere: Place) -> None:
    wrong = {
        ("--set", "fit.epohcs=3"): "unknown key 'fit.epohcs' in ctrcd.yaml; did you mean 'epochs'?",
        ("--source", "manifest", "--path", "/no/where.csv"): (
            "the path '/no/where.csv' does not exist; correct the 'path' parameter"
        ),
        ("--task", "ctrd"): "there is no task 'ctrd' in pipelines/; did you mean 'ctrcd'?",
        ("--epochs", "3"): "No such option",
    }
    started = {arguments: elsewhere.start(*pipeline(*arguments)) for arguments in wrong}
    for arguments, process in started.items():
        status, said = elsewhere.finish(process)
        assert status == 2, said
        assert wrong[arguments] in said
        assert "Traceback" not in said
    assert not list(elsewhere.folder.glob("data/*/[0-9a-f]*"))
