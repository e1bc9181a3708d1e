"""Who the patients are is in no output of a run, of a run that fails, of one with keyed ids."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from components.core.readers.registry import readers_by_name
from tests.e2e.conftest import Place
from tests.e2e.identities import FILE, PATIENT, RECORDING, write
from tests.named_files import PLANTED, WRITERS

NAMES = ("plain", "keyed", "stopped")
IDS = (PATIENT, RECORDING, FILE)
KEY = "a secret of the study, 32 bytes or more"
SETTINGS = (
    "ingest.max_reject_rate=1 ingest.options.manifest.measurements=measurements.csv "
    "ingest.options.manifest.tabular='{age: numeric, sex: categorical}' "
    "preprocess.split.method=given fit.epochs=1 fit.seeds=[0] model.width=4 model.depth=1 "
    "evaluate.draws=100"
)


@dataclass
class Runs:
    """Workplaces with ids as they are, with ids keyed, and of runs that stop."""

    plain: Place
    keyed: Place
    stopped: Place


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, migrated_store: Path) -> Runs:
    """Run once, also when several processes share the tests between them."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "identities"
    with folder.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = folder / "said.json"
        if not said.exists():
            (folder / "raw").mkdir(parents=True)
            said.write_text(json.dumps(_run(folder, migrated_store)))
    logs = json.loads(said.read_text())
    return Runs(**{name: Place(folder / name, logs=logs[name]) for name in NAMES})


def _run(folder: Path, migrated_store: Path) -> dict[str, list[str]]:
    manifest = write(folder / "raw")
    places = {name: Place(folder / name) for name in NAMES}
    for place in places.values():
        place.folder.mkdir()
        shutil.copyfile(migrated_store, place.folder / "mlflow.db")
    given = ["--source", "manifest", "--path", str(manifest), "--set"]
    wanted = {"plain": [[*given, SETTINGS]],
              "keyed": [[*given, f"{SETTINGS} ingest.patient_key_env=STUDY_KEY"]],
              "stopped": list(_failing(folder / "raw", manifest))}  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDY_KEY", KEY)
        started = {name: _start(places[name], wanted[name]) for name in NAMES}
        for name, process in started.items():
            _, said = places[name].finish(process)
            ended = json.loads(said.splitlines()[-1])
            assert ended == [2 if name == "stopped" else 0] * len(wanted[name]), said
    return {name: place.logs for name, place in places.items()}


def _start(place: Place, pipelines: list[list[str]]) -> subprocess.Popen[str]:
    return place.start(sys.executable, "-m", "tests.e2e.walk", json.dumps(pipelines))


def _failing(raw: Path, manifest: Path) -> Iterator[list[str]]:
    """Yield arguments of pipelines that a table or its rows stop."""
    lines = manifest.read_text().splitlines()
    tables = {
        "headless": "\n".join(lines[1:]),
        "twice": "\n".join([",".join([*PLANTED, PLANTED[0]]), *lines[1:]]),
        "semicolon": "\n".join(line.replace(",", ";") for line in lines[1:]),
        "binary": "\n".join([lines[0], "\udcff".join(PLANTED)]),
    }
    for name, text in tables.items():
        file = raw / f"{name}.csv"
        file.write_text(text, encoding="utf-8", errors="surrogateescape")
        yield ["--source", "manifest", "--path", str(file)]
    limit = SETTINGS.replace("rate=1", "rate=0.05")
    yield ["--source", "manifest", "--path", str(manifest), "--set", limit]


def _forms(name: str) -> Iterator[bytes]:
    """Yield a text as it may stand in a file: plain, wide, in hexadecimal."""
    plain = name.encode()
    yield from (plain, name.encode("utf-16-le"), plain.hex().encode())


def _told(place: Place, names: tuple[str, ...], *, inside: bool, outside: bool) -> list[str]:
    """Return where a name stands, inside the data folder and outside (MLflow, logs)."""
    wanted = re.compile(b"|".join(re.escape(f) for n in names for f in _forms(n)), re.IGNORECASE)
    found: list[str] = []
    for file in (p for p in place.folder.rglob("*") if p.is_file()):
        mine = inside if place.data in file.parents else outside
        name = file.relative_to(place.folder).as_posix()
        if mine and wanted.search(name.encode() + b"\n" + _content(file)):
            found.append(name)
    if outside and any(wanted.search(said.encode()) for said in place.logs):
        found.append("the terminal")
    return found


def _content(file: Path) -> bytes:
    """Return a file's bytes, and a table's cells, which are compressed in it."""
    if file.suffix != ".parquet":
        return file.read_bytes()
    return file.read_bytes() + pd.read_parquet(file).to_csv().encode()


def test_every_reader_has_a_writer_that_names_the_patient() -> None:
    assert set(readers_by_name()) == set(WRITERS), "add the format's line to tests/named_files.py"


def test_the_search_finds_what_is_there(runs: Runs, tmp_path: Path) -> None:
    place = Place(tmp_path)
    (tmp_path / "data").mkdir()
    for number, form in enumerate(_forms(PLANTED[0])):
        (tmp_path / "data" / f"{number}.bin").write_bytes(b"x" + form)
    pd.DataFrame({"a": [PLANTED[0].lower()]}).to_parquet(tmp_path / "data" / "t.parquet")
    (tmp_path / PLANTED[0]).touch()
    place.logs.append(f"see {PLANTED[0]}")
    assert len(_told(place, PLANTED, inside=True, outside=True)) == 6
    stages = {name.split("/")[1] for name in _told(runs.plain, IDS, inside=True, outside=False)}
    assert stages == {"ingest", "preprocess", "train", "evaluate"}


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_named_anywhere(runs: Runs, name: str) -> None:
    place: Place = getattr(runs, name)
    assert _told(place, PLANTED, inside=True, outside=True) == []


@pytest.mark.parametrize("name", NAMES)
def test_ids_stay_out_of_mlflow_and_logs(runs: Runs, name: str) -> None:
    place: Place = getattr(runs, name)
    assert _told(place, IDS, inside=False, outside=True) == []
    kinds = {
        p.suffix for p in place.folder.rglob("*") if p.is_file() and place.data not in p.parents
    }
    assert {".db"} <= kinds


def test_keyed_ids_are_nowhere_and_neither_is_the_key(runs: Runs) -> None:
    assert _told(runs.keyed, (*IDS, KEY), inside=True, outside=True) == []
    assert os.environ.get("STUDY_KEY") is None


def test_the_runs_did_what_they_should(runs: Runs) -> None:
    rejects = []
    for place in (runs.plain, runs.keyed):
        kinds = {p.suffix for p in place.folder.rglob("*") if p.is_file()}
        assert {".db", ".json", ".html", ".md", ".parquet", ".h5", ".safetensors", ".yaml"} <= kinds
        (file,) = (place.data / "ingest").glob("*/rejects.parquet")
        rejects.append(pd.read_parquet(file))
        assert "registered ctrcd_head" in place.logs[0]
    codes = set(rejects[0]["code"])
    assert {"unknown_lead", "not_a_number", "unknown_unit", "xml_malformed", "bad_header",
            "unknown_format", "missing_file", "bad_base64", "empty_file", "unreadable_csv",
            "label_not_binary", "not_a_time", "unknown_split", "duplicate_id"} <= codes  # fmt: skip
    assert rejects[0][["row", "code"]].equals(rejects[1][["row", "code"]])
    assert list((runs.stopped.data / "ingest").glob("*.rejects.parquet"))
    assert not list(runs.stopped.data.glob("ingest/[0-9a-f]*/stage.json"))
