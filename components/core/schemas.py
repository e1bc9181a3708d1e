"""Every table and array that passes between components: path, columns, units, nullability, key.

The join key is `sample_id`, unique in every manifest. Columns of tabular features carry the prefix
`tab.`; a given or drawn assignment to train, validation and test carries `part.<fold>`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from components.core.errors import InputError

MANIFEST = "manifest.parquet"
REJECTS = "rejects.parquet"
MEASUREMENTS = "measurements.parquet"
NOTES = "notes.parquet"
SHARDS = "shards"
TABULAR_PREFIX = "tab."
PART_PREFIX = "part."
# Optional columns of a prepared manifest, which the audit reads where they are there:
TIME_PREFIX = "time."  # time.<feature>: when the feature became known, a timestamp
PATIENT_PREFIX = "patient."  # patient.<modality>: whose recording of that modality this is
TEXT_PREFIX = "text."  # text.<name>: a note
TARGET_PREFIX = "target."  # target.<name>: a truth beside the label, as the source gives it
# y.<head>: what a head learns from: 0 or 1, the place of a category, missing = not known. Survival
# heads learn from OUTCOME_COLUMNS; theirs is the binary view.
TRUTH_PREFIX = "y."
# Optional columns of a prepared manifest, per array modality (`core.data.arrays`); null = absent.
SHARD_PREFIX = "shard."  # shard.<modality>: number of its shard
ROW_PREFIX = "shard_row."  # shard_row.<modality>: row within it
HASH_PREFIX = "sha256."  # sha256.<modality>: of what was recorded, before any preparation
FILES_PREFIX = "files_sha256."  # files_sha256.<modality>: of each of its files
QUALITY_PREFIX = "quality."  # quality.<modality>: of an embedding, in [0, 1]; null = absent
EVENT_COUNT = "event_count"  # how many events a record's sequence has
# How many of them were, or are, orders of comfort care (`core.data.comfort_care`); for the audit.
COMFORT_CARE_COUNT = "comfort_care_count"
# Days from the prediction to the end of the stay in the unit, and to that of the hospital admission
# (discharge or death). For the audit alone: nobody knows them at the prediction.
STAY_ENDS = ("stay_end_days", "admission_end_days")
SITES_PREFIX = "sites."  # sites.<modality>: where each of its files was taken; "" = not told
# Folder of `<name>.npy` `[records, width]`, floats, one row per manifest row, NaN where absent.
EMBEDDINGS = "embeddings"
PARTS = ("train", "val", "test")
# What preprocess did to a recording or found in it, and the quality score in [0, 1].
FLAG_PREFIX = "flag_"
QUALITY = "quality"
# Columns of a hospital's manifest that name a file, relative to the manifest's folder.
PATH_COLUMNS = ("path", "path_xml", "ecg_file", "ecg_files")
# Of these, the ones whose cells may name several recordings of the row's patient, split at `;`.
LIST_COLUMNS = ("ecg_file", "ecg_files")
# A table with this column (CirCor's) speaks of recordings in its folder without naming the files.
FOLDER_COLUMN = "Recording locations:"
# The truth that an echo gives: as a target of the manifest, and among the measurements.
LVEF = "lvef"

# Times to event, competing death and last contact. Those of an endpoint beside the label's carry
# its name after a dot (`of_endpoint`).
TIMES = ("event_time_days", "death_days", "followup_days")
# Its times, as dates or in days from the index date.
MANIFEST_TIMES = (
    "index_time", "ecg_time", "echo_time", "intervention_time", "event_time_days", "followup_days",
    "death_days",
)  # fmt: skip

REJECT_FIELDS = ("file", "row", "field", "value", "code", "reason", "advice")
REJECT_SCHEMA = pa.schema(
    [
        pa.field("file", pa.string()),  # relative to the data root
        pa.field("row", pa.int64()),  # line of the manifest, the header being line 1; -1 unknown
        pa.field("field", pa.string()),
        pa.field("value", pa.string()),  # shortened
        pa.field("code", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("advice", pa.string()),
    ]
)

# What every manifest holds, beside the columns of its own stage.
SUBJECT_FIELDS = [
    pa.field("sample_id", pa.string(), nullable=False),
    pa.field("patient_id", pa.string(), nullable=False),
    pa.field("site", pa.string()),
    pa.field("row", pa.int64(), nullable=False),  # line of the source's manifest
    pa.field("index_time", pa.timestamp("ms")),  # start of therapy
    pa.field("ecg_time", pa.timestamp("ms")),
    pa.field("echo_time", pa.timestamp("ms")),  # of target.lvef
    pa.field("intervention_time", pa.timestamp("ms")),  # no echo is paired across it
    pa.field("period", pa.string()),  # anchor_year_group: years that shifted dates still tell
    pa.field("prevalent", pa.int8()),  # 1 = had the disease at the index date already
    pa.field("label", pa.int8()),  # 0, 1, null = undetermined
    pa.field("event_time_days", pa.float64()),  # from index_time; null = no event seen
    pa.field("followup_days", pa.float64()),
    pa.field("death_days", pa.float64()),  # competing event; null = alive at the last contact
    pa.field("given_split", pa.string()),  # train, val or test where the data bring it
]
# An ECG as ingest keeps it: native rate, leads and integers, ragged over `shards/NNNNN.h5`.
ECG_FIELDS = [
    pa.field("ecg_shard", pa.int32()),  # null = no ECG in this record
    pa.field("ecg_dtype", pa.string()),  # int16, float16 or float32: name of the data set
    pa.field("ecg_start", pa.int64()),  # first element of the flattened [leads, samples]
    pa.field("ecg_samples", pa.int64()),
    pa.field("ecg_fs", pa.float64()),  # Hz
    pa.field("ecg_unit", pa.string()),
    pa.field("ecg_leads", pa.list_(pa.string())),
    pa.field("ecg_lsb", pa.list_(pa.float64())),  # unit per count
    pa.field("ecg_offset", pa.list_(pa.float64())),  # unit at count 0
    pa.field("ecg_sha256", pa.string()),  # of the samples, gains and rate
]


def media_fields(modality: str) -> list[pa.Field]:
    """Return the columns of pictures or sounds as ingest keeps them (`core.data.media`).

    They are in the manifest where the source names files of that modality, `patient.<modality>`
    where it says of one at least whose recording it is.
    """
    return [
        pa.field(f"{SHARD_PREFIX}{modality}", pa.int32()),  # null = no such file in this record
        pa.field(f"{ROW_PREFIX}{modality}", pa.int32()),
        pa.field(f"{HASH_PREFIX}{modality}", pa.string()),
        pa.field(f"{FILES_PREFIX}{modality}", pa.list_(pa.string())),
        pa.field(f"{SITES_PREFIX}{modality}", pa.list_(pa.string())),
        pa.field(f"{PATIENT_PREFIX}{modality}", pa.string()),  # null = the source does not say
    ]


def embedding_fields(modality: str) -> list[pa.Field]:
    """Return the columns of an embedding as ingest keeps it (`core.data.stored_embeddings`)."""
    return [
        pa.field(f"{SHARD_PREFIX}{modality}", pa.int32()),  # null = this record lacks it
        pa.field(f"{ROW_PREFIX}{modality}", pa.int32()),
        pa.field(f"{HASH_PREFIX}{modality}", pa.string()),  # of all its vectors
        pa.field(f"{QUALITY_PREFIX}{modality}", pa.float32()),
    ]


def event_fields() -> list[pa.Field]:
    """Return the columns of an event sequence as ingest keeps it (`core.data.stored_events`)."""
    return [
        pa.field(f"{SHARD_PREFIX}events", pa.int32()),
        pa.field(f"{ROW_PREFIX}events", pa.int32()),
        pa.field(f"{HASH_PREFIX}events", pa.string()),
        pa.field(EVENT_COUNT, pa.int32()),
        *(pa.field(name, pa.float64()) for name in STAY_ENDS),  # null = not known
    ]


# Serial measurements and the unit that ingest converts them to.
MEASUREMENT_UNITS = {
    "lvef": "%",
    "gls": "%",  # global longitudinal strain, as a magnitude
    "troponin_t": "ng/L",
    "troponin_i": "ng/L",
    "nt_probnp": "pg/mL",
    "hf_symptoms": "grade",  # heart failure: 0 none, 1 mild, 2 moderate, 3 severe, 4 very severe
}
# One row per measurement; key `patient_id`, and exactly one of `time` and `day` is there.
MEASUREMENT_SCHEMA = pa.schema(
    [
        pa.field("patient_id", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),  # of MEASUREMENT_UNITS
        pa.field("time", pa.timestamp("ms")),
        pa.field("day", pa.float64()),  # from the patient's index date, negative before it
        pa.field("value", pa.float64(), nullable=False),
        pa.field("below", pa.bool_(), nullable=False),  # value is an upper limit ("<5")
        pa.field("row", pa.int64(), nullable=False),  # line of the source's table
    ]
)
# One row per note; key `patient_id`, and `sample_id` where the note belongs to one record alone.
NOTE_SCHEMA = pa.schema(
    [
        pa.field("patient_id", pa.string(), nullable=False),
        pa.field("sample_id", pa.string()),
        pa.field("time", pa.timestamp("ms")),  # what the note is about; null = not dated
        pa.field("stored", pa.timestamp("ms")),  # when it could be read; null = at `time`
        pa.field("text", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),  # line of the source's table
    ]
)
# What preprocess adds to a record whose follow-up is known; null where it is not.
OUTCOME_COLUMNS = ("time_days", "event_code")  # code: 0 censored, 1 event, 2 competing death
GRADE_COLUMN = "ctrcd_grade"  # worst by the horizon; only where the label was derived
SUBJECT_COLUMNS = [f.name for f in SUBJECT_FIELDS]


def of_endpoint(column: str, endpoint: str) -> str:
    """Return the column of an endpoint; the label's own endpoint is "".

    >>> of_endpoint("time_days", "recurrence"), of_endpoint("time_days", "")
    ('time_days.recurrence', 'time_days')
    """
    return f"{column}.{endpoint}" if endpoint else column


def is_outcome(column: str) -> bool:
    """Return whether a column is a time or code of an outcome, of whatever endpoint."""
    return column.partition(".")[0] in OUTCOME_COLUMNS


def file_names(column: str, cell: str | None) -> list[str]:
    """Return the files that a cell of a path column names; none where it is empty.

    >>> file_names("ecg_files", "a.hea; b.hea"), file_names("path", "a;b.csv")
    (['a.hea', 'b.hea'], ['a;b.csv'])
    """
    parts = (cell or "").split(";") if column in LIST_COLUMNS else [cell or ""]
    return [name for part in parts if (name := part.strip())]


def require_columns(frame: pd.DataFrame, columns: Sequence[str], where: str) -> None:
    """Raise InputError naming the columns that `frame` lacks."""
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise InputError(
            f"{where} lacks the column(s) {', '.join(missing)}; it has {', '.join(frame.columns)}"
        )


def tabular_columns(frame: pd.DataFrame) -> list[str]:
    """Return the names of the tabular features, without their prefix."""
    return [c.removeprefix(TABULAR_PREFIX) for c in frame.columns if c.startswith(TABULAR_PREFIX)]


def columns_under(frame: pd.DataFrame, prefix: str) -> list[str]:
    """Return the names of the columns that begin with `prefix`, without it."""
    return [c.removeprefix(prefix) for c in frame.columns if c.startswith(prefix)]


def fold_names(frame: pd.DataFrame) -> list[str]:
    """Return the names of the folds a manifest assigns its records in."""
    return [c.removeprefix(PART_PREFIX) for c in frame.columns if c.startswith(PART_PREFIX)]


def patient_labels(frame: pd.DataFrame) -> pd.Series:
    """Return per patient the label: positive if any recording is, null if none is known."""
    return frame.groupby("patient_id", sort=True)["label"].max()


def codes(values: pd.Series) -> npt.NDArray[np.int64]:
    """Return `values` as group numbers from 0 in order of appearance."""
    return np.asarray(pd.factorize(values)[0], dtype=np.int64)
