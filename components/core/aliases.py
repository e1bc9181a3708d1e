"""Versions of registered models, their tags, and the aliases that point at them.

`candidate` is what the last training registered, `champion` what is in use, `previous` what was in
use before. MLflow changes one alias at a time: whoever moves several chooses an order in which each
state between two writes can be told and completed.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from components.core.errors import InputError, nearest
from components.core.older_checkpoint import refuse_checkpoint
from components.core.runs import connect

CANDIDATE, CHAMPION, PREVIOUS = "candidate", "champion", "previous"
# A model version's tag holds 5,000 characters; more than this is no short sentence.
_MAX_TAG = 500
_MOST_MODELS = 100


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version of a registered model.

    Attributes:
        model: registered name.
        number: of the version, as text.
        tags: of the version.
    """

    model: str
    number: str
    tags: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def words(self) -> str:
        """Return name and number for a sentence."""
        return f"{self.model} version {self.number}"


def aliases(model: str) -> dict[str, str]:
    """Return alias → version number of a registered model.

    Raises:
        InputError: there is no such model, and the nearest is named; or a checkpoint of an older
            script is given in its place.
    """
    refuse_checkpoint(model, "model")
    from mlflow.exceptions import MlflowException

    client = connect()
    try:
        found = client.get_registered_model(model)
    except MlflowException as error:
        known = [each.name for each in client.search_registered_models(max_results=_MOST_MODELS)]
        hint = nearest(model, known) if known else "nothing is registered yet, train a task first"
        raise InputError(f"the registry has no model '{model}'; {hint}") from error
    return {str(alias): str(number) for alias, number in found.aliases.items()}


def version_of(model: str, number: str) -> Version:
    """Return a version by its number.

    Raises:
        InputError: there is no such version.
    """
    with _no_version(model, number):
        found = connect().get_model_version(model, number)
    return Version(model=model, number=str(found.version), tags=dict(found.tags))


def point(version: Version, alias: str) -> None:
    """Let an alias point at a version.

    Raises:
        InputError: the version has been deleted.
    """
    with _no_version(version.model, version.number):
        connect().set_registered_model_alias(version.model, alias, version.number)


def drop(model: str, alias: str) -> None:
    """Remove an alias, if it is there."""
    connect().delete_registered_model_alias(model, alias)


def set_tags(version: Version, values: Mapping[str, object]) -> None:
    """Set tags of a version, one write each, in the order given.

    Raises:
        InputError: the version has been deleted.
    """
    client = connect()
    with _no_version(version.model, version.number):
        for key, value in values.items():
            client.set_model_version_tag(
                version.model, version.number, key, str(value)[:_MAX_TAG]
            )  # fmt: skip


@contextmanager
def _no_version(model: str, number: str) -> Generator[None]:
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        raise InputError(
            f"{model} has no version '{number}'; the UI's page of the model lists its versions"
        ) from error
