"""What the registry says in its own words, and what it is told to users."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR

from components.core import aliases
from components.core.aliases import Version
from components.core.errors import InputError
from tests.conftest import Workplace


def test_a_fault_of_the_server_is_no_unknown_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(model: str, number: str) -> None:
        raise MlflowException("down", error_code=INTERNAL_ERROR)

    client = SimpleNamespace(get_model_version=down)
    monkeypatch.setattr(aliases, "connect", lambda: client)
    with pytest.raises(MlflowException, match="down"):
        aliases.version_of("toy_head", "1")


def test_versions_tags_and_aliases(workspace: Workplace) -> None:
    client = aliases.connect()
    client.create_registered_model("toy_head")
    client.create_model_version("toy_head", source="mlflow-artifacts:/none")
    version = aliases.version_of("toy_head", "1")
    assert (version.words, dict(version.tags)) == ("toy_head version 1", {})
    aliases.set_tags(version, {"long": "x" * 9999, "empty": "", "number": 3})
    tags = aliases.version_of("toy_head", "1").tags
    assert (len(tags["long"]), tags["empty"], tags["number"]) == (500, "", "3")
    assert aliases.aliases("toy_head") == {}
    aliases.point(version, "champion")
    assert aliases.aliases("toy_head") == {"champion": "1"}
    aliases.drop("toy_head", "champion")
    aliases.drop("toy_head", "champion")  # not there any more
    assert aliases.aliases("toy_head") == {}


def test_unknown_names_are_told(workspace: Workplace) -> None:
    with pytest.raises(InputError, match="no model 'toy'; nothing is registered yet, train a"):
        aliases.aliases("toy")
    aliases.connect().create_registered_model("toy_head")
    with pytest.raises(InputError, match="no model 'toy_haed'; did you mean 'toy_head'"):
        aliases.aliases("toy_haed")
    with pytest.raises(InputError, match="toy_head has no version '7'; the UI's page of the model"):
        aliases.version_of("toy_head", "7")
    with pytest.raises(InputError, match="toy_head has no version '7'"):
        aliases.point(Version(model="toy_head", number="7"), "champion")
