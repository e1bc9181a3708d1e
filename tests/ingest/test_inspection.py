"""What a path holds: counted as ingest would count it, with nothing written and nobody named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from components.core.errors import ConfigError, InputError
from components.ingest.cli import main
from components.ingest.inspection import show
from components.ingest.inspection.facts import Inspection
from components.ingest.inspection.look import inspect
from tests.chain import (
    LEADS8,
    TABULAR_OPTIONS,
    beats,
    ingest_config,
    ingested,
    write_table,
    write_tabular_cohort,
    write_wfdb,
)
from tests.e2e.identities import FILE, PATIENT, RECORDING, write
from tests.named_files import PLANTED, WRITERS

NAMES = (*PLANTED, PATIENT, RECORDING, FILE)
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cohort of which files and tables name everyone, with broken files and rows."""
    folder = tmp_path_factory.mktemp("hospital")
    write(folder)
    return folder


@pytest.fixture
def untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory in which nothing may appear."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("CARDIO_DATA", str(place / "data"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place / 'mlflow.db'}")
    return place


def look(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["--inspect", *arguments])


def facts(result: Any) -> Inspection:
    assert result.exit_code == 0, result.output
    return Inspection.model_validate_json(result.stdout)


def test_nothing_is_written_and_nobody_is_named(hospital: Path, untouched: Path) -> None:
    before = sorted((p, p.stat().st_mtime_ns) for p in hospital.rglob("*"))
    given = ["--source", "manifest", "--path", str(hospital)]
    told = [look(*given), look(*given, "--json")]
    for result in told:
        assert result.exit_code == 0, result.output
        assert not [name for name in NAMES if name.lower() in result.output.lower()]
    assert list(untouched.iterdir()) == []
    assert before == sorted((p, p.stat().st_mtime_ns) for p in hospital.rglob("*"))
    named = look(*given, "--json", "--show-names").output
    assert f"{FILE}1012.hea" in named
    assert not [name for name in PLANTED if name.lower() in named.lower()]


def test_the_counts_are_those_of_ingest(hospital: Path, data_folder: Path) -> None:
    options = {"tabular": {"age": "numeric", "bmi": "numeric"}}
    config = ingest_config("manifest", hospital, options, max_reject_rate=1)
    found, stage = inspect(config), ingested(config)
    rejects = pd.read_parquet(stage.folder / "rejects.parquet")
    assert sum(each.count for each in found.refused) == len(rejects)
    codes: dict[str, int] = {}
    for each in found.refused:
        codes[each.code] = codes.get(each.code, 0) + each.count
    assert codes == rejects["code"].value_counts().to_dict()
    assert (
        found.records - sum(e.count for e in found.refused if e.what != "row")
        == (stage.counts["records"])
    )
    kinds = {each.reader: each for each in found.recognised}
    assert set(kinds) == set(WRITERS)
    assert (kinds["muse"].fs, kinds["muse"].seconds) == ({"500": 8}, (10.0, 10.0, 10.0))
    assert next(iter(kinds["wfdb"].leads)) == "8: I, II, V1, V2, V3, V4, V5, V6"
    assert sum(found.labels.values()) == found.records
    manifest = pd.read_csv(hospital / "manifest.csv", dtype=str)
    assert found.event_patients >= manifest["event_time_days"].notna().sum() - len(rejects)
    assert found.times["index_time"] == found.times["followup_days"] == found.records
    assert "the declared feature 'bmi' is no column; left out" in found.problems
    columns = {c.name: c for c in found.columns}
    assert (columns["age"].kind, columns["age"].use) == ("text", "feature (numeric)")
    assert (columns["index_time"].use, columns["surname"].use) == ("index_time", "")
    assert columns["event_time_days"].missing > 0.4


def test_rows_that_are_refused_are_numbered(tmp_path: Path) -> None:
    rows = [{"patient_id": f"p{i}", "label": 7 if i > 2 else 1} for i in range(10)]
    write_table(tmp_path / "manifest.csv", rows)
    (refused,) = inspect(ingest_config("manifest", tmp_path)).refused
    assert (refused.what, refused.code, refused.count) == ("row", "label_not_binary", 7)
    assert refused.rows == (5, 6, 7, 8, 9)
    assert refused.names == ()


def _folder(root: Path, records: int = 3) -> Path:
    for number in range(records):
        write_wfdb(root, f"r{number}", beats(number, seconds=2 + number))
    pd.DataFrame(beats(0).T, columns=list(LEADS8)).to_csv(root / "a.csv", index=False)
    (root / "note.txt").write_text("QUILLFEATHRY")
    (root / ".hidden").write_text("x")
    (root / "ecg.QUILLFEATHRY").write_text("x")
    return root


def test_a_folder_without_a_manifest_says_what_one_needs(tmp_path: Path) -> None:
    found = inspect(ingest_config("manifest", _folder(tmp_path)))
    assert found.what == "folder"
    assert {e.extension: (e.files, e.inspected, e.companions) for e in found.extensions} == {
        ".csv": (1, 1, 0), ".dat": (3, 0, 3), ".hea": (3, 3, 0), ".txt": (1, 1, 0),
        "(other)": (1, 1, 0),
    }  # fmt: skip
    csv, wfdb = found.recognised
    assert (csv.reader, csv.needs, csv.seconds) == ("csv", {"fs": 1, "unit": 1}, None)
    assert (wfdb.reader, wfdb.seconds) == ("wfdb", (2.0, 3.0, 4.0))
    assert [each.code for each in found.refused] == ["unknown_format", "unknown_format"]
    first, *needs = found.problems
    assert "holds no manifest.csv; write one with a row per recording: patient_id, path" in first
    assert needs == [
        f"1 inspected csv file(s) do not say their {name}; give the manifest a column ecg_{name}, "
        f"or declare '{name}' in the source's options"
        for name in ("fs", "unit")
    ]
    assert "QUILL" not in found.model_dump_json()


def test_the_number_of_files_opened_is_bounded(tmp_path: Path) -> None:
    found = inspect(ingest_config("manifest", _folder(tmp_path, records=9)), limit=3)
    (wfdb,) = [kind for kind in found.recognised if kind.reader == "wfdb"]
    assert wfdb.files == 3
    assert wfdb.seconds == (2.0, 5.0, 8.0)  # spread over all nine, not the first three
    opened = {e.extension: (e.files, e.inspected) for e in found.extensions}
    assert opened[".hea"] == (9, 3)


def test_a_table(tmp_path: Path) -> None:
    path = write_tabular_cohort(tmp_path, patients=60)
    found = inspect(ingest_config("table", path, TABULAR_OPTIONS))
    assert (found.what, found.records, found.patients, found.refused) == ("table", 60, 60, ())
    assert found.event_patients == found.labels["1"]
    assert [(c.name, c.kind, c.distinct, c.use) for c in found.columns] == [
        ("pid", "text", "50+", "patient_id"), ("label", "numeric", "2", "label"),
        ("x", "numeric", "50+", "feature (numeric)"),
        ("noise", "numeric", "50+", "feature (numeric)"),
        ("arm", "text", "2", "feature (categorical)"),
    ]  # fmt: skip
    nobody = inspect(ingest_config("table", path, TABULAR_OPTIONS | {"patient_id": ""}))
    assert nobody.patients is None


def test_options_that_are_missing_are_told_beside_the_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("pid;when;x;none\na;2020-01-01;1,5;\nb;;2,5;NA\n")
    found = inspect(ingest_config("table", path))
    assert [(c.name, c.kind, c.missing) for c in found.columns] == [
        ("pid", "text", 0), ("when", "time", 0.5), ("x", "numeric", 0), ("none", "empty", 1),
    ]  # fmt: skip
    separator, guess, needed = found.problems
    assert "has one column when split at ','" in separator
    assert guess == (
        "the first line looks separated by ';'; save it with ',', or declare 'separator' where the "
        "source has this option"
    )
    assert needed == "'tabular' is missing in ingest.options.table; add it"
    assert found.records == 0


@pytest.mark.parametrize("first", ["QUILLFEATHRY,1,2020-01-01", f"label,{'x' * 65}"])
def test_a_first_line_that_looks_like_data_is_not_repeated(tmp_path: Path, first: str) -> None:
    (tmp_path / "manifest.csv").write_text(f"{first}\nELOWYNNA,0\n")
    found = inspect(ingest_config("manifest", tmp_path))
    assert found.columns[0].name == "column 1"
    assert any("looks like data, not like names" in text for text in found.problems)
    assert "QUILL" not in found.model_dump_json()


@pytest.mark.parametrize("content", [b"", b"a,a\n1,2\n", b"\xff\xfea\n", b"a;a\n1;2\n"])
def test_a_table_that_cannot_be_read_is_a_note(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.csv").write_bytes(content)
    found = inspect(ingest_config("manifest", tmp_path))
    assert found.columns == ()
    assert found.problems


def test_a_table_that_breaks_off_shows_what_came_before(tmp_path: Path) -> None:
    content = b"patient_id,label\n" + b"p,1\n" * 50_000 + b"\xff,1\n"
    (tmp_path / "manifest.csv").write_bytes(content)
    found = inspect(ingest_config("manifest", tmp_path))
    assert found.records > 1000
    assert [c.kind for c in found.columns] == ["text", "numeric"]
    assert len([p for p in found.problems if "it is not UTF-8" in p]) == 1


def test_an_array(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", np.zeros((2, 8, 1000), np.float32))
    write_table(tmp_path / "t.csv", [{"y": 1}, {"y": 0}])
    options = {"signals": "s.npy", "fs": 250, "unit": "mV", "leads": list(LEADS8), "label": "y"}
    (kind,) = inspect(ingest_config("array", tmp_path / "t.csv", options)).recognised
    assert (kind.reader, kind.fs, kind.seconds) == ("array", {"250": 2}, (4.0, 4.0, 4.0))


def test_a_generated_cohort_is_not_generated(data_folder: Path) -> None:
    found = inspect(ingest_config("synthetic", "anything", {"patients": 5}))
    assert found.what == "generated"
    assert found.problems == (
        "the source 'synthetic' makes its own data; there is nothing to inspect",
    )
    assert not data_folder.exists()


def test_wrong_paths_and_sources() -> None:
    with pytest.raises(InputError, match="the path 'nowhere' does not exist; correct the 'path'"):
        inspect(ingest_config("manifest", "nowhere"))
    with pytest.raises(InputError, match="the path '' does not exist"):
        inspect(ingest_config("manifest", ""))
    with pytest.raises(ConfigError, match="no source 'manifst'"):
        inspect(ingest_config("manifst", "."))


def test_the_command_line(tmp_path: Path, untouched: Path) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    given = ["--source", "manifest", "--path", str(_folder(folder))]
    text = look(*given).stdout
    assert "folder, source manifest; nothing was written" in text
    for word in ("wfdb", "2 to 4, median 3", "fs (1), unit (1)", "unknown_format", "note: "):
        assert word in text
    assert facts(look(*given, "--json")) == inspect(ingest_config("manifest", folder))
    few = facts(look(*given, "--json", "--inspect-files", "1"))
    assert {e.inspected for e in few.extensions} <= {0, 1}
    spelt = CliRunner().invoke(main, ["--inspect", "True", *given, "--json"])
    assert json.loads(spelt.stdout)["what"] == "folder"
    wrong = CliRunner().invoke(main, ["--inspect", "perhaps", *given])
    assert (wrong.exit_code, "'inspect' is 'perhaps'; write true or false" in wrong.output) == (
        2,
        True,
    )
    assert look(*given, "--inspect-files", "0").exit_code == 2
    assert list(untouched.iterdir()) == []


def test_a_table_at_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"patient_id": f"p{i}", "label": i % 2 if i < 8 else 3, "event_time_days": i}
            for i in range(9)]  # fmt: skip
    write_table(tmp_path / "manifest.csv", rows)
    show.show(inspect(ingest_config("manifest", tmp_path), show_names=True))
    text = capsys.readouterr().out
    assert "8 records, 8 patients; 8 patients with an event" in text
    assert "labels: 4 with label 0, 4 with label 1; times: event_time_days in 8" in text
    assert "label_not_binary" in text
    many = Inspection.model_validate(
        {"source": "s", "what": "table", "recognised": [{
            "reader": "r", "files": 9, "fs": {str(n): 1 for n in range(6)}, "seconds": (1, 1, 1)}]}
    )  # fmt: skip
    show.show(many)
    text = capsys.readouterr().out
    assert "patients unknown" in text
    assert "and 2 others" in text


@pytest.mark.real_data
def test_real_folders() -> None:
    if not DATA.is_dir():
        pytest.skip("the real sample data ../shared/data is absent")
    found = inspect(ingest_config("manifest", DATA / "wfdb_ecg" / "cinc2021"))
    (wfdb,) = found.recognised
    assert (wfdb.files, wfdb.fs, wfdb.seconds) == (30, {"500": 30}, (10.0, 10.0, 10.0))
    assert found.refused == ()
    table = DATA / "bc_cardiotox" / "BC_cardiotox_clinical_variables.csv"
    options = {"separator": ";", "decimal": ",", "label": "CTRCD", "followup_days": "time",
               "tabular": {"LVEF": "numeric"}}  # fmt: skip
    found = inspect(ingest_config("table", table, options))
    assert (found.records, found.event_patients, found.labels) == (531, 54, {"0": 477, "1": 54})
    assert {c.name: round(c.missing * 531) for c in found.columns}["antiHER2"] == 49
