"""The model card of a registered version: a page among the artifacts of the run that made it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from components.core.aliases import version_of
from components.core.runs import connect, store_uri
from components.core.tracking_refusals import refused

CARD_PAGE = "model_card.html"
SOURCE_RUN = "source_run"
_GONE = "RESOURCE_DOES_NOT_EXIST"


def card_page(model: str, version: str) -> str | None:
    """Return the card of a registered version as HTML; None where there is none.

    It lies among the artifacts of the run that registered the version (its tag `source_run`), the
    pipeline's parent run, at the top. There is none of a version that names no run, where the run
    is gone, and where the run has no such artifact; a run in the tracking store's bin still has it.

    Args:
        model: registered name.
        version: its number.

    Raises:
        InputError: there is no such version, or the server lets this user not read the run.
        StorageError: the store does not answer.
    """
    from mlflow.exceptions import MlflowException

    run_id = version_of(model, version).tags.get(SOURCE_RUN)
    if not run_id:
        return None
    client = connect()
    with refused(store_uri()):
        try:
            names = [each.path for each in client.list_artifacts(run_id)]
        except MlflowException as error:
            if error.error_code == _GONE:
                return None
            raise
        if CARD_PAGE not in names:
            return None
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(client.download_artifacts(run_id, CARD_PAGE, scratch))
            return file.read_text(encoding="utf-8")
