"""A registered version as the registry holds it: bundle, signature, input example."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from components.core.errors import InputError
from components.core.runs import connect

_MLMODEL = "MLmodel"


@dataclass(frozen=True, kw_only=True)
class Logged:
    """What was logged with a model.

    Attributes:
        bundle: folder of the bundle, downloaded.
        signature: names and types of inputs and outputs are declared.
        example: an input example lies beside it.
    """

    bundle: Path
    signature: bool
    example: bool


def download(model: str, number: str, into: Path) -> Logged:
    """Return a registered version, downloaded from the registry into a folder.

    Args:
        model: registered name.
        number: of the version.
        into: an empty folder; what is there belongs to the caller.

    Raises:
        InputError: the registry cannot give the version's files, or they hold no bundle.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model

    connect()
    try:
        folder = Path(download_artifacts(f"models:/{model}/{number}", dst_path=str(into)))
        logged = Model.load(str(folder / _MLMODEL))
    except (MlflowException, OSError) as error:
        raise InputError(
            f"the files of {model} version {number} are gone from the registry; register the model "
            "again, or name another version"
        ) from error
    bundle = folder / "artifacts" / "bundle"
    if not bundle.is_dir():
        raise InputError(
            f"{model} version {number} holds no model bundle; name a version that a pipeline "
            "registered"
        )
    example = (logged.saved_input_example_info or {}).get("artifact_path")
    return Logged(
        bundle=bundle,
        signature=logged.signature is not None,
        example=bool(example) and (folder / str(example)).is_file(),
    )
