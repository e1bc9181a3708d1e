"""The notes of each record that were known at its moment of prediction, masked and joined."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from components.core.config.sections import NotesConfig
from components.core.errors import InputError
from components.core.progress import say
from components.core.schemas import NOTES, TEXT_PREFIX
from components.core.store import Stage, Workspace

COLUMN = f"{TEXT_PREFIX}note"
SEPARATOR = "\n\n"
# Notes read at a time: ten megabytes of discharge summaries of 10,000 characters.
_BATCH = 1000
_KEYS = ["patient_id", "sample_id", "time", "stored"]


def attach_notes(
    work: Workspace, source: Stage, frame: pd.DataFrame, config: NotesConfig
) -> pd.DataFrame:
    """Return the records with `text.note`: their notes from the oldest to the newest, or nothing.

    A note is known from the later of its two times on. It is taken if that is not after the moment
    of prediction (`index_time`, else `ecg_time`), not after the echo that gave the record its LVEF
    (`echo_time`), and not before `lookback_days`. Where the time of day of note or echo is not
    known, a note of the echo's calendar day counts as after it. A note dated by its day alone
    counts as after a moment of prediction of that day that has a time, and as at one that has
    none. An undated note inside a record's row is taken on trust.

    Args:
        work: receives counts and the facts `notes` and `notes_masked`.
        source: the ingest stage.
        frame: records, after pairing.
        config: masking, lookback.

    Raises:
        InputError: the source brought no notes.
    """
    file = source.folder / NOTES
    if not file.is_file():
        raise InputError(
            f"preprocess.modalities has 'text', but the source '{source.facts['source']}' brought "
            "no notes; name them in the source's options, or leave 'text' out"
        )
    pairs = _pairs(frame, pq.read_table(file, columns=_KEYS).to_pandas())
    pairs = pairs.assign(verdict=_verdicts(pairs, config))
    taken = pairs[pairs["verdict"].isin(["taken", "undated"])]
    texts, masked = _texts(file, set(taken["note"]), mask=config.mask)
    # Undated notes stand last: they are the row's own, as of now.
    ordered = taken.sort_values(["record", "known", "note"], na_position="last", kind="stable")
    joined = ordered.groupby("record")["note"].agg(
        lambda own: SEPARATOR.join(texts[number] for number in own)
    )
    found = frame.assign(**{COLUMN: joined.reindex(frame.index).astype("object")})
    _state(work, pairs, masked, int(found[COLUMN].isna().sum()), config)
    return found


def _pairs(frame: pd.DataFrame, notes: pd.DataFrame) -> pd.DataFrame:
    """Return every note beside every record that it may belong to."""
    columns = ["patient_id", "sample_id", "index_time", "ecg_time", "echo_time"]
    records = frame[columns].rename_axis("record").reset_index()
    notes = notes.rename_axis("note").reset_index()
    notes["known"] = notes[["time", "stored"]].max(axis=1)
    shared = notes[notes["sample_id"].isna()].drop(columns="sample_id")
    own = notes[notes["sample_id"].notna()].drop(columns="patient_id")
    return pd.concat(
        [
            records.merge(shared, on="patient_id").assign(own=False),
            records.merge(own, on="sample_id").assign(own=True),
        ],
        ignore_index=True,
    )


def _verdicts(pairs: pd.DataFrame, config: NotesConfig) -> pd.Series:
    """Return `taken`, `undated`, `after_echo`, `after_prediction`, `too_old` or `no_moment`."""
    known = pairs["known"]
    moment = pairs["index_time"].fillna(pairs["ecg_time"])
    verdict = pd.Series("taken", index=pairs.index, dtype="object")
    if config.lookback_days is not None:
        oldest = moment - pd.Timedelta(days=config.lookback_days)
        verdict = verdict.mask(known < oldest, "too_old")
    verdict = verdict.mask(_after_moment(known, moment), "after_prediction")
    verdict = verdict.mask(moment.isna() & ~pairs["own"].astype(bool), "no_moment")
    verdict = verdict.mask(_after_echo(known, pairs["echo_time"]), "after_echo")
    return verdict.mask(known.isna(), "undated")


def _after_moment(known: pd.Series, moment: pd.Series) -> pd.Series:
    day, other = known.dt.normalize(), moment.dt.normalize()
    by_day = (day > other) | (day.eq(other) & known.eq(day) & ~moment.eq(other))
    return (known > moment).where(~(known.eq(day) | moment.eq(other)), by_day)


def _after_echo(known: pd.Series, echo: pd.Series) -> pd.Series:
    day, other = known.dt.normalize(), echo.dt.normalize()
    return (known > echo).where(~(known.eq(day) | echo.eq(other)), day >= other)


def _texts(file: Path, wanted: set[int], *, mask: bool) -> tuple[dict[int, str], int]:
    """Return the texts of the wanted notes, and how many mentions were masked in them."""
    plain = ((number, text) for number, text in enumerate(_stream(file)) if number in wanted)
    if not mask:
        return dict(plain), 0
    from components.core.text.masking import mask_lvef

    found: dict[int, str] = {}
    masked = 0
    for number, text in plain:
        done = mask_lvef(text)
        found[number] = done.text
        masked += done.count
    return found, masked


def _stream(file: Path) -> Iterator[str]:
    for batch in pq.ParquetFile(file).iter_batches(batch_size=_BATCH, columns=["text"]):
        yield from batch.column(0).to_pylist()


def _state(
    work: Workspace, pairs: pd.DataFrame, masked: int, without: int, config: NotesConfig
) -> None:
    counts = pairs["verdict"].value_counts()
    names = ("taken", "undated", "after_echo", "after_prediction", "too_old", "no_moment")
    found = {f"notes_{name}": int(counts.get(name, 0)) for name in names}
    found["notes_taken"] += found["notes_undated"]
    found |= {"notes_masked_mentions": masked, "records_without_note": without}
    work.counts |= found
    work.facts["notes"] = found
    work.facts["notes_masked"] = config.mask
    say(
        f"notes: {found['notes_taken']} taken, {found['notes_after_echo']} written after the echo, "
        f"{found['notes_after_prediction']} after the moment of prediction; {masked} mentions of "
        f"the ejection fraction masked; {without} record(s) without a note"
    )
    if found["notes_undated"]:
        say(
            f"note: {found['notes_undated']} notes have no time; that they were written before the "
            "moment of prediction is taken on trust"
        )
