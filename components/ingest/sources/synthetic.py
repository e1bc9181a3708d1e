"""`synthetic`: the embedded cohort, written as a hospital's files and read back like them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.core import store
from components.core.modalities import EMBEDDED, short_name
from components.core.planted_truth import FACTORS
from components.core.pool import worker_count
from components.core.progress import progress
from components.core.versions import library_versions
from components.ingest.flow import Flow
from components.ingest.records import Note, Record, Reject
from components.ingest.sources import hdf5_embeddings, manifest, mimic_iv
from components.ingest.sources.measurements import Measurement
from components.ingest.synthetic.columns import GAP_COLUMN, LATE_COLUMN, LATE_TIME, LEAK_COLUMN
from components.ingest.synthetic.embeddings import files as embedding_files
from components.ingest.synthetic.embeddings.mechanism import RECURRENCE, WITH_QUALITY
from components.ingest.synthetic.generate import generate
from components.ingest.synthetic.icu.careless import (
    LENGTH_OF_STAY,
    READING,
    STAY_DAYS,
    careless,
)
from components.ingest.synthetic.measurements import MEASUREMENTS_FILE
from components.ingest.synthetic.options import SyntheticOptions
from components.ingest.synthetic.surveillance.notes import NOTES_FILE

NAME = "synthetic"
# Its files do not exist before they are read, so there is nothing to inspect.
GENERATES = True
# What the hospital's manifest would be declared to hold.
FEATURES: dict[str, manifest.cells.Kind] = {
    "age": "numeric",
    "sex": "categorical",
    "bmi": "numeric",
    "hypertension": "numeric",
    "diabetes": "numeric",
    "prior_hf": "numeric",
    "cancer_type": "categorical",
    "therapy": "categorical",
    "anthracycline_dose": "numeric",
    "anti_her2": "numeric",
    "radiotherapy": "numeric",
    "lvef_baseline": "numeric",
}
# Truths of the heads in the surveillance part.
TARGETS: dict[str, manifest.cells.Kind] = {
    "lvef": "numeric",
    "risk_category": "categorical",
    "quality": "categorical",
}
_LEAKED: dict[str, tuple[str, manifest.cells.Kind]] = {
    "label_column": (LEAK_COLUMN, "categorical"),
    "label_gap": (GAP_COLUMN, "numeric"),
    "late_feature": (LATE_COLUMN, "numeric"),
}
# Parts with a layout of their own, and how the ICU stays' is read.
_WITHOUT_MANIFEST = ("embeddings", "icu")
_STAYS = mimic_iv.Options()
TRUTH_FILES = ("truth.parquet", "truth.json")


class Options(SyntheticOptions):
    """Size, seed, nuisance, planted leaks: see `SyntheticOptions`."""


def read(path: Path, options: Options) -> Iterator[Record | Reject]:
    """Yield the cohort's records; its files are generated on first use.

    Args:
        path: not used; the cohort makes its own data.
        options: size, seed and what is planted.
    """
    del path
    if options.part == "embeddings":
        yield from hdf5_embeddings.read(files(options), _declared_embeddings())
        return
    if options.part == "icu":
        found, folder = mimic_iv.read(files(options), _STAYS), files(options)
        asked = READING & set(options.leaks)
        yield from careless(found, folder, options.leaks) if asked else found
        return
    yield from manifest.read(files(options), _declared(options))


def features(path: Path, options: Options) -> dict[str, manifest.cells.Kind]:
    """Return the tabular features and their kinds."""
    if options.part == "icu":
        leaked: dict[str, manifest.cells.Kind] = {STAY_DAYS: "numeric"}
        own = leaked if LENGTH_OF_STAY in options.leaks else {}
        return mimic_iv.features(path, _STAYS) | own
    return {} if options.part == "embeddings" else _features(options)


def count(path: Path, options: Options) -> int:
    """Return how many records and rejects `read` yields."""
    if options.part == "icu":
        return mimic_iv.count(files(options), _STAYS)
    return sum(1 for _ in read(path, options))


def flow(path: Path, options: Options) -> Flow | None:
    """Return how many ICU stays there are and why some are left out; other parts have none."""
    del path
    return mimic_iv.flow(files(options), _STAYS) if options.part == "icu" else None


def counts(path: Path, options: Options) -> dict[str, float]:
    """Return what the rows of each table of events come to; other parts have none."""
    del path
    return mimic_iv.counts(files(options), _STAYS) if options.part == "icu" else {}


def targets(path: Path, options: Options) -> dict[str, manifest.cells.Kind]:
    """Return the truths beside the label and their kinds; the therapy part has none."""
    del path
    return {} if options.part in _WITHOUT_MANIFEST else dict(_declared(options).targets)


def measurements(path: Path, options: Options) -> Iterator[Measurement | Reject] | None:
    """Return the serial measurements, from which `label.derive: ctrcd` makes the same label."""
    del path
    if options.part in _WITHOUT_MANIFEST:
        return None
    return manifest.measurements(files(options), _declared(options))


def notes(path: Path, options: Options) -> Iterator[Note | Reject] | None:
    """Return the clinical notes; the therapy part, embeddings and ICU stays have none."""
    del path
    if options.part in _WITHOUT_MANIFEST:
        return None
    return manifest.notes(files(options), _declared(options))


def _declared(options: Options) -> manifest.Options:
    """Return what the hospital would declare of its manifest."""
    if options.part == "surveillance":
        return manifest.Options(
            tabular=FEATURES,
            targets=TARGETS,
            notes=NOTES_FILE,
            measurements=MEASUREMENTS_FILE,
        )
    if options.media:
        return manifest.Options(tabular=FEATURES)
    late = "late_feature" in options.leaks
    return manifest.Options(
        tabular=_features(options),
        tabular_times={LATE_COLUMN: LATE_TIME} if late else {},
        measurements=MEASUREMENTS_FILE,
    )


def _declared_embeddings() -> hdf5_embeddings.Options:
    """Return what the hospital would declare of its five files and its table of outcomes."""
    own: dict[str, dict[str, Any]] = {
        embedding_files.PATCHED: {"patches": True},
        WITH_QUALITY: {"quality": embedding_files.QUALITY},
    }
    return hdf5_embeddings.Options.model_validate(
        {
            "files": {
                short_name(name): {"file": f"{short_name(name)}.h5", **own.get(name, {})}
                for name in EMBEDDED
            },
            "outcomes": embedding_files.OUTCOMES_FILE,
            "outcome": {"event_time_days": "death_days", "followup_days": "followup_days"},
            "endpoints": {
                RECURRENCE: {
                    "event_time_days": "recurrence_days",
                    "followup_days": "followup_days",
                    "death_days": "death_before_recurrence_days",
                }
            },
            "site": "site",
            "index_time": "index_time",
        }
    )


def _features(options: Options) -> dict[str, manifest.cells.Kind]:
    leaked: dict[str, manifest.cells.Kind] = {
        column: kind for name, (column, kind) in _LEAKED.items() if name in options.leaks
    }
    return FEATURES | leaked


def side_files(path: Path, options: Options) -> dict[str, Path]:
    """Return the planted truth, read by evaluate and explain alone."""
    del path
    own = (*TRUTH_FILES, FACTORS) if options.part == "embeddings" else TRUTH_FILES
    return {name: files(options) / name for name in own}


def files(options: Options) -> Path:
    """Return the folder of the cohort's raw files, generated once per options and code."""
    config: dict[str, Any] = options.model_dump(mode="json")
    writing = ("h5py",) if options.part == "embeddings" else ()
    drawing = ("pillow",) if options.media else writing
    libraries = library_versions(("numpy", "scipy", "pyarrow", *drawing))
    print_ = store.fingerprint("ingest", config=config, inputs={}, libraries=libraries)

    def compute(work: store.Workspace) -> None:
        with progress("synthetic cohort", options.patients, "patients") as advance:
            seen = 0

            def step(done: int, total: int) -> None:
                nonlocal seen
                del total
                advance(done - seen)
                seen = done

            generate(work.folder, options, workers=worker_count(0), progress=step)

    stage, _ = store.build("synthetic", print_, config=config, inputs={}, compute=compute)
    return stage.folder
