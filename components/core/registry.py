"""Logging a bundle as a pyfunc and entering it into the Model Registry."""

from __future__ import annotations

import base64
import io
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from components.core.errors import InputError
from components.core.modalities import EVENTS
from components.core.runs import ROOT, TAG_FINGERPRINT, connect, open_input
from components.core.versions import library_versions

if TYPE_CHECKING:
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema

    from components.core.bundle import Predictor
    from components.core.bundle_files import BundleFacts

# What loading and predicting needs; the rest of the environment stays out of the model.
REQUIREMENTS = (
    "mlflow", "torch", "numpy", "pandas", "scipy", "pydantic", "safetensors", "h5py", "pyarrow",
    "wfdb", "lxml", "pybase64", "pyyaml",
)  # fmt: skip
# And what pictures and sounds need beside it.
MEDIA_REQUIREMENTS = ("pillow", "soundfile", "torchaudio")
# And what a frozen encoder of notes needs.
TEXT_REQUIREMENTS = ("transformers", "tokenizers")
MODELS = "models:/"
_EXAMPLE_SECONDS = 10
_EXAMPLE_HZ = 500


def signature_of(facts: BundleFacts, example: pd.DataFrame) -> ModelSignature:
    """Return names and types of inputs and outputs.

    No column is required: an ECG comes as a path or as base64, a field that is not sent is missing,
    and a row without what the model needs is answered by an error. An embedding is declared as of
    any type: it is a list of numbers or a list of such lists, and the bundle's own errors say what
    is wrong with one, row by row; so is an event sequence, a list or JSON text.
    """
    from mlflow.models import ModelSignature, infer_signature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType

    from components.core.bundle_answer import example_answer  # imports torch

    found = infer_signature(example, example_answer(facts))
    columns: list[ColSpec] = []
    for each in cast(Any, found.inputs):
        kind = each.type
        if each.name in {*facts.embeddings, EVENTS}:
            kind = AnyType()
        elif isinstance(kind, AnyType):  # a text of which the example has none
            kind = DataType.string
        columns.append(ColSpec(cast(Any, kind), each.name, required=False))
    return ModelSignature(
        inputs=Schema(cast(Any, columns)), outputs=found.outputs, params=cast(Any, _params(facts))
    )


def _params(facts: BundleFacts) -> ParamSchema | None:
    """Return what a request may ask for beside the answer; None where there is nothing."""
    from mlflow.types import DataType, ParamSchema, ParamSpec

    from components.core.bundle_answer import VECTORS  # imports torch

    own = ParamSpec(VECTORS, DataType.boolean, default=False)
    return ParamSchema([own]) if facts.embeddings else None


def find_version(name: str, fingerprint: str) -> str | None:
    """Return the registered version that was made by that evaluation, or None."""
    from mlflow.exceptions import MlflowException

    client = connect()
    try:
        found = client.search_model_versions(f"name = '{name}'")
    except MlflowException:
        return None
    matching = [v for v in found if v.tags.get(TAG_FINGERPRINT) == fingerprint]
    return str(matching[0].version) if matching else None


def register(run_id: str, bundle: Path, *, name: str, alias: str, tags: dict[str, object]) -> str:
    """Log a bundle on a run, register it, point the alias at it, and return the version.

    Args:
        run_id: an active run.
        bundle: folder written by `write_bundle`.
        name: of the registered model.
        alias: e.g. `candidate`.
        tags: of the model version; figures, fingerprint, audit.
    """
    import mlflow

    from components.core.bundle import Predictor  # imports torch

    connect()
    predictor = Predictor(bundle)
    example = input_example(predictor.facts)
    with tempfile.TemporaryDirectory() as scratch:
        logged = mlflow.pyfunc.log_model(
            name=name,
            python_model=str(Path(__file__).with_name("serving_model.py")),
            artifacts={"bundle": str(bundle)},
            code_paths=[str(_core_alone(Path(scratch)))],
            pip_requirements=_pins(_own_requirements(predictor)),
            # Declared, so that whoever loads the model may name the folder of the notes' encoder.
            model_config={"text_encoder": ""},
            signature=signature_of(predictor.facts, example),
            input_example=example,
            metadata={"bundle": predictor.facts.version},
        )
    told = {key: str(value)[:5000] for key, value in {**tags, "source_run": run_id}.items()}
    # Hundreds of figures in one write: no version ever lacks some of them, and it takes no seconds.
    version = str(mlflow.register_model(logged.model_uri, name, tags=told).version)
    connect().set_registered_model_alias(name, alias, version)
    return version


def source_run(reference: str) -> str:
    """Return the run that a registered version came from; any other reference as it is.

    Args:
        reference: `models:/name@alias`, `models:/name/version`, a run id or a folder.

    Raises:
        InputError: there is no such model, alias or version, or it names no run.
    """
    if not reference.startswith(MODELS):
        return reference
    from mlflow.exceptions import MlflowException

    name, at, alias = reference.removeprefix(MODELS).partition("@")
    client = connect()
    try:
        if at:
            found = client.get_model_version_by_alias(name, alias)
        else:
            found = client.get_model_version(*name.split("/", 1))
    except (MlflowException, TypeError) as error:
        raise InputError(
            f"the registry has no '{reference}'; write models:/name@alias or models:/name/version"
        ) from error
    run = found.tags.get("source_run")
    if not run:
        raise InputError(f"'{reference}' does not say which run it came from; name a run instead")
    return str(run)


def bundle_folder(reference: str) -> Path:
    """Return the folder of the bundle that a run, an evaluate folder or a registered version has.

    Raises:
        InputError: there is no such run, model, alias or version, or it has no bundle.
    """
    if not reference.startswith(MODELS):
        found = open_input(reference, "evaluate").folder / "bundle"
    else:
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        connect()
        try:
            local = Path(download_artifacts(reference))
        except (MlflowException, OSError) as error:
            raise InputError(
                f"the registry has no '{reference}'; write models:/name@alias or "
                "models:/name/version"
            ) from error
        found = local / "artifacts" / "bundle"
    if not found.is_dir():
        raise InputError(f"'{reference}' holds no model bundle; name an evaluation that made one")
    return found


def _own_requirements(predictor: Predictor) -> tuple[str, ...]:
    text = () if predictor.text_model is None else TEXT_REQUIREMENTS
    return (*text, *(MEDIA_REQUIREMENTS if predictor.facts.media else ()))


def _pins(more: tuple[str, ...]) -> list[str]:
    found = library_versions((*REQUIREMENTS, *more))
    return [f"{name}=={version}" for name, version in found.items()]


def _core_alone(scratch: Path) -> Path:
    """Copy `components/core` without the components, so that the model loads by itself."""
    package = scratch / "components"
    shutil.copytree(
        ROOT / "components" / "core",
        package / "core",
        ignore=shutil.ignore_patterns("__pycache__", "*.pyc"),
    )
    shutil.copyfile(ROOT / "components" / "__init__.py", package / "__init__.py")
    return package


def input_example(facts: BundleFacts) -> pd.DataFrame:
    """Return one row of inputs made of nobody's data: a drawn rhythm, middling features."""
    from components.core.bundle_inputs import DECLARED, NOTES  # imports every reader's library

    row: dict[str, Any] = {}
    if facts.ecg is not None:
        row |= {"ecg_path": None, "ecg_base64": example_ecg(facts.ecg.leads)}
        row |= dict.fromkeys(DECLARED)
    if facts.notes:
        row[NOTES] = "no complaints"
    row |= _example_media(facts) | _example_embeddings(facts)
    if facts.events is not None:
        from components.core.bundle_events import example_events  # imports torch

        row[EVENTS] = example_events()
    numeric = {name: 1.0 for name, kind in facts.features.items() if kind == "numeric"}
    text = {name: "F" for name, kind in facts.features.items() if kind == "categorical"}
    frame = pd.DataFrame([{**row, **numeric, **text}])
    paths = [f"{name}_path" for name in ("ecg", *facts.media)]
    texts = [c for c in (*paths, *DECLARED, NOTES) if c in frame and c != "ecg_fs"]
    frame[texts] = frame[texts].astype("string")
    if "ecg_fs" in frame:
        frame["ecg_fs"] = frame["ecg_fs"].astype("float64")
    return frame


def _example_media(facts: BundleFacts) -> dict[str, str | None]:
    if not facts.media:
        return {}
    from components.core.example_media import EXAMPLES  # imports Pillow

    base64_ = {f"{name}_base64": EXAMPLES[name]() for name in facts.media}
    return {**dict.fromkeys(f"{name}_path" for name in facts.media), **base64_}


def _example_embeddings(facts: BundleFacts) -> dict[str, object]:
    """Return regular waves as embeddings, of the widths that the model takes."""
    row: dict[str, object] = {}
    for place, (name, given) in enumerate(facts.embeddings.items(), start=1):
        row[name] = np.sin(place * np.arange(1, given.width + 1)).round(3).tolist()
        row[f"{name}_quality"] = 1.0
    return row


def example_ecg(leads: tuple[str, ...]) -> str:
    """Return a drawn ECG of 10 s as base64 of a zipped WFDB record."""
    time = np.arange(_EXAMPLE_SECONDS * _EXAMPLE_HZ) / _EXAMPLE_HZ
    phase = time % 0.8 - 0.3  # 75 beats a minute
    beat = 1000 * np.exp(-((phase / 0.012) ** 2)) + 150 * np.exp(-(((phase - 0.25) / 0.05) ** 2))
    counts = np.stack([np.rint(beat * (0.5 + 0.1 * i)) for i in range(len(leads))], axis=1)
    data = counts.astype("<i2")
    lines = [f"example {len(leads)} {_EXAMPLE_HZ} {len(time)}"]
    for i, lead in enumerate(leads):
        checksum = int(data[:, i].astype(np.int64).sum()) & 0xFFFF
        signed = checksum - 65536 if checksum > 32767 else checksum
        lines.append(f"example.dat 16 1000(0)/mV 16 0 {data[0, i]} {signed} 0 {lead}")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("example.hea", "\n".join(lines) + "\n")
        archive.writestr("example.dat", data.tobytes())
    return base64.b64encode(packed.getvalue()).decode()
