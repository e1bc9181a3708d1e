"""All prediction heads at once: raw notes and raw ECG files in, calibrated answers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.core.bundle import Predictor
from components.core.bundle_answer import as_table, outputs
from components.core.bundle_inputs import NOTES
from components.core.errors import InputError, UserError, nearest
from components.core.registry import bundle_folder

# The heads and the registered model that holds each when it was trained by itself.
HEADS = ("lvef", "survival", "risk", "confidence")


class HeadsPredictor:
    """Loaded bundles, by the head that each answers for.

    Args:
        bundles: head → bundle; several heads may share one.
    """

    def __init__(self, bundles: Mapping[str, Predictor]) -> None:
        self._bundles = dict(bundles)

    @classmethod
    def from_registry(
        cls,
        references: str | Mapping[str, str] | None = None,
        *,
        alias: str = "champion",
        text_encoder: str = "",
    ) -> HeadsPredictor:
        """Return the heads that references name.

        Args:
            references: of one bundle with several heads (`models:/heads@champion`, a version or a
                run id), or head → reference; None is `models:/<head>_head@<alias>` for each of
                `HEADS`. Nothing is ever picked by date.
            alias: of the registry, where no references are given.
            text_encoder: folder of the frozen encoder that reads the notes, where they have one.

        Raises:
            InputError: a reference names nothing, or a head that was never trained: the message
                names the head and how to train it.
        """
        if isinstance(references, str):
            found = Predictor(bundle_folder(references), text_encoder=text_encoder)
            return cls(dict.fromkeys(found.facts.all_heads(), found))
        named = references or {head: f"models:/{head}_head@{alias}" for head in HEADS}
        return cls({head: _loaded(head, name, text_encoder) for head, name in named.items()})

    @property
    def heads(self) -> tuple[str, ...]:
        """Return the names of the heads that can be asked."""
        return tuple(self._bundles)

    def predict(
        self,
        notes: Sequence[str | None],
        ecg_files: Sequence[str | Path],
        fields: pd.DataFrame | None = None,
        *,
        heads: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Return one row per patient: `<head>.<name>` and, per head, `<head>.abstain_reason`.

        Binary heads answer `probability`; survival heads the cumulative incidence by each horizon;
        categories their probabilities; confidence that the judged head is right. A row that cannot
        be answered says why under `<head>.error`.

        Args:
            notes: as written; mentions of the ejection fraction are masked as in training.
            ecg_files: raw files, one a patient.
            fields: clinical fields by name, one row a patient.
            heads: which to ask; empty asks all.

        Raises:
            InputError: a head that was not trained, or inputs of different lengths.
        """
        frame = _inputs(notes, ecg_files, fields)
        parts = [self._asked(head, frame) for head in heads or self.heads]
        return pd.concat(parts, axis=1)

    def hidden_features(
        self,
        notes: Sequence[str | None],
        ecg_files: Sequence[str | Path],
        fields: pd.DataFrame | None = None,
        *,
        head: str = "",
    ) -> npt.NDArray[np.float32]:
        """Return `[N, hidden_size]`, the hidden representation of the head's bundle.

        Of an ensemble it is the first network's: the axes of two networks mean different things.

        Args:
            notes: as in `predict`.
            ecg_files: as in `predict`.
            fields: as in `predict`.
            head: whose bundle; empty takes the first.

        Raises:
            InputError: as `predict`, or an ECG cannot be read.
        """
        own = self._bundle(head or self.heads[0])
        frame = _inputs(notes, ecg_files, fields)
        found: list[npt.NDArray[np.float32]] = []
        for number, row in enumerate(frame.to_dict("records"), start=1):
            try:
                found.append(own.hidden(row))
            except UserError as error:
                raise InputError(f"row {number} has no hidden features: {error}") from error
        return np.stack(found) if found else np.empty((0, 0), np.float32)

    def _asked(self, head: str, frame: pd.DataFrame) -> pd.DataFrame:
        own = self._bundle(head)
        table = as_table(own.predict(frame), own.facts)
        said = [name for name, of, _ in outputs(own.facts) if of == head]
        kept = table[["error", "abstain_reason", *said]]
        if head == own.facts.head:
            kept = kept.assign(**{c: table[c] for c in ("probability", "lo", "hi")})
        names = {c: c if c.startswith(f"{head}.") else f"{head}.{c}" for c in map(str, kept)}
        return kept.rename(columns=names)

    def _bundle(self, head: str) -> Predictor:
        if head not in self._bundles:
            raise InputError(
                f"the head '{head}' was not trained; {nearest(head, self.heads)}. Train it with "
                f"`mlflow run . -e train_{head}`"
            )
        return self._bundles[head]


def _loaded(head: str, reference: str, text_encoder: str) -> Predictor:
    try:
        found = Predictor(bundle_folder(reference), text_encoder=text_encoder)
    except InputError as error:
        raise InputError(
            f"the head '{head}' cannot be loaded: {error}; train it with "
            f"`mlflow run . -e train_{head}`"
        ) from error
    if head not in found.facts.all_heads():
        raise InputError(
            f"'{reference}' holds the head(s) {', '.join(found.facts.all_heads())}, not '{head}'; "
            f"train it with `mlflow run . -e train_{head}`"
        )
    return found


def _inputs(
    notes: Sequence[str | None], ecg_files: Sequence[str | Path], fields: pd.DataFrame | None
) -> pd.DataFrame:
    sizes = {len(notes), len(ecg_files), *([] if fields is None else [len(fields)])}
    if len(sizes) > 1:
        raise InputError(
            f"{len(notes)} notes, {len(ecg_files)} ECG files"
            + ("" if fields is None else f" and {len(fields)} rows of fields")
            + " were given; give one of each a patient"
        )
    frame = pd.DataFrame({NOTES: list(notes), "ecg_path": [str(file) for file in ecg_files]})
    return frame if fields is None else frame.join(fields.reset_index(drop=True))
