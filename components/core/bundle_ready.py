"""A row of a request on its way to the networks: read, judged, and a batch of one per network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from components.core.bundle_batch import any_known, ecg_batch, tabular_batch, text_batch
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
from components.core.bundle_files import BundleFacts
from components.core.bundle_inputs import Row, declared, raw_file
from components.core.bundle_member import BundleMember
from components.core.bundle_prediction import NAN, Prediction
from components.core.bundle_quality import judged
from components.core.data.batches import Batch
from components.core.data.stored_events import Events
from components.core.errors import InputError, RecordError, UserError
from components.core.modalities import EVENTS
from components.core.out_of_distribution import EcgDistribution
from components.core.readers.registry import read_signal
from components.core.signals.prepare import Prepared, prepare
from components.core.signals.signal import Signal

_NOTHING = torch.zeros(1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Ready:
    """A row that the networks can be asked about, or the error that says why they cannot.

    Attributes:
        answer: what is known before any network is asked; `error` where nobody can be.
        batches: raw batch of one record per network; none with an error.
        prepared: the ECG; None of models without one.
    """

    answer: Prediction
    batches: tuple[Batch, ...] = ()
    prepared: Prepared | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Sources:
    """Where parts of a row come from that are not in it; None takes the row's own columns.

    Attributes:
        recording: reads the ECG.
        arrays: makes the raw batch of pictures, sounds and embeddings.
        events: reads the sequence, in the order that ingest gives.
    """

    recording: Callable[[], Signal] | None = None
    arrays: Callable[[], Batch] | None = None
    events: Callable[[], Events | None] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Taker:
    """What a bundle needs to make rows ready.

    Attributes:
        facts: of the bundle.
        members: its networks.
        distribution: of the training recordings; None does not look at it.
        text_encoder: folder of the frozen encoder of notes or events; empty without one.
    """

    facts: BundleFacts
    members: Sequence[BundleMember]
    distribution: EcgDistribution | None
    text_encoder: str

    def ready(self, row: Row, sources: Sources) -> Ready:
        """Return the row, read and judged; a `UserError` becomes the answer's error."""
        answer = Prediction(logit=NAN, probability=NAN)
        prepared: Prepared | None = None
        try:
            if self.facts.ecg is not None:
                prepared = self.prepared(row, sources.recording)
                answer = judged(answer, prepared, self.facts, self.distribution)
            return self._taken(row, sources, answer, prepared)
        except UserError as error:
            return Ready(answer=refused(answer, error), prepared=prepared)

    def prepared(self, row: Row, recording: Callable[[], Signal] | None) -> Prepared:
        """Return a row's ECG.

        Raises:
            UserError: it cannot be read, or the model takes none.
        """
        if self.facts.ecg is None:
            raise InputError("the model takes no ECG recording")
        read = recording or (lambda: read_signal(raw_file(row), declared(row)))
        return prepare(read(), self.facts.ecg)

    def _taken(
        self, row: Row, sources: Sources, answer: Prediction, prepared: Prepared | None
    ) -> Ready:
        arrays = self._arrays(row, sources.arrays)
        sequence = self._sequence(row, sources.events)
        given = self._given(row, arrays, sequence)
        unused = embeddings_note(row, self.facts, arrays)
        signals = arrays if prepared is None else ecg_batch(prepared) | arrays
        batches = tuple(self.batch(m, row, signals, sequence) for m in self.members)
        fields = fields_note([m.stats.tabular for m in self.members], row)
        notes = (fields, unused, self._told(sequence, batches, given))
        answer = replace(answer, inputs=given, fields_note="; ".join(filter(None, notes)))
        return Ready(answer=answer, batches=batches, prepared=prepared)

    def batch(
        self, member: BundleMember, row: Row, signals: Batch, sequence: Taken | None
    ) -> Batch:
        """Return the raw batch of one record for one network.

        Raises:
            UserError: a field or the notes cannot be taken in.
        """
        batch = signals | tabular_batch(member.stats, row, self.facts.features)
        if member.stats.text is not None:
            batch |= text_batch(
                member.stats.text,
                row,
                masked=self.facts.notes_masked,
                folder=self.text_encoder,
            )
        if sequence is not None:
            batch |= sequence_batch(member.events, sequence, self.text_encoder)
        return batch

    def _sequence(self, row: Row, read: Callable[[], Events | None] | None) -> Taken | None:
        """Return a row's sequence as training took its own; None for a model that takes none."""
        if self.facts.events is None:
            return None
        given = self.facts.events
        return taken(sent_events(row, longest=given.longest) if read is None else read(), given)

    def _told(
        self, sequence: Taken | None, batches: Sequence[Batch], given: tuple[str, ...]
    ) -> str:
        if sequence is None or self.facts.events is None:
            return ""
        taught = [member.events for member in self.members]
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
        columns = {c for member in self.members for c in member.stats.tabular.columns}
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


def refused(answer: Prediction, error: UserError) -> Prediction:
    """Return an answer that says why there is none."""
    code = error.code if isinstance(error, RecordError) else "input"
    return replace(answer, error=str(error), code=code, abstain=False, abstain_reason="")
