"""A registered model's answer: raw files in; probability, interval, quality or abstention out.

`bundle_files` says what lies on disk; weights are safetensors; nothing is pickled. `Predictor`
takes raw files, as a hospital has them, through the same readers and the same preparation as
training did.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from safetensors import SafetensorError

from components.core import out_of_distribution as ood
from components.core.bundle_batch import any_known, ecg_batch, tabular_batch, text_batch
from components.core.bundle_contributions import contributions
from components.core.bundle_embeddings import embedding_batch, embeddings_note
from components.core.bundle_events import (
    NO_FIELDS,
    Taken,
    events_note,
    sent_events,
    sequence_batch,
    taken,
)
from components.core.bundle_fields import fields_note
from components.core.bundle_files import (
    IMPUTATION,
    STATS,
    BundleFacts,
    MemberFiles,
    read_facts,
    write_bundle,
)
from components.core.bundle_imputation import Asked, imputed
from components.core.bundle_inputs import INPUTS, Row, declared, raw_file, tabular_row
from components.core.bundle_prediction import NAN, Imputed, Prediction
from components.core.bundle_text import check_encoder, encoder_beside
from components.core.data import foldstats
from components.core.data.batches import Batch
from components.core.data.event_stats import EventStats
from components.core.data.finish import Finisher
from components.core.data.foldstats import FoldStats
from components.core.data.stored_events import Events
from components.core.device import Place
from components.core.errors import InputError, RecordError, UserError, shorten
from components.core.heads.registry import from_json, head_file, view
from components.core.imputation import calibrate
from components.core.imputation.calibrate import Calibration
from components.core.members import load_model
from components.core.metrics import recalibrate
from components.core.modalities import EVENTS, EmbeddingModality
from components.core.models.spec import DataSpec
from components.core.predict import forward
from components.core.readers.registry import read_signal
from components.core.signals.prepare import Prepared, prepare
from components.core.signals.quality import refuse
from components.core.signals.quantise import quantise
from components.core.signals.signal import Signal
from components.core.text.identity import EncoderIdentity

__all__ = [
    "INPUTS",
    "BundleFacts",
    "MemberFiles",
    "Prediction",
    "Predictor",
    "tabular_row",
    "write_bundle",
]
# Below five the 5th and 95th percentile are no more than the extremes of a handful of networks.
FEWEST_MEMBERS = 5
_PERCENTILES = (5, 95)
CPU = Place(device="cpu", precision="fp32", name="CPU")
_NOTHING = torch.zeros(1)


@dataclass(frozen=True)
class _Member:
    model: torch.nn.Module
    stats: FoldStats
    finish: Finisher
    imputation: Calibration | None


class Predictor:
    """A loaded bundle.

    Args:
        folder: of the bundle.
        text_encoder: folder of the frozen encoder that reads the notes, where the model has one;
            without it a row with a note is answered by an error that names the encoder.

    Raises:
        InputError: a file is missing, damaged or changed since the bundle was written, or the
            folder holds another encoder.
    """

    def __init__(self, folder: Path, *, text_encoder: str = "") -> None:
        self.facts = read_facts(folder)
        self._recalibrator = recalibrate.from_json(json.dumps(self.facts.calibration))
        self._text_encoder = text_encoder
        self._primary = view(self.facts.all_heads(), self.facts.head)
        self._members = [self._loaded(folder / name) for name in self.facts.members]
        self._distribution = ood.load(folder) if self.facts.ood_threshold is not None else None
        if text_encoder and (wanted := self.text_model) is not None:
            check_encoder(wanted, text_encoder)

    @property
    def text_model(self) -> EncoderIdentity | None:
        """Return the frozen encoder of notes or events, which a bundle does not hold; or None."""
        return encoder_beside(self._members[0].stats, events=self.facts.events is not None)

    @property
    def hidden_size(self) -> int:
        """Return the width of the hidden representation.

        Raises:
            InputError: the model has none.
        """
        return int(self._trunk().features)

    def _loaded(self, folder: Path) -> _Member:
        try:
            return self._load(folder)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise InputError(
                f"'{folder.name}' of the model bundle is damaged ({shorten(error)}); write the "
                "bundle again"
            ) from error

    def _load(self, folder: Path) -> _Member:
        spec = DataSpec.model_validate_json((folder / "spec.json").read_text(encoding="utf-8"))
        stats, mended = foldstats.load(folder / STATS), folder / IMPUTATION
        return _Member(
            model=load_model(self.facts.model, spec, folder / "weights.safetensors"),
            stats=stats,
            finish=Finisher(stats),
            imputation=calibrate.load(mended) if mended.is_file() else None,
        )

    def predict(self, inputs: pd.DataFrame) -> list[Prediction]:
        """Return an answer per row; a row that cannot be answered says why in `error`.

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
        answer, ecg = Prediction(logit=NAN, probability=NAN), Batch()
        try:
            if self.facts.ecg is not None:
                read = recording or (lambda: read_signal(raw_file(row), declared(row)))
                prepared = prepare(read(), self.facts.ecg)
                answer, ecg = self._judged(answer, prepared), ecg_batch(prepared)
            media = self._arrays(row, arrays)
            sequence = self._sequence(row, events)
            given = self._given(row, media, sequence)
            unused = embeddings_note(row, self.facts, media)
            batches = [self._batch(m, row, ecg | media, sequence) for m in self._members]
            logits = [
                forward(m.model, batch, finish=m.finish, place=CPU)
                for m, batch in zip(self._members, batches, strict=True)
            ]
        except UserError as error:
            code = error.code if isinstance(error, RecordError) else "input"
            return replace(answer, error=str(error), code=code, abstain=False, abstain_reason="")
        own = [float(self._primary.log_odds(each)[0]) for each in logits]
        fields = fields_note([m.stats.tabular for m in self._members], row)
        notes = (fields, unused, self._told(sequence, batches, given))
        answer = replace(
            answer,
            inputs=given,
            contributions=self._moved(batches, given),
            fields_note="; ".join(filter(None, notes)),
            imputed=self._imputed(batches),
        )
        answered = self._answered(answer, np.array(own))
        return answered if answered.abstain else replace(answered, heads=self._said(logits))

    def _moved(self, batches: list[Batch], given: tuple[str, ...]) -> dict[str, float]:
        """Return modality → its contribution to the log-odds, the mean over the members."""
        if not given:
            return {}
        each = [
            contributions(m.model, m.finish(batch), given, self._primary)
            for m, batch in zip(self._members, batches, strict=True)
        ]
        return {name: float(np.mean([own[name] for own in each])) for name in given if each[0]}

    def _imputed(self, batches: list[Batch]) -> dict[EmbeddingModality, Imputed]:
        """Return modality → what the networks take it to be, of those that a row lacks."""
        asked = [
            Asked(m.model, m.stats, m.finish(batch), m.imputation)
            for m, batch in zip(self._members, batches, strict=True)
        ]
        return imputed(asked, tuple(self.facts.embeddings))

    def hidden(self, row: Row) -> npt.NDArray[np.float32]:
        """Return the hidden representation `[hidden_size]` of one row by the first member.

        Raises:
            InputError: the model has no trunk.
            UserError: the row cannot be read.
        """
        member, trunk = self._members[0], self._trunk()
        ecg = Batch()
        if self.facts.ecg is not None:
            ecg = ecg_batch(prepare(read_signal(raw_file(row), declared(row)), self.facts.ecg))
        batch = self._batch(member, row, ecg, None)
        with torch.no_grad():
            return np.asarray(trunk(member.finish(batch))[0].numpy(), dtype=np.float32)

    def _trunk(self) -> Any:  # noqa: ANN401 - a module that `nn.Module` does not declare
        found = getattr(self._members[0].model, "trunk", None)
        if found is None:
            raise InputError(
                f"the model '{self.facts.model['name']}' has no hidden representation; it takes "
                "one with model.name=trunk"
            )
        return found

    def _said(self, logits: list[Batch]) -> dict[str, dict[str, float]]:
        """Return what every head says, where there is more than one binary answer."""
        heads = from_json(self.facts.all_heads())
        if len(heads) == 1 and heads[self.facts.head].kind == "binary":
            return {}
        found: dict[str, dict[str, float]] = {}
        for name, head in heads.items():
            stacked = torch.stack([each[name] for each in logits])
            said = head_file(head).answers(head, stacked, self.facts.calibrations[name])
            found[name] = {key: float(values[0]) for key, values in said.items()}
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

    def _judged(self, answer: Prediction, prepared: Prepared) -> Prediction:
        quality = prepared.quality
        answer = replace(answer, quality=quality.score, flags=quality.raised)
        try:
            refuse(quality, reject=self.facts.reject, min_quality=self.facts.min_quality)
        except RecordError as error:
            return replace(answer, abstain=True, abstain_reason=error.reason)
        reason = self._unlike_training(prepared)
        return replace(answer, abstain=bool(reason), abstain_reason=reason)

    def _unlike_training(self, prepared: Prepared) -> str:
        limit, config = self.facts.ood_threshold, self.facts.ecg
        if self._distribution is None or limit is None or config is None:
            return ""
        counts, scale = quantise(prepared)
        found = ood.summaries(
            (counts * scale[:, None])[None],
            config.fs,
            config.leads,
            lead_mask=prepared.lead_mask[None],
            start=np.array([prepared.start]),
            stop=np.array([prepared.stop]),
        )
        distance = float(self._distribution.distance(found)[0])
        if distance <= limit:
            return ""
        return (
            f"the recording is unlike those of training: distance {distance:.2f}, "
            f"above {limit:.2f}, which {self.facts.ood_rate:.1%} of validation's may pass"
        )

    def _batch(self, member: _Member, row: Row, signals: Batch, sequence: Taken | None) -> Batch:
        batch = signals | tabular_batch(member.stats, row, self.facts.features)
        if member.stats.text is not None:
            batch |= text_batch(
                member.stats.text,
                row,
                masked=self.facts.notes_masked,
                folder=self._text_encoder,
            )
        if sequence is not None:
            batch |= sequence_batch(_taught(member), sequence, self._text_encoder)
        return batch

    def _sequence(self, row: Row, read: Callable[[], Events | None] | None) -> Taken | None:
        """Return a row's sequence as training took its own; None for a model that takes none."""
        if self.facts.events is None:
            return None
        given = self.facts.events
        return taken(sent_events(row, longest=given.longest) if read is None else read(), given)

    def _told(self, sequence: Taken | None, batches: list[Batch], given: tuple[str, ...]) -> str:
        if sequence is None or self.facts.events is None:
            return ""
        taught = [_taught(member) for member in self._members]
        told = events_note(sequence, self.facts.events, list(zip(taught, batches, strict=True)))
        bare = bool(self.facts.features) and "tabular" not in given
        fields = "" if self.facts.events.fields_taught or not bare else NO_FIELDS
        return "; ".join(filter(None, (told, fields)))

    def _arrays(self, row: Row, prepared: Callable[[], Batch] | None) -> Batch:
        """Return pictures, sounds and embeddings of a row; empty for a model that takes none."""
        if not (self.facts.media or self.facts.embeddings):
            return {}
        if prepared is not None:
            return prepared()
        sent = embedding_batch(row, self.facts)
        if not self.facts.media:
            return sent
        from components.core.bundle_media import media_batch, sent_files  # Pillow, torchaudio

        return sent | media_batch(sent_files(row, self.facts), self.facts)

    def _given(self, row: Row, arrays: Batch, sequence: Taken | None) -> tuple[str, ...]:
        """Return which of the modalities that may be absent a row has.

        Raises:
            InputError: none.
        """
        names = self.facts.optional
        if not names:
            return ()
        there = {name for name in names if float(arrays.get(f"{name}_mask", _NOTHING)) > 0}
        columns = {c for member in self._members for c in member.stats.tabular.columns}
        if any_known(row, columns):
            there.add("tabular")
        if sequence is not None and sequence.there:
            there.add(EVENTS)
        if not there:
            raise InputError(
                f"the row has nothing to answer from; send at least one of: "
                f"{', '.join(names.values())}"
            )
        return tuple(name for name in names if name in there)


def _taught(member: _Member) -> EventStats:
    found = member.stats.events
    if found is None:
        raise InputError("the model bundle does not say how events become steps; write it again")
    return found
