"""The logged pyfunc, as code: MLflow runs this file to load a bundle; nothing is unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from components.core.bundle import Predictor


class BundleModel(PythonModel):
    """Raw ECG file or base64 and clinical fields in; calibrated probability and version out."""

    def load_context(self, context: Any) -> None:  # noqa: ANN401 - MLflow's own type
        """Load the bundle that was logged beside this code."""
        self._predictor = Predictor(Path(context.artifacts["bundle"]))

    def predict(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        context: Any,  # noqa: ANN401 - MLflow's own type
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:  # noqa: ANN401, RUF100
        """Return `probability, logit, quality, flags, version, error`, one row per input row."""
        del context, params
        answers = self._predictor.predict(model_input)
        return pd.DataFrame(
            {
                "probability": [a.probability for a in answers],
                "logit": [a.logit for a in answers],
                "quality": [a.quality for a in answers],
                "flags": [";".join(a.flags) for a in answers],
                "version": self._predictor.facts.version,
                "error": [a.error for a in answers],
            }
        )


set_model(BundleModel())
