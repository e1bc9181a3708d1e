"""What is fuzzed, and how an answer is judged.

An input may be refused by a `RecordError` (a table also by an `InputError`) or give a signal that
holds together. Everything else is a finding: another exception, a warning, a number that is not
finite, a signal that changed although nothing it depends on did, damage that a checksum should have
shown, an error that repeats who the patient is.
"""

from __future__ import annotations

import tempfile
import traceback
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from components.core.config.base import validate
from components.core.errors import CardioError, InputError, RecordError
from components.core.readers.rawfile import MemoryFile
from components.core.readers.registry import Declared, read_signal, readers_by_name
from components.core.readers.zipped import memory_file_from_zip
from components.core.signals.leads import LEADS12
from components.core.signals.prepare import prepare
from components.core.signals.prepare_config import PrepareConfig
from components.core.signals.quantise import quantise
from components.core.signals.signal import Signal
from components.ingest.records import Record, Reject
from components.ingest.sources.registry import source
from tests.fuzz import seeds
from tests.fuzz.mutate import Mutated
from tests.fuzz.seeds import IDENTIFYING, Seed, original

_DTYPES = (np.int16, np.float16, np.float32)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What should not have happened.

    Attributes:
        kind: `exception`, `wrong`, `changed`, `unseen`, `leak`; the runner adds `slow`, `hang`,
            `memory` and `crash`.
        what: exception type and place, or the sentence of the judge; the same for the same fault.
    """

    kind: str
    what: str


class Wrong(Exception):  # noqa: N818 - a verdict, no error
    """A judge's verdict."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(what)
        self.kind = kind


class Target(ABC):
    """One reader, source or archive format under attack."""

    name: str

    @property
    @abstractmethod
    def seeds(self) -> tuple[Seed, ...]:
        """Return the valid inputs."""

    @abstractmethod
    def run(self, seed: Seed, mutated: Mutated) -> None:
        """Read the input; raise `Wrong` on a wrong answer."""

    def reads(self, seed: Seed) -> bool:
        """Return whether the undamaged seed gives a signal that another name must not change."""
        return False

    def judge(self, seed: Seed, mutated: Mutated) -> Finding | None:
        """Return what is wrong with the answer to an input, or None."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                self.run(seed, mutated)
        except Wrong as wrong:
            return Finding(kind=wrong.kind, what=str(wrong))
        except (RecordError, InputError) as error:
            if mutated.kinds == ("rename",) and self.reads(seed):
                return Finding(kind="changed", what="refused under another name")
            if _names(error):
                return Finding(kind="leak", what=f"{getattr(error, 'code', '')} names the person")
        except MemoryError as error:
            return Finding(kind="memory", what=_where(error))
        except Exception as error:  # noqa: BLE001 - the point of it
            return Finding(kind="exception", what=_where(error))
        return None


def _where(error: BaseException) -> str:
    """Return type and innermost place in this project, by which findings are told apart."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "components" in f.filename]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} at {place}"


def _names(error: CardioError) -> bool:
    """Return whether an error repeats who the patient is."""
    said = f"{error} {vars(error)}".encode("utf-8", "replace")
    return any(name in said for name in IDENTIFYING)


class ReaderTarget(Target):
    """A reader, found by content and called by name."""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def seeds(self) -> tuple[Seed, ...]:
        """Return the reader's seeds."""
        return seeds.of_reader(self.name)

    @cached_property
    def _originals(self) -> dict[str, Signal | None]:
        return {seed.name: original(seed, self._read) for seed in self.seeds}

    def reads(self, seed: Seed) -> bool:
        """Return whether the undamaged seed gives a signal."""
        return self._originals[seed.name] is not None

    def _read(self, raw: MemoryFile, declared: Declared) -> Signal:
        return read_signal(raw, declared, format=self.name)

    def run(self, seed: Seed, mutated: Mutated) -> None:
        """Read by name, check the signal, compare it with the original where that is due."""
        raw = MemoryFile(seed.main, mutated.files[seed.main], mutated.files)
        try:
            read_signal(raw, seed.declared)  # by content: other readers see it, too
        except RecordError as error:
            if _names(error):
                raise Wrong("leak", f"{error.code} names the person") from None
        found = self._read(raw, seed.declared)
        before = self._originals[seed.name]
        if before is not None:
            _compare(found, before, seed, mutated)
        check(found)


def _compare(found: Signal, before: Signal, seed: Seed, mutated: Mutated) -> None:
    """Compare with the undamaged recording where the damage should make no difference."""
    if mutated.kinds == ("rename",) and not same(found, before):
        raise Wrong("changed", "another signal under another name")
    if mutated.kinds == ("flip",) and seed.summed:
        _check_counts(found, before, in_samples=mutated.file in seed.summed)


def _check_counts(found: Signal, before: Signal, *, in_samples: bool) -> None:
    """Refuse counts that differ: a checksum covers them, whatever single bit was turned."""
    if in_samples and not same(found, before):
        raise Wrong("unseen", "a turned bit in the samples, and no checksum error")
    if not found.is_integer or found.samples != before.samples:
        raise Wrong("unseen", "a turned bit in the header gives other counts")
    rows = {row.tobytes() for row in before.values}
    if any(row.tobytes() not in rows for row in found.values):
        raise Wrong("unseen", "a turned bit in the header gives other counts")


def same(a: Signal, b: Signal) -> bool:
    """Return whether two signals are the same recording, bit for bit."""
    arrays = ((a.values, b.values), (a.lsb, b.lsb), (a.offset, b.offset))
    return (a.fs, a.leads, a.unit, a.meta, a.no_value) == (
        b.fs, b.leads, b.unit, b.meta, b.no_value,
    ) and all(x.dtype == y.dtype and x.tobytes() == y.tobytes() for x, y in arrays)  # fmt: skip


def check(signal: Signal) -> None:
    """Raise `Wrong` where a signal does not hold together, as far as training would take it."""
    n = len(signal.leads)
    sound = (
        signal.values.ndim == 2
        and signal.values.shape[0] == n == signal.lsb.size == signal.offset.size
        and signal.values.dtype in _DTYPES
        and set(signal.leads) <= set(LEADS12)
        and signal.unit in ("mV", "z")
        and bool(np.isfinite(signal.lsb).all() and np.isfinite(signal.offset).all())
    )
    if not sound:
        raise Wrong("wrong", "the signal's parts do not fit together")
    age, sex = signal.meta.get("age", 1), signal.meta.get("sex", "male")
    if set(signal.meta) - {"age", "sex"} or not 0 <= float(age) < 123 or sex not in _SEXES:
        raise Wrong("wrong", "facts of the person that no reader may give")
    _check_prepared(signal)


_SEXES = ("male", "female")


def _check_prepared(signal: Signal) -> None:
    config = PrepareConfig(length=64, min_duration_s=0, unit=signal.unit)  # type: ignore[arg-type]
    try:
        prepared = prepare(signal, config)
    except RecordError:
        return
    if not np.isfinite(prepared.values).all():
        raise Wrong("wrong", "prepared values are not finite")
    counts, scale = quantise(prepared)
    if (np.abs(counts * scale[:, None] - prepared.values) > scale[:, None] * 0.51).any():
        raise Wrong("wrong", "quantised values are off by more than half a count")


class SourceTarget(Target):
    """A source: its table and the files beside it."""

    def __init__(self, name: str) -> None:
        self.name = f"source:{name}"
        self._source = name

    @cached_property
    def seeds(self) -> tuple[Seed, ...]:
        """Return the source's three records."""
        return seeds.of_source(self._source)

    def run(self, seed: Seed, mutated: Mutated) -> None:
        """Read every record and reject."""
        origin = source(self._source)
        options = validate(origin.Options, seed.options, "the seed")
        with tempfile.TemporaryDirectory() as folder:
            for name, content in mutated.files.items():
                file = Path(folder) / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            path = Path(folder) if seed.whole else Path(folder) / seed.main
            origin.features(path, options)
            seen: set[str] = set()
            for item in origin.read(path, options):
                if isinstance(item, Record):
                    _check_record(item, seen)
                elif not (isinstance(item, Reject) and item.code and item.reason and _placed(item)):
                    raise Wrong("wrong", "a reject without row, code or reason")


def _placed(reject: Reject) -> bool:
    """Return whether a reject says where: in the table, or in which file beside it."""
    return reject.row > 0 or bool(reject.file)


def _check_record(record: Record, seen: set[str]) -> None:
    numbers = [v for v in record.tabular.values() if isinstance(v, float)]
    days = (record.event_time_days, record.followup_days, record.death_days)
    numbers += [v for v in days if v is not None]
    if not np.isfinite(np.array(numbers, np.float64)).all():
        raise Wrong("wrong", "a number that is not finite")
    if record.label not in (0, 1, None) or not record.patient_id or record.record_id in seen:
        raise Wrong("wrong", "a label, patient or record id that cannot be")
    seen.add(record.record_id)


class ArchiveTarget(Target):
    """Zip archives of one record."""

    name = "zip"

    @cached_property
    def seeds(self) -> tuple[Seed, ...]:
        """Return archives, packed in the ways that zip knows."""
        return seeds.archives()

    def run(self, seed: Seed, mutated: Mutated) -> None:
        """Unpack and read."""
        raw = memory_file_from_zip(mutated.files[seed.main])
        check(read_signal(raw, seed.declared))


def targets() -> dict[str, Callable[[], Target]]:
    """Return the maker of every target by its name: all readers, all sources, archives."""
    made: dict[str, Callable[[], Target]] = {
        name: lambda name=name: ReaderTarget(name) for name in readers_by_name()
    }
    for name in seeds.source_names():
        made[f"source:{name}"] = lambda name=name: SourceTarget(name)
    return made | {"zip": ArchiveTarget}


def contents(target: Target) -> list[Any]:
    """Return the contents of a target's seeds, to splice pieces from."""
    return [content for seed in target.seeds for content in seed.files.values()]
