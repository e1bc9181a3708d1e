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
from components.core.bundle_text import check_encoder
from components.core.errors import InputError, UserError, nearest
from components.core.registry import bundle_folder

# The heads and the registered model that holds each when it was trained by itself.
HEADS = ("lvef", "survival", "risk", "confidence")
# Kinds that say one probability, which bundles call `<head>.p`.
_ONE_PROBABILITY = ("binary", "confidence")


class HeadsPredictor:
    """Loaded bundles, by the head that each answers for.

    Args:
        bundles: head → bundle; several heads may share one.

    Raises:
        InputError: there is none, or a bundle has not the head that it is given for.
    """

    def __init__(self, bundles: Mapping[str, Predictor]) -> None:
        if not bundles:
            raise InputError(f"no head is named; name some of {', '.join(HEADS)}")
        for head, bundle in bundles.items():
            _check_has(bundle, head)
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
            InputError: a reference names nothing, or a head that was never trained (the message
                names the head and how to train it), or the notes' encoder is not given or another.
        """
        if isinstance(references, str):
            found = _opened(bundle_folder(references), text_encoder)
            return cls(dict.fromkeys(found.facts.all_heads(), found))
        if references is None:
            references = {head: f"models:/{head}_head@{alias}" for head in HEADS}
        loaded: dict[str, Predictor] = {}
        for head, name in references.items():
            if name not in loaded:
                loaded[name] = _loaded(head, name, text_encoder)
        return cls({head: loaded[name] for head, name in references.items()})

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
        """Return one row per patient, its columns named `<head>.<name>`.

        Of every head `error` (why a row has no answer), `abstain_reason` and `quality` (of the ECG,
        in [0, 1]). Beside these a binary head answers `probability`, where it is its bundle's
        primary one `lo` and `hi`, too; a survival head the cumulative incidence of the event by
        each horizon in days (`30`) and of death (`death.30`); categories their probabilities; a
        confidence head the `probability` that the head it judges is right.

        Args:
            notes: as written; mentions of the ejection fraction are masked as in training.
            ecg_files: raw files, one a patient.
            fields: clinical fields by name, one row a patient.
            heads: which to ask; empty asks all.

        Raises:
            InputError: a head that was not trained, or inputs of different lengths.
        """
        frame = _inputs(notes, ecg_files, fields)
        bundles = {head: self._bundle(head) for head in heads or self.heads}
        # Heads of one bundle share its answer; the bundle is kept, so its id names it.
        tables = {id(own): own for own in bundles.values()}
        answers = {key: as_table(own.predict(frame), own.facts) for key, own in tables.items()}
        parts = [_columns(head, own, answers[id(own)]) for head, own in bundles.items()]
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
            InputError: as `predict`, or a row cannot be read, or the model has no trunk.
        """
        own = self._bundle(head or self.heads[0])
        frame = _inputs(notes, ecg_files, fields)
        found: list[npt.NDArray[np.float32]] = []
        for number, row in enumerate(frame.to_dict("records"), start=1):
            try:
                found.append(own.hidden(row))
            except UserError as error:
                raise InputError(f"row {number} has no hidden features: {error}") from error
        return np.stack(found) if found else np.empty((0, own.hidden_size), np.float32)

    def _bundle(self, head: str) -> Predictor:
        if head not in self._bundles:
            raise InputError(
                f"the head '{head}' was not trained; {nearest(head, self.heads)}. Train it with "
                f"{_training(head)}"
            )
        return self._bundles[head]


def _columns(head: str, own: Predictor, table: pd.DataFrame) -> pd.DataFrame:
    """Return a head's own columns of a bundle's answers."""
    names = {name: f"{head}.{name}" for name in ("error", "abstain_reason", "quality")}
    said = {name: name for name, of, _ in outputs(own.facts) if of == head}
    kind = own.facts.all_heads()[head]["kind"]
    if kind == "binary" and head == own.facts.head:
        said = {name: f"{head}.{name}" for name in ("probability", "lo", "hi")}
    elif kind in _ONE_PROBABILITY:
        said = {f"{head}.p": f"{head}.probability"}
    names |= said
    return table[list(names)].rename(columns=names)


def _opened(folder: Path, text_encoder: str) -> Predictor:
    found = Predictor(folder, text_encoder=text_encoder)
    if found.text_model is not None and not text_encoder:
        check_encoder(found.text_model, text_encoder)
    return found


def _loaded(head: str, reference: str, text_encoder: str) -> Predictor:
    try:
        folder = bundle_folder(reference)
    except InputError as error:
        raise InputError(
            f"the head '{head}' cannot be loaded: {error}; train it with {_training(head)}"
        ) from error
    return _opened(folder, text_encoder)


def _training(head: str) -> str:
    return f"`mlflow run . -e train_{head}`"


def _check_has(bundle: Predictor, head: str) -> None:
    trained = bundle.facts.all_heads()
    if head not in trained:
        raise InputError(
            f"the model of task '{bundle.facts.task}' has the head(s) {', '.join(trained)}; the "
            f"head '{head}' was not trained there, train it with {_training(head)}"
        )


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
    own = {NOTES: list(notes), "ecg_path": [str(file) for file in ecg_files]}
    if fields is None:
        return pd.DataFrame(own)
    twice = [name for name in own if name in fields]
    if twice:
        raise InputError(
            f"the fields hold the column(s) {', '.join(twice)}, which are given by themselves; "
            "leave them out of the fields"
        )
    return pd.DataFrame(own).join(fields.reset_index(drop=True))
