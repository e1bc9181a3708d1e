"""A tracking server's refusals, told as what they are, without a password in any message."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED, UNAUTHENTICATED

from components.core import runs
from components.core.errors import ConfigError, InputError
from components.core.tracking_refusals import check_uri, refuse, refused, without_password
from tests.conftest import Workplace

SERVER = "https://mlflow.example.org"
DENIED = MlflowException(
    "API request to endpoint /api/2.0/mlflow/runs/create failed with error code 403 != 200.",
    error_code=PERMISSION_DENIED,
)


def test_wrong_credentials_name_what_to_set() -> None:
    error = MlflowException("who are you?", error_code=UNAUTHENTICATED)
    with pytest.raises(InputError, match=f"'{SERVER}' does not know this user; set MLFLOW_TRACK"):
        refuse(error, SERVER)


def test_a_missing_permission_names_user_and_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "bob")
    with pytest.raises(InputError, match="let user 'bob' do runs/create; ask its administrator"):
        refuse(DENIED, SERVER)


def test_a_refused_artifact_is_a_refusal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME", raising=False)
    error = OSError("403 Client Error")
    error.response = SimpleNamespace(status_code=403)  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="let user '' do this; ask") as told, refused(SERVER):
        raise error
    assert told.value.__cause__ is error


@pytest.mark.parametrize("error", [ValueError("x"), MlflowException("x"), OSError("no route")])
def test_any_other_error_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as told, refused(SERVER):
        raise error
    assert told.value is error


@pytest.mark.parametrize("uri", ["https://ann:hidden@mlflow.example.org/", "http://hidden@h:5000"])
def test_an_address_with_a_password_is_refused_without_it(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(ConfigError, match="holds a user or password, which would be print") as told:
        runs.connect()
    assert "hidden" not in str(told.value)


@pytest.mark.parametrize(
    "uri", ["http://h:5000", "https://h/a@b", "sqlite:////home/a@b/m.db", "postgresql://u:p@h/d"]
)
def test_other_addresses_pass(uri: str) -> None:
    check_uri(uri)


def test_messages_show_an_address_without_its_password() -> None:
    assert without_password("postgresql://ann:se@cret@h/d") == "postgresql://…@h/d"
    assert without_password("http://h:5000") == "http://h:5000"


def test_a_run_that_was_refused_something_says_so_and_fails(workspace: Workplace) -> None:
    with pytest.raises(InputError, match="do runs/create; ask"):
        with runs.open_run("toy", "train", {}) as recorder:
            raise DENIED
    run = runs.connect().get_run(recorder.run_id)
    assert run.info.status == "FAILED"
    assert run.data.tags[runs.TAG_EXIT] == "2"
    assert "do runs/create" in run.data.tags[runs.TAG_ERROR]


def test_an_address_of_pages_has_one_slash(
    workspace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "experiment_id", lambda name: "7")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{SERVER}/")
    assert runs.run_url("toy").startswith(f"{SERVER}/#/experiments/7/runs?")
