"""The only file that knows MLflow's API shape: runs, stages, test-split openings, registry."""

from __future__ import annotations

import fcntl
import logging
import math
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from components.core.errors import CardioError, InputError, StorageError
from components.core.older_checkpoint import refuse_checkpoint
from components.core.progress import say
from components.core.store import Stage, data_root, read_stage, verify
from components.core.tracking_refusals import check_uri, refuse, refused, without_password

ROOT = Path(__file__).resolve().parents[2]
TAG_COMPONENT = "component"
TAG_FINGERPRINT = "fingerprint"
TAG_TEST_SPLIT = "test_split_sha256"
TAG_EXIT = "exit_status"
TAG_ERROR = "error"
# Where `make ui` and `mlflow ui` serve by default.
LOCAL_UI = "http://127.0.0.1:5000"
# MLflow cuts parameters beyond this length; the whole configuration is logged as a file anyway.
_MAX_PARAM = 500
_BATCH_PARAMS = 100


def store_uri() -> str:
    """Return the tracking store: the user's `MLFLOW_TRACKING_URI`, else `mlruns/mlflow.db`."""
    given = os.environ.get("MLFLOW_TRACKING_URI", "")
    # `mlflow run` hands its own default on as if the user had set it. That default, mlflow.db in
    # the project folder, is a link to mlruns/mlflow.db: one store under both names.
    own_default = {"", "sqlite:///mlflow.db", f"sqlite:///{ROOT}/mlflow.db"}
    return f"sqlite:///{ROOT}/mlruns/mlflow.db" if given in own_default else given


def connect() -> Any:  # noqa: ANN401 - an MlflowClient; MLflow is imported only when needed
    """Return a client of the tracking store, made ready on first use.

    Raises:
        StorageError: the store does not answer.
        InputError: it does not know this user.
        ConfigError: its address holds a password.
    """
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    uri = store_uri()
    check_uri(uri)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    try:
        if uri.startswith("sqlite:///"):
            _migrate_once(Path(uri.removeprefix("sqlite:///")))
        client = mlflow.MlflowClient()
        client.search_experiments(max_results=1)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        refuse(error, uri)
        raise StorageError(
            f"the tracking store '{without_password(uri)}' does not answer "
            f"({type(error).__name__}); start it or correct MLFLOW_TRACKING_URI. "
            "Finished stages under data/ are kept"
        ) from error
    return client


def _migrate_once(file: Path) -> None:
    """Create the schema under a lock: two first users of a fresh SQLite file would collide."""
    import mlflow

    file.parent.mkdir(parents=True, exist_ok=True)
    with (file.parent / ".migration.lock").open("a") as lock:
        # Taken even when the file is there: it may be another process's, half migrated.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists() or file.stat().st_size == 0:
            mlflow.MlflowClient().search_experiments(max_results=1)


def experiment_id(name: str) -> str:
    """Return the id of the named experiment, creating it where it does not exist.

    Raises:
        InputError: the server keeps it from this user.
    """
    from mlflow.exceptions import MlflowException

    client = connect()
    with refused(store_uri()):
        found = client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        try:
            return str(client.create_experiment(name))
        except MlflowException:  # another process made it in between
            return str(client.get_experiment_by_name(name).experiment_id)


@dataclass(frozen=True)
class Recorder:
    """Where a running stage reports; one write per call."""

    run_id: str

    def metrics(self, values: dict[str, float], step: int = 0) -> None:
        """Log metrics in one batch; NaN (an undefined figure) is left out."""
        import mlflow

        finite = {k: float(v) for k, v in values.items() if not math.isnan(v)}
        if finite:
            mlflow.log_metrics(finite, step=step, run_id=self.run_id)

    def tags(self, values: dict[str, object]) -> None:
        """Set tags."""
        import mlflow

        mlflow.MlflowClient().log_batch(
            self.run_id, tags=[_tag(key, value) for key, value in values.items()]
        )

    def params(self, values: dict[str, object]) -> None:
        """Log parameters; long values are cut, the file `config.yaml` holds them whole."""
        from mlflow.entities import Param

        client = connect()
        known = client.get_run(self.run_id).data.params
        fresh = [Param(k, str(v)[:_MAX_PARAM]) for k, v in values.items() if k not in known]
        for first in range(0, len(fresh), _BATCH_PARAMS):
            client.log_batch(self.run_id, params=fresh[first : first + _BATCH_PARAMS])

    def artifacts(self, folder: Path, under: str | None = None) -> None:
        """Log every file of a folder."""
        import mlflow

        mlflow.log_artifacts(str(folder), artifact_path=under, run_id=self.run_id)

    def artifact(self, file: Path, under: str | None = None) -> None:
        """Log one file."""
        import mlflow

        mlflow.log_artifact(str(file), artifact_path=under, run_id=self.run_id)

    def image(self, file: Path, key: str, step: int) -> None:
        """Log a picture under a key of which the UI shows every step."""
        import mlflow
        from PIL import Image

        with Image.open(file) as picture:
            mlflow.MlflowClient().log_image(
                self.run_id, picture, key=key, step=step, synchronous=True
            )

    def dataset(self, stage: Stage) -> None:
        """Log a stage's data set with its fingerprint as digest and its counts as profile."""
        import json

        from mlflow.entities import Dataset, DatasetInput
        from mlflow.exceptions import MlflowException

        data = Dataset(
            name=f"{stage.component} {stage.config.get('task', '')}".strip(),
            digest=stage.fingerprint,
            source_type="stage",
            source=json.dumps({"folder": f"data/{stage.component}/{stage.fingerprint}"}),
            profile=json.dumps(stage.counts),
        )
        client, inputs = connect(), [DatasetInput(dataset=data, tags=[])]
        try:
            client.log_inputs(self.run_id, datasets=inputs)
        except MlflowException:  # another process entered the same data set in between
            client.log_inputs(self.run_id, datasets=inputs)

    def text(self, text: str, name: str) -> None:
        """Log a text as a file."""
        import mlflow

        mlflow.MlflowClient().log_text(self.run_id, text, name)


def _tag(key: str, value: object) -> Any:  # noqa: ANN401 - an MLflow RunTag
    from mlflow.entities import RunTag

    return RunTag(key, str(value)[:5000])


@contextmanager
def open_run(experiment: str, name: str, tags: dict[str, object]) -> Generator[Recorder]:
    """Open a run in the named experiment; it ends FINISHED, or FAILED with the error as tags.

    A run that `mlflow run` opened in another experiment (its default one) is only a launcher: it
    gets a tag that leads to this run.
    """
    import mlflow

    client = connect()
    target = experiment_id(experiment)
    given = os.environ.pop("MLFLOW_RUN_ID", None)
    adopt = given if given and client.get_run(given).info.experiment_id == target else None
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)
    mlflow.set_experiment(experiment_id=target)
    with (
        refused(store_uri()),
        mlflow.start_run(run_id=adopt, run_name=name, log_system_metrics=True) as run,
    ):
        recorder = Recorder(run.info.run_id)
        if adopt:
            client.set_tag(run.info.run_id, "mlflow.runName", name)
        elif given:
            client.set_tag(given, "leads_to_run", run.info.run_id)
            client.set_tag(given, "mlflow.runName", f"launcher of {name}")
        recorder.tags(tags)
        try:
            with refused(store_uri()):
                yield recorder
        except CardioError as error:
            recorder.tags({TAG_EXIT: error.exit_status, TAG_ERROR: error})
            raise
        except Exception as error:
            # The type alone: a foreign message may quote a patient's data.
            recorder.tags({TAG_EXIT: 1, TAG_ERROR: f"fault: {type(error).__name__}"})
            raise


def find_finished(experiment: str, fingerprint: str) -> str | None:
    """Return the id of a FINISHED run with that fingerprint, the newest, or None."""
    client = connect()
    with refused(store_uri()):
        found = client.get_experiment_by_name(experiment)
    if found is None:
        return None
    query = f"tags.{TAG_FINGERPRINT} = '{fingerprint}' and attributes.status = 'FINISHED'"
    runs = client.search_runs([found.experiment_id], filter_string=query, max_results=1)
    return str(runs[0].info.run_id) if runs else None


def open_input(reference: str, component: str, *, check: bool = True) -> Stage:
    """Return the stage that a run id or a stage folder names.

    Args:
        reference: a run id, or a folder that holds a `stage.json`.
        component: the component that must have written it.
        check: compare every file with its recorded hash.

    Raises:
        InputError: no such run or folder; the run is not FINISHED; another component wrote it;
            its schema version or a hash differs; it is a checkpoint of an older script.
    """
    if not reference:
        raise InputError(f"no {component} run is named; give --{component}-run RUN_ID or a folder")
    refuse_checkpoint(reference, f"the {component} run")
    stage = _from_folder(Path(reference)) or _from_run(reference, component)
    if stage.component != component:
        raise InputError(
            f"'{reference}' is a stage of {stage.component}, but one of {component} is wanted"
        )
    return verify(stage) if check else stage


def _from_folder(path: Path) -> Stage | None:
    return read_stage(path) if path.is_dir() else None


def _from_run(run_id: str, component: str) -> Stage:
    from mlflow.exceptions import MlflowException

    client = connect()
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        raise InputError(
            f"'{run_id}' is neither a run of this tracking store nor a folder; copy the run id "
            "from the UI, and ask for READ where the run is another user's"
        ) from error
    tags = run.data.tags
    if tags.get("leads_to_run"):
        return _from_run(tags["leads_to_run"], component)
    key = TAG_FINGERPRINT if tags.get(TAG_COMPONENT) == component else f"stage.{component}"
    if key not in tags:
        raise InputError(f"run '{run_id}' holds no {component} stage; name a run that does")
    if run.info.status != "FINISHED":
        raise InputError(
            f"run '{run_id}' is {run.info.status}, not FINISHED; run the stage again, it goes on "
            "from where it stopped"
        )
    return read_stage(data_root() / component / tags[key])


def run_tag(run_id: str, name: str) -> str | None:
    """Return a tag of a run."""
    value = connect().get_run(run_id).data.tags.get(name)
    return None if value is None else str(value)


def count_openings(test_split: str) -> int:
    """Return how many runs have opened the test split with that hash."""
    client = connect()
    ids = [e.experiment_id for e in client.search_experiments()]
    found = client.search_runs(ids, filter_string=f"tags.{TAG_TEST_SPLIT} = '{test_split}'")
    return len(found)


def ui_address() -> str:
    """Return where the UI is served: the server's address without name and password, or ours."""
    parts = urlsplit(store_uri())
    if not parts.scheme.startswith("http"):
        return LOCAL_UI
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


def run_url(experiment: str) -> str:
    """Return the UI's address for an experiment, on the page that lists its runs."""
    home = experiment_id(experiment)
    return f"{ui_address()}/#/experiments/{home}/runs?workflowType=machine_learning"


def mark_failed_launch(error: CardioError) -> None:
    """Leave the error on the run that `mlflow run` opened, when none of ours was opened."""
    given = os.environ.get("MLFLOW_RUN_ID")
    if given:
        try:
            Recorder(given).tags({TAG_EXIT: error.exit_status, TAG_ERROR: error})
        except Exception as second:  # noqa: BLE001 - the first error is the one to show
            say(f"note: the run could not be tagged ({type(second).__name__})")


def last_child_error() -> tuple[int, str]:
    """Return exit status and sentence of the newest failed child of the active run."""
    import mlflow

    active = mlflow.active_run()
    if active is None:
        return 1, ""
    children = connect().search_runs(
        [active.info.experiment_id],
        filter_string=f"tags.`mlflow.parentRunId` = '{active.info.run_id}'",
        order_by=["attributes.start_time DESC"],
        max_results=1,
    )
    tags = children[0].data.tags if children else {}
    return int(tags.get(TAG_EXIT, 1)), str(tags.get(TAG_ERROR, ""))
