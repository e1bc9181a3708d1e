"""A registered model's answer: raw files in; probability, interval, quality or abstention out.

`bundle_files` says what lies on disk; weights are safetensors; nothing is pickled. `Predictor`
takes raw files, as a hospital has them, through the same readers and the same preparation as
training did.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from components.core import out_of_distribution as ood
from components.core.bundle_batch import ecg_batch
from components.core.bundle_contributions import contributions
from components.core.bundle_files import BundleFacts, MemberFiles, read_facts, write_bundle
from components.core.bundle_imputation import Asked, imputed
from components.core.bundle_inputs import INPUTS, Row, tabular_row
from components.core.bundle_member import BundleMember, load_member
from components.core.bundle_prediction import Imputed, Prediction
from components.core.bundle_ready import Ready, Sources, Taker, refused
from components.core.bundle_text import check_encoder, encoder_beside
from components.core.data.batches import Batch
from components.core.data.stored_events import Events
from components.core.device import Place
from components.core.errors import InputError, UserError
from components.core.heads.registry import from_json, head_file, view
from components.core.metrics import recalibrate
from components.core.modalities import EmbeddingModality
from components.core.predict import forward
from components.core.signals.signal import Signal
from components.core.text.identity import EncoderIdentity

__all__ = [
    "INPUTS",
    "BundleFacts",
    "MemberFiles",
    "Prediction",
    "Predictor",
    "Sources",
    "tabular_row",
    "write_bundle",
]
# Below five the 5th and 95th percentile are no more than the extremes of a handful of networks.
FEWEST_MEMBERS = 5
_PERCENTILES = (5, 95)
CPU = Place(device="cpu", precision="fp32", name="CPU")
# Rows that the networks are asked about at once: of 8 to 64 ECGs, 32 cost the least per ECG.
AT_ONCE = 32


class Predictor:
    """A loaded bundle.

    Args:
        folder: of the bundle.
        text_encoder: folder of the frozen encoder that reads the notes, where the model has one;
            without it a row with a note is answered by an error that names the encoder.

    Attributes:
        facts: what the bundle says of itself.
        head: the primary one, whose log-odds become the probability.

    Raises:
        InputError: a file is missing, damaged or changed since the bundle was written, or the
            folder holds another encoder.
    """

    def __init__(self, folder: Path, *, text_encoder: str = "") -> None:
        self.facts = read_facts(folder)
        self._recalibrator = recalibrate.from_json(json.dumps(self.facts.calibration))
        self.head = view(self.facts.all_heads(), self.facts.head)
        self._taker = Taker(
            facts=self.facts,
            members=[load_member(folder / name, self.facts.model) for name in self.facts.members],
            distribution=ood.load(folder) if self.facts.ood_threshold is not None else None,
            text_encoder=text_encoder,
        )
        if text_encoder and (wanted := self.text_model) is not None:
            check_encoder(wanted, text_encoder)

    @property
    def members(self) -> Sequence[BundleMember]:
        """Return the networks, in the order of `facts.members`."""
        return self._taker.members

    @property
    def text_model(self) -> EncoderIdentity | None:
        """Return the frozen encoder of notes or events, which a bundle does not hold; or None."""
        return encoder_beside(self.members[0].stats, events=self.facts.events is not None)

    @property
    def hidden_size(self) -> int:
        """Return the width of the hidden representation.

        Raises:
            InputError: the model has none.
        """
        return int(self._trunk().features)

    def predict(self, inputs: pd.DataFrame) -> list[Prediction]:
        """Return an answer per row; a row that cannot be answered says why in `error`.

        Each row is asked about alone, so that its answer is the same to the last bit whatever is
        sent with it.

        Args:
            inputs: `ecg_path` or `ecg_base64` (with `ecg_fs`, `ecg_unit`, `ecg_leads`, `ecg_key`,
                `ecg_decimal` for formats that cannot say them), `ecg_image_path` or
                `ecg_image_base64`, `pcg_path` or `pcg_base64` (several sounds separated by `;`),
                embeddings as lists of numbers (`components.core.bundle_embeddings`), `events` as a
                list of objects (`components.core.bundle_events`), and the tabular features by
                name. Of pictures, sounds, embeddings, events and fields any may be absent, but not
                all; what the model does not take is not looked at.
        """
        return [self.answer(dict(row)) for row in inputs.to_dict("records")]

    def answer(
        self,
        row: Row,
        recording: Callable[[], Signal] | None = None,
        arrays: Callable[[], Batch] | None = None,
        events: Callable[[], Events | None] | None = None,
    ) -> Prediction:
        """Return the answer for one row.

        Args:
            row: as in `predict`.
            recording: reads the ECG; None takes it from the row's own columns.
            arrays: makes the raw batch of pictures, sounds and embeddings; None, too.
            events: reads the sequence, in the order that ingest gives; None, too.
        """
        sources = Sources(recording=recording, arrays=arrays, events=events)
        return self.answers([self.ready(row, sources)])[0]

    def ready(self, row: Row, sources: Sources | None = None) -> Ready:
        """Return a row, read and judged, for `answers`; one that cannot be taken says why."""
        return self._taker.ready(row, sources or Sources())

    def answers(self, readied: Sequence[Ready]) -> list[Prediction]:
        """Return the answer of every row; rows of the same shapes are asked about together.

        That is faster than one by one, and moves a log-odds by a rounding of float32 (below 1e-6).

        Args:
            readied: of `ready`, `AT_ONCE` or fewer.
        """
        found = [each.answer for each in readied]
        for places in _alike(readied):
            some = self._together([readied[place] for place in places])
            for place, answer in zip(places, some, strict=True):
                found[place] = answer
        return found

    def _together(self, readied: Sequence[Ready]) -> list[Prediction]:
        try:
            return self._asked(readied)
        except UserError as error:
            if len(readied) == 1:
                return [refused(readied[0].answer, error)]
            return [self._together([each])[0] for each in readied]

    def _asked(self, readied: Sequence[Ready]) -> list[Prediction]:
        batches = [_joined(own) for own in zip(*(each.batches for each in readied), strict=True)]
        logits = [
            forward(m.model, batch, finish=m.finish, place=CPU)
            for m, batch in zip(self.members, batches, strict=True)
        ]
        own = np.array([self.head.log_odds(each).tolist() for each in logits], np.float64)
        said = self._said(logits, len(readied))
        return [self._told(each, own[:, place], said[place]) for place, each in enumerate(readied)]

    def _told(
        self, ready: Ready, log_odds: npt.NDArray[np.float64], said: dict[str, dict[str, float]]
    ) -> Prediction:
        answer = replace(
            ready.answer,
            contributions=self._moved(ready),
            imputed=self._imputed(ready),
        )
        answered = self._answered(answer, log_odds)
        return answered if answered.abstain else replace(answered, heads=said)

    def _moved(self, ready: Ready) -> dict[str, float]:
        """Return modality → its contribution to the log-odds, the mean over the members."""
        given = ready.answer.inputs
        if not given:
            return {}
        each = [
            contributions(m.model, m.finish(batch), given, self.head)
            for m, batch in zip(self.members, ready.batches, strict=True)
        ]
        return {name: float(np.mean([own[name] for own in each])) for name in given if each[0]}

    def _imputed(self, ready: Ready) -> dict[EmbeddingModality, Imputed]:
        """Return modality → what the networks take it to be, of those that a row lacks."""
        if not self.facts.embeddings:
            return {}
        asked = [
            Asked(m.model, m.stats, m.finish(batch), m.imputation)
            for m, batch in zip(self.members, ready.batches, strict=True)
        ]
        return imputed(asked, tuple(self.facts.embeddings))

    def hidden(self, row: Row) -> npt.NDArray[np.float32]:
        """Return the hidden representation `[hidden_size]` of one row by the first member.

        Raises:
            InputError: the model has no trunk.
            UserError: the row cannot be read.
        """
        member, trunk = self.members[0], self._trunk()
        ecg = Batch()
        if self.facts.ecg is not None:
            ecg = ecg_batch(self._taker.prepared(row, None))
        batch = self._taker.batch(member, row, ecg, None)
        with torch.no_grad():
            return np.asarray(trunk(member.finish(batch))[0].numpy(), dtype=np.float32)

    def _trunk(self) -> Any:  # noqa: ANN401 - a module that `nn.Module` does not declare
        found = getattr(self.members[0].model, "trunk", None)
        if found is None:
            raise InputError(
                f"the model '{self.facts.model['name']}' has no hidden representation; it takes "
                "one with model.name=trunk"
            )
        return found

    def _said(self, logits: list[Batch], count: int) -> list[dict[str, dict[str, float]]]:
        """Return what every head says of each row, where there is more than one binary answer."""
        heads = from_json(self.facts.all_heads())
        found: list[dict[str, dict[str, float]]] = [{} for _ in range(count)]
        if len(heads) == 1 and heads[self.facts.head].kind == "binary":
            return found
        for name, head in heads.items():
            stacked = torch.stack([each[name] for each in logits])
            said = head_file(head).answers(head, stacked, self.facts.calibrations[name])
            for place, own in enumerate(found):
                own[name] = {key: float(values[place]) for key, values in said.items()}
        return found

    def calibrated(self, logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return calibrated probabilities `[n]` of mean logits `[n]`."""
        return self._recalibrator.apply(logits)

    def _answered(self, answer: Prediction, logits: npt.NDArray[np.float64]) -> Prediction:
        mean = float(logits.mean())
        answer = replace(answer, logit=mean)
        if answer.abstain:
            return replace(answer, interval_note="the model abstains")
        probability = float(self.calibrated(np.array([mean]))[0])
        if logits.size < FEWEST_MEMBERS:
            note = f"{logits.size} network(s) in the ensemble, fewer than {FEWEST_MEMBERS}"
            return replace(answer, probability=probability, interval_note=note)
        lo, hi = np.percentile(self.calibrated(logits), _PERCENTILES)
        return replace(answer, probability=probability, lo=float(lo), hi=float(hi))


def _alike(readied: Sequence[Ready]) -> list[list[int]]:
    """Return the places of rows whose batches have the same tensors in the same shapes."""
    found: dict[tuple[object, ...], list[int]] = {}
    for place, each in enumerate(readied):
        if each.batches:
            shapes = [[(k, tuple(v.shape)) for k, v in sorted(b.items())] for b in each.batches]
            found.setdefault(tuple(map(tuple, shapes)), []).append(place)
    return list(found.values())


def _joined(batches: Sequence[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    return {key: torch.cat([each[key] for each in batches]) for key in batches[0]}
