"""What the planted truth says of the records that are explained: their pages and recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pandas as pd
import pyarrow.parquet as pq

from components.core.data.arrays import shard_folder
from components.core.data.media import MediaReader
from components.core.planted_truth import truth_summary, truth_table
from components.core.schemas import MANIFEST, ROW_PREFIX, SHARD_PREFIX, SITES_PREFIX
from components.core.store import Stage
from components.explain.planted_media.hearing import Heard
from components.explain.planted_media.paper import Paper
from components.explain.subject import Subject

_COLUMNS = ["recording_id", "image_px_per_mm", "image_rotation_deg", "pcg_sites", "pcg_s1_s",
            "pcg_s2_s", "nuisance"]  # fmt: skip
# Flags of leads of which the page shows a name and no trace, or a straight line.
_NO_TRACE = ("missing_lead:", "flat_lead:")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Of one record.

    Attributes:
        paper: how its page lies in the array; None without a picture.
        silent: leads without a trace on the page.
        heard: the recordings that its sound is made of; none without a sound.
    """

    paper: Paper | None
    silent: tuple[str, ...]
    heard: tuple[Heard, ...]


def planted(ingest: Stage) -> Mapping[str, Any] | None:
    """Return what was planted in pictures, sounds and fields as a whole; None where nothing was."""
    truth = truth_summary(ingest)
    return truth if truth is not None and "ecg_image" in truth and "pcg" in truth else None


def facts_of(subject: Subject, truth: Mapping[str, Any], ingest: Stage) -> list[Facts]:
    """Return the facts of a subject's records, in their order.

    Args:
        subject: a fold's records.
        truth: as of `planted`.
        ingest: whose files are read for how long the recordings are.
    """
    frame = subject.rows.frame
    ids = frame["sample_id"].astype(str).tolist()
    told = pd.read_parquet(truth_table(ingest), columns=_COLUMNS).set_index("recording_id")
    page = (float(truth["ecg_image"]["page_mm"][0]), float(truth["ecg_image"]["page_mm"][1]))
    lengths = _seconds(ingest, ids) if "pcg" in subject.inputs else {}
    found: list[Facts] = []
    for place, name in enumerate(ids):
        own = cast(pd.Series, told.loc[name])
        flags = str(own["nuisance"]).split(";")
        sites = frame[f"{SITES_PREFIX}pcg"].iloc[place] if lengths.get(name) else []
        found.append(
            Facts(
                paper=_paper(subject, own, page) if _has(subject, "ecg_image", place) else None,
                silent=tuple(f.partition(":")[2] for f in flags if f.startswith(_NO_TRACE)),
                heard=_heard(own, sites, lengths[name]) if _has(subject, "pcg", place) else (),
            )
        )
    return found


def _has(subject: Subject, name: str, place: int) -> bool:
    own = {each: subject.rows.arrays[each].there for each in subject.arrays}
    return name in own and bool(own[name][place])  # type: ignore[index]


def _paper(subject: Subject, own: pd.Series, page: tuple[float, float]) -> Paper:
    _, height, width = subject.rows.stats.arrays["ecg_image"].shape
    return Paper(
        page_mm=page,
        px_per_mm=float(own["image_px_per_mm"]),
        degrees=float(own["image_rotation_deg"]),
        shape=(height, width),
    )


def _heard(own: pd.Series, sites: Sequence[str], seconds: Mapping[str, float]) -> tuple[Heard, ...]:
    """Return the recordings in the order of the prepared array, which left out what was refused."""
    at = {str(site): place for place, site in enumerate(own["pcg_sites"])}
    return tuple(
        Heard(
            s1=tuple(float(t) for t in own["pcg_s1_s"][at[site]]),
            s2=tuple(float(t) for t in own["pcg_s2_s"][at[site]]),
            seconds=seconds[site],
        )
        for site in map(str, sites)
    )


def _seconds(ingest: Stage, ids: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return record → site → length of the recording in s, of records with a sound."""
    own = ["sample_id", *(f"{prefix}pcg" for prefix in (SHARD_PREFIX, ROW_PREFIX, SITES_PREFIX))]
    table = pq.read_table(ingest.folder / MANIFEST, columns=own).to_pandas()
    table = table[table["sample_id"].astype(str).isin(set(ids)) & table[own[1]].notna()]
    reader = MediaReader(shard_folder(ingest.folder, "pcg"))
    found: dict[str, dict[str, float]] = {}
    for name, shard, row, sites in table.itertuples(index=False, name=None):
        pieces = reader.pieces(int(shard), int(row))
        pairs = zip(map(str, sites), pieces, strict=True)
        found[str(name)] = {site: piece.values.size / piece.fs for site, piece in pairs}  # noqa: PD011 - an array
    reader.close()
    return found
