"""The files that a manifest names or a folder holds: format, rate, leads, duration, reasons."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from components.core.errors import RecordError
from components.core.modalities import MediaModality
from components.core.readers.rawfile import DiskFile
from components.core.readers.registry import Declared, read_signal, recognise
from components.core.signals.signal import Signal
from components.ingest.inspection.facts import Extension, Recognised, Refused
from components.ingest.inspection.media import Seen, look_at, modality_of, spoken
from components.ingest.records import FileRef

_UNDECLARED = "undeclared_"
# Stands in for what is not declared, so that the next missing value shows, too.
_FILLED = Declared(fs=500.0, unit="mV")
_ROWS_SHOWN = 5
_HEADER = ".hea"
# ".dicom" and ".parquet" with their dots.
_LONGEST_EXTENSION = 8


@dataclass(frozen=True, kw_only=True)
class Named:
    """A file and what names it.

    Attributes:
        reference: where it lies.
        row: line of the table; 0 without one.
        modality: of a picture or sound; None of an ECG.
    """

    reference: FileRef
    row: int = 0
    modality: MediaModality | None = None


@dataclass
class _Format:
    """What is seen of one format."""

    files: int = 0
    fs: Counter[str] = field(default_factory=Counter[str])
    leads: Counter[str] = field(default_factory=Counter[str])
    pixels: Counter[str] = field(default_factory=Counter[str])
    seconds: list[float] = field(default_factory=list[float])
    needs: Counter[str] = field(default_factory=Counter[str])

    def add(self, signal: Signal, needs: Sequence[str]) -> None:
        self.leads[f"{len(signal.leads)}: {', '.join(signal.leads)}"] += 1
        self.needs.update(needs)
        if "fs" not in needs:
            self.fs[f"{signal.fs:g}"] += 1
            self.seconds.append(signal.duration_s)

    def add_media(self, seen: Seen) -> None:
        self.files += 1
        if seen.pixels:
            self.pixels[seen.pixels] += 1
        else:
            self.fs[f"{seen.fs:g}"] += 1
            self.seconds.append(seen.seconds)

    def facts(self, name: str) -> Recognised:
        ranked = sorted(self.seconds)
        middle = (ranked[0], statistics.median(ranked), ranked[-1]) if ranked else None
        return Recognised(
            reader=name, files=self.files, fs=dict(self.fs.most_common()),
            leads=dict(self.leads.most_common()), pixels=dict(self.pixels.most_common()),
            seconds=middle, needs=dict(self.needs),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """What was found of all files."""

    extensions: tuple[Extension, ...]
    recognised: tuple[Recognised, ...]
    refused: tuple[Refused, ...]


class Refusals:
    """Reasons, each with its count, its first rows and its files."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], list[tuple[int, str]]] = defaultdict(list)

    def add(self, what: str, error: RecordError, row: int, name: str) -> None:
        """Count a reason; its sentence is left out, for it may quote the file."""
        self._found[what, error.code, error.advice].append((row, name))

    def facts(self, *, show_names: bool) -> tuple[Refused, ...]:
        """Return the reasons, the most frequent first."""
        ranked = sorted(self._found.items(), key=lambda pair: (-len(pair[1]), pair[0]))
        return tuple(
            Refused(
                what=what, code=code, count=len(places), advice=advice,
                rows=tuple(row for row, _ in places if row > 0)[:_ROWS_SHOWN],
                names=tuple(name for _, name in places) if show_names else (),
            )
            for (what, code, advice), places in ranked
        )  # fmt: skip


def inspect_files(files: Iterable[Named], *, limit: int, show_names: bool) -> FileFacts:
    """Open up to `limit` files per extension and say what they are.

    Args:
        files: named by a manifest or found in a folder.
        limit: per extension; the others are counted only.
        show_names: repeat the names of refused files, which may be those of patients.
    """
    kinds: dict[str, list[Named]] = defaultdict(list)
    for each in files:
        kinds[_extension(each.reference.path)].append(each)
    formats: dict[str, _Format] = defaultdict(_Format)
    refusals, extensions = Refusals(), list[Extension]()
    for extension, members in sorted(kinds.items()):
        chosen = _spread(members, limit)
        for each in chosen:
            _look(each, extension, formats, refusals)
        extensions.append(Extension(extension=extension, files=len(members), inspected=len(chosen)))
    return FileFacts(
        extensions=tuple(extensions),
        recognised=tuple(seen.facts(name) for name, seen in sorted(formats.items())),
        refused=refusals.facts(show_names=show_names),
    )


def _extension(path: Path) -> str:
    """Return a file's extension; what is longer than one may be a part of a name."""
    suffix = path.suffix.lower()
    return suffix if len(suffix) <= _LONGEST_EXTENSION else "(other)"


def _spread(members: list[Named], limit: int) -> list[Named]:
    """Return at most `limit` members, evenly spread: one site's files often lie together."""
    if len(members) <= limit:
        return members
    return [members[i * len(members) // limit] for i in range(limit)]


def _look(each: Named, extension: str, formats: dict[str, _Format], refusals: Refusals) -> None:
    reference = each.reference
    try:
        raw = DiskFile(reference.path, reference.root)
        if each.modality is not None:
            found = look_at(raw, each.modality)
            formats[spoken(each.modality)].add_media(found)
            return
        seen = formats[recognise(raw).NAME]
        seen.files += 1
        signal, needs = _read(raw, reference.declared)
        seen.add(signal, needs)
    except RecordError as error:
        refusals.add(extension, error, each.row, reference.path.name)


def _read(raw: DiskFile, declared: Declared) -> tuple[Signal, list[str]]:
    """Return the signal, and which values had to be made up since nothing declares them."""
    needs: list[str] = []
    while True:
        try:
            return read_signal(raw, declared), needs
        except RecordError as error:
            name = error.code.removeprefix(_UNDECLARED)
            filled = getattr(_FILLED, name, None) if error.code.startswith(_UNDECLARED) else None
            if filled is None or name in needs:
                raise
            needs.append(name)
            declared = replace(declared, **{name: filled})


def files_in(root: Path) -> tuple[list[Named], dict[str, int]]:
    """Return a folder's files, and extension → those beside a WFDB header, which it leads to."""
    found = sorted(p for p in root.rglob("*") if p.is_file() and not p.name.startswith("."))
    headers = {p.with_suffix("") for p in found if p.suffix.lower() == _HEADER}
    companions: Counter[str] = Counter()
    named: list[Named] = []
    for path in found:
        if path.suffix.lower() != _HEADER and path.with_suffix("") in headers:
            companions[_extension(path)] += 1
        else:
            own = FileRef(path=path, root=root, declared=Declared())
            named.append(Named(reference=own, modality=modality_of(path)))
    return named, dict(companions)
