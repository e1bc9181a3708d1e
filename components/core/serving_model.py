"""The logged pyfunc, as code: MLflow runs this file to load a bundle; nothing is unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from components.core.bundle import Predictor
from components.core.bundle_answer import VECTORS, as_table


class BundleModel(PythonModel):
    """Raw files, base64, embeddings and clinical fields in; probability or abstention out."""

    def load_context(self, context: Any) -> None:  # noqa: ANN401 - MLflow's own type
        """Load the bundle that was logged beside this code, and the notes' encoder if given."""
        settings: dict[str, Any] = getattr(context, "model_config", None) or {}
        self._predictor = Predictor(
            Path(context.artifacts["bundle"]), text_encoder=str(settings.get("text_encoder", ""))
        )

    def predict(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        context: Any,  # noqa: ANN401 - MLflow's own type
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:  # noqa: ANN401, RUF100
        """Return the columns of `components.core.bundle_answer`, one row per input row.

        Imputed embeddings are among them where the parameter `imputed_vectors` is true.
        """
        del context
        vectors = bool((params or {}).get(VECTORS, False))
        answers = self._predictor.predict(model_input)
        return as_table(answers, self._predictor.facts, vectors=vectors)


set_model(BundleModel())
