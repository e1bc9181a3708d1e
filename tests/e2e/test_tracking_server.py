"""The team's tracking server, really started: who gets in, what is kept, what is never shown."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import requests

from components.core import runs
from components.core.errors import InputError
from scripts.tracking_server.api import Api
from scripts.tracking_server.postgres import find_binaries
from tests.chain import TABULAR_OPTIONS, write_tabular_cohort, write_task
from tests.conftest import ROOT
from tests.postgres import _user as unprivileged

# A minute on a free machine is enough for everything; a busy one may take some more.
PATIENCE_SECONDS = 400
NAME = "mlflow.example.org"  # by which a proxy would hand requests on
SEARCH = "api/2.0/mlflow/experiments/search"


@dataclass
class Team:
    """A running server and its users.

    Attributes:
        folder: its `data` is `CARDIO_DATA`.
        port: of the tracking server.
        process: `python -m scripts.server`.
        users: name → password.
        said: everything that any command wrote to its terminal.
    """

    folder: Path
    port: int
    process: subprocess.Popen[str] | None = None
    users: dict[str, str] = field(default_factory=dict, repr=False)
    said: list[str] = field(default_factory=list)

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def own(self) -> Path:
        return self.folder / "data" / "server"

    def environment(self, user: str = "") -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
        kept |= {"CARDIO_DATA": str(self.folder / "data"), "PYTHONPATH": str(ROOT),
                 "OMP_NUM_THREADS": "1"}  # fmt: skip
        if user:
            kept |= {"MLFLOW_TRACKING_URI": self.uri, "MLFLOW_TRACKING_USERNAME": user,
                     "MLFLOW_TRACKING_PASSWORD": self.users[user]}  # fmt: skip
        return kept

    def command(self) -> list[str]:
        user = unprivileged()
        own = ["--postgres-user", user] if user else []
        return [sys.executable, "-m", "scripts.server", "--port", str(self.port), "--workers", "1",
                "--allowed-hosts", NAME, *own]  # fmt: skip

    def start(self) -> None:
        out = (self.folder / "out.txt").open("w")
        self.process = subprocess.Popen(
            self.command(), cwd=self.folder, env=self.environment(), stdout=out, stderr=out
        )
        end = time.monotonic() + PATIENCE_SECONDS
        while "Ctrl-C stops" not in self.out():
            assert self.process.poll() is None, self.out()
            assert time.monotonic() < end, self.out()
            time.sleep(0.1)

    def out(self) -> str:
        return (self.folder / "out.txt").read_text()

    def stop(self, how: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(PATIENCE_SECONDS)

    def run(self, *command: str, user: str = "", cwd: Path | None = None) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=cwd or self.folder, env=self.environment(user),
            capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
        self.said.append(done.stderr)
        return done.returncode, done.stdout + done.stderr

    def grant(self, name: str, *more: str) -> str:
        status, said = self.run("scripts.server_user", "--name", name, *more)
        assert status == 0, said
        (given,) = [x for x in said.splitlines() if x.startswith("export MLFLOW_TRACKING_PASSWORD")]
        if "…" not in given:
            self.users[name] = given.partition("=")[2]
        return said

    def api(self, user: str) -> Api:
        return Api(uri=self.uri, user=user, password=self.users[user])

    def family(self) -> list[psutil.Process]:
        records = [json.loads(f.read_text())["pid"] for f in self.own.glob("*.process.json")]
        found = [psutil.Process(pid) for pid in records]
        return [*found, *(each for p in found for each in p.children(recursive=True))]


@pytest.fixture(scope="module")
def team() -> Iterator[Team]:
    """A server with the users ann and bob, who may do nothing yet."""
    if find_binaries() is None:
        pytest.skip("no PostgreSQL server is installed (initdb is neither on PATH nor in "
                    "/usr/lib/postgresql)")  # fmt: skip
    # Not under pytest's own folder, into which PostgreSQL's user could not look.
    folder = Path(tempfile.mkdtemp(prefix="team-"))
    folder.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    team = Team(folder, port)
    try:
        team.start()
        team.grant("ann")
        team.grant("bob")
        yield team
    finally:
        if team.process is not None and team.process.poll() is None:
            team.stop(signal.SIGTERM)
        shutil.rmtree(folder)


@contextmanager
def being(team: Team, user: str, patch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Be that user, in this process."""
    with patch.context() as own:
        for name, value in team.environment(user).items():
            own.setenv(name, value)
        yield runs.connect()


def test_nobody_gets_in_without_a_password(team: Team) -> None:
    guesses = [("", ""), ("ann", "guessed-it"), ("admin", "password1234"), ("nobody", "guessed")]
    for user, password in guesses:
        stranger = Api(uri=team.uri, user=user, password=password)
        assert stranger.send("POST", SEARCH, max_results=1).status == 401
        assert stranger.get("api/2.0/mlflow-artifacts/artifacts", path="").status == 401
    assert team.api("ann").send("POST", SEARCH, max_results=1).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": NAME, "Origin": f"https://{NAME}"}, 200),
        ({"Host": NAME, "Origin": "https://elsewhere.example.com"}, 403),
        ({"Host": "elsewhere.example.com"}, 403),
    ],
)
def test_a_proxy_is_known_by_its_name(team: Team, headers: dict[str, str], status: int) -> None:
    login = ("ann", team.users["ann"])
    body = {"max_results": 1}
    answer = requests.post(
        f"{team.uri}/{SEARCH}", json=body, headers=headers, auth=login, timeout=30
    )
    assert answer.status_code == status


def test_what_is_secret_is_readable_by_its_owner_alone(team: Team) -> None:
    files = [*team.own.glob("secrets/*"), team.own / "auth.ini", team.own / "mlflow.log",
             team.own / "postgresql.log"]  # fmt: skip
    assert len(files) == 8
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(team.own.stat().st_mode) == 0o700
    assert len({file.read_text() for file in team.own.glob("secrets/*")}) == 5


def test_a_second_start_says_where_the_first_one_is(team: Team) -> None:
    status, said = team.run(*team.command()[2:])
    assert status == 2
    assert f"is already running at {team.uri}" in said


def test_a_worker_of_studies_does_not_reach_the_runs(team: Team) -> None:
    password = (team.own / "secrets" / "studies_password").read_text().strip()
    port = (team.own / "postgres_port").read_text()
    place = f"host=127.0.0.1 port={port} user=studies password={password}"
    with psycopg.connect(f"{place} dbname=studies") as connection:
        connection.execute("CREATE TABLE tried (number int)")
        connection.rollback()
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(f"{place} dbname=mlflow")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"host=127.0.0.1 port={port} user=mlflow password=guessed dbname=mlflow")


def test_a_pipeline_runs_against_it_and_its_work_is_the_makers(
    team: Team, workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = workspace.folder / "ann"
    work.mkdir()
    path = str(write_tabular_cohort(work))
    task = write_task(
        work,
        ingest={"source": "table", "path": path, "options": {"table": TABULAR_OPTIONS}},
        preprocess={"split": {"method": "holdout"}},
        register_as={"name": "toy_head"},
    )
    status, said = team.run("tests.e2e.walk", json.dumps([["--config", task]] * 2),
                            user="ann", cwd=work)  # fmt: skip
    assert status == 0, said
    assert "[0, 0]" in said.splitlines(), said
    assert "registered toy_head version 1 as @candidate" in said
    assert "stages executed: none, everything was found finished" in said
    assert not (work / "mlruns").exists()
    with being(team, "ann", monkeypatch) as client:
        _all_of_it_is_on_the_server(team, client)
        experiment = runs.experiment_id("toy")
        assert runs.run_url("toy").startswith(f"{team.uri}/#/experiments/{experiment}/")
    with being(team, "bob", monkeypatch) as client:
        _bob_sees_nothing(client, experiment)
    team.grant("bob", "--experiments", "toy", "--models", "toy_head")
    with being(team, "bob", monkeypatch) as client:
        with runs.open_run("toy", "ingest", {}) as recorder:
            recorder.text("a: 1\n", "config.yaml")
        assert client.get_run(recorder.run_id).info.status == "FINISHED"
        client.set_model_version_tag("toy_head", "1", "seen_by", "bob")
    team.grant("ann", "--experiments", "toy", "--permission", "READ")
    assert _permission(team, "ann", experiment) == "MANAGE"  # who made a thing keeps it
    team.grant("bob", "--experiments", "toy", "--permission", "MANAGE")
    assert _permission(team, "bob", experiment) == "MANAGE"
    _no_secret_is_shown(team)


def _permission(team: Team, user: str, experiment: str) -> str:
    password = (team.own / "secrets" / "admin_password").read_text().strip()
    answer = Api(uri=team.uri, user="admin", password=password).get(
        "api/3.0/mlflow/users/permissions/get",
        username=user, resource_type="experiment", resource_id=experiment,
    )  # fmt: skip
    return str(answer.body["permission"])


def _all_of_it_is_on_the_server(team: Team, client: Any) -> None:
    found = client.get_model_version_by_alias("toy_head", "candidate")
    parent = client.get_run(found.tags["source_run"])
    assert parent.info.run_name == "train_toy"
    assert parent.info.artifact_uri.startswith("mlflow-artifacts:/")
    names = {file.path for file in client.list_artifacts(parent.info.run_id)}
    assert {"report.html", "config.yaml"} <= names
    kept = [p.name for p in (team.own / "artifacts").rglob("*")]
    assert "weights.safetensors" in kept
    import mlflow

    model = mlflow.pyfunc.load_model("models:/toy_head@candidate")
    assert model.predict(model.input_example)["error"].tolist() == [""]


def _bob_sees_nothing(client: Any, experiment: str) -> None:
    refused = "does not let user 'bob' do experiments/get-by-name; ask its administrator for EDIT"
    with pytest.raises(InputError, match=refused):
        runs.experiment_id("toy")
    with pytest.raises(InputError, match=refused):
        runs.find_finished("toy", "f" * 32)
    with pytest.raises(InputError, match="and ask for READ where the run is another user's"):
        runs.open_input("0" * 32, "ingest")
    assert client.search_runs([experiment]) == []
    assert client.search_registered_models() == []


def test_a_wrong_password_is_told_as_what_it_is(
    team: Team, workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", team.uri)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "guessed-it")
    with pytest.raises(InputError, match="does not know this user; set MLFLOW_TRACKING_USERNAME"):
        runs.connect()


def test_killed_it_starts_again_with_everything_and_stops_in_order(team: Team) -> None:
    made = team.api("bob").send("POST", "api/2.0/mlflow/experiments/create", name="kept")
    assert made.good
    left = team.family()
    assert len(left) > 2
    team.stop(signal.SIGKILL)
    team.start()
    assert "ending PostgreSQL, left by a server that was killed" in team.out()
    assert "ending MLflow, left by a server that was killed" in team.out()
    assert not [p for p in left if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    found = team.api("bob").get("api/2.0/mlflow/experiments/get-by-name", experiment_name="kept")
    assert found.good
    family = team.family()
    assert team.stop(signal.SIGINT) == 0
    assert "server: stopped" in team.out()
    assert not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    assert not list(team.own.glob("*.process.json"))


def _no_secret_is_shown(team: Team) -> None:
    """Neither in what was said, nor in a log, nor in the list of processes, nor in an artifact."""
    secrets = [f.read_text().strip() for f in team.own.glob("secrets/*")] + list(
        team.users.values()
    )
    logs = [file.read_text() for file in team.own.glob("*.log")]
    commands = [" ".join(p.cmdline()) for p in team.family()]
    texts = [*team.said, team.out(), *logs, *commands]
    assert sum(map(len, texts)) > 1000
    assert not [number for number, text in enumerate(texts) for s in secrets if s in text]
