"""Label, time and event code of every record, given or derived, and what the cohort came to."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from components.core.config.sections import LabelConfig
from components.core.errors import InputError
from components.core.progress import say
from components.core.schemas import MEASUREMENTS
from components.core.store import Stage, Workspace
from components.preprocess import followup, labels
from components.preprocess.derived import derive_ctrcd
from components.preprocess.labels import Labelled


def derive_label(
    work: Workspace, source: Stage, frame: pd.DataFrame, config: LabelConfig
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Return the records that measurements could grade, and reject rows for the rest.

    Args:
        work: receives the counts.
        source: the ingest stage, with its measurements.
        frame: records of the manifest.
        config: definition, horizon.

    Raises:
        InputError: the source brought no measurements, or none that grade a record.
    """
    file = source.folder / MEASUREMENTS
    if not file.is_file():
        raise InputError(
            f"label.derive is '{config.derive}', but the source '{source.facts['source']}' brought "
            "no serial measurements; name their table in the source's option 'measurements'"
        )
    found = derive_ctrcd(frame, pq.read_table(file).to_pandas(), config)
    work.counts |= found.counts
    grades = ", ".join(
        f"{found.counts[name]:.0f} {name.removeprefix('grade_').replace('_', ' ')}"
        for name in found.counts
        if name.startswith("grade_")
    )
    say(f"ctrcd: {grades}; {len(found.rejects)} row(s) refused")
    return found.frame, found.rejects


def label_of(frame: pd.DataFrame, config: LabelConfig, *, partial: bool = False) -> pd.Series:
    """Return 0, 1 or missing per record, as `add_outcome` makes it, and write nothing.

    Raises:
        InputError: as `labels.derive`.
    """
    return (labels.derive_known if partial else labels.derive)(frame, config).label


def add_outcome(
    work: Workspace, frame: pd.DataFrame, config: LabelConfig, *, partial: bool = False
) -> tuple[pd.DataFrame, Labelled]:
    """Return the records with label, `censored`, `time_days` and `event_code`.

    With a horizon and follow-up times, `followup.json` is written and counted.

    Args:
        work: receives file, counts and facts.
        frame: records, the derived label among them.
        config: horizon and treatment of censoring.
        partial: records without times are kept without an outcome; other heads learn from them.

    Raises:
        InputError: as `labels.derive`, or a survival view without times.
    """
    labelled = (labels.derive_known if partial else labels.derive)(frame, config)
    if config.censoring == "survival" and not labelled.timed:
        raise InputError(
            "label.censoring is 'survival', but the data bring no event_time_days, death_days or "
            "followup_days; add them or choose another"
        )
    derived = "given_label" in frame
    given = frame.assign(label=frame["given_label"]) if derived else frame
    work.facts["timed"] = labelled.timed
    work.facts["labels_overridden"] = (
        labels.contradictions(given, labelled) if labelled.timed else 0
    )
    if derived:
        _compare(work, given, labelled.label)
    done = frame.assign(
        label=labelled.label,
        censored=labelled.censored,
        time_days=labelled.time,
        event_code=labelled.code.astype("Int8").mask(labelled.time.isna()),
    )
    timed = done[labelled.time.notna()]
    whole = len(timed) == len(done) or (partial and labelled.timed)
    if config.horizon_days is not None and whole:
        followup.write(work, followup.summarise(timed, config.horizon_days))
    return done, labelled


def _compare(work: Workspace, given: pd.DataFrame, label: pd.Series) -> None:
    """Count, and say, whose own label in the manifest is another than the derived one."""
    other = given["label"].astype("Int8").ne(label).fillna(value=False)
    patients = int(given.loc[other, "patient_id"].nunique())
    work.counts["labels_disagree"] = patients
    if patients:
        say(
            f"note: the label column of {patients} patient(s) disagrees with the label derived "
            "from their measurements; the derived one is used"
        )
