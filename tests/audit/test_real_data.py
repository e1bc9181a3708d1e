"""Real, openly published ECGs: true copies are found, different people are not taken for copies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from components.audit.checks import (
    imputed,
    length_of_stay,
    near_identical_images,
    near_identical_signals,
    near_identical_sounds,
    resampled,
)
from components.audit.finding import Audited
from components.core.config.sections import AuditConfig, LabelConfig
from components.core.data.tensors import write_tensors
from components.core.media.image import image_array
from components.core.media.sound import log_mel
from components.core.readers.audio import Sound, read_audio
from components.core.readers.image import read_image
from components.core.readers.rawfile import DiskFile
from components.core.store import Stage
from tests.audit import media_cohort
from tests.chain import LABEL, ingest_config, ingested, manifest_of
from tests.chain import audited as chain_audited
from tests.event_cohort import LABEL as ICU_LABEL
from tests.event_cohort import prepared_stays

pytestmark = pytest.mark.real_data
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
EIGHT = ("i", "ii", "v1", "v2", "v3", "v4", "v5", "v6")


@pytest.fixture(autouse=True)
def real_data() -> Path:
    if not DATA.is_dir():
        pytest.skip("the real sample data ../shared/data is absent")
    return DATA


def audited(folder: Path, counts: np.ndarray, fs: float) -> Audited:
    """Return recordings of as many patients, dealt to the parts in turn."""
    n = len(counts)
    (folder / "shards").mkdir()
    write_tensors(
        folder / "shards" / "00000.h5",
        ecg=counts,
        scale=np.ones(counts.shape[:2], np.float32),
        lead_mask=np.ptp(counts, axis=2) > 0,
        valid=np.tile(np.array([0, counts.shape[2]], np.int32), (n, 1)),
        moments=np.zeros((*counts.shape[:2], 3)),
        facts={"fs": fs},
    )
    number = np.arange(n)
    frame = pd.DataFrame(
        {
            "patient_id": number.astype(str), "row": number, "shard": 0, "shard_row": number,
            "part.given": np.array(["train", "test"])[number % 2],
        }
    )  # fmt: skip
    return of_frame(frame, folder, {"modalities": ["ecg"], "ecg": {"fs": fs}})


def of_frame(frame: pd.DataFrame, folder: Path, facts: dict[str, Any]) -> Audited:
    stage = Stage(
        folder=folder, component="preprocess", fingerprint="", config={}, inputs={}, facts=facts
    )
    label = LabelConfig.model_validate(LABEL)
    return Audited(stage=stage, manifest=frame, label=label, config=AuditConfig(), test_looks=0)


def wfdb_counts(folder: Path, pattern: str) -> np.ndarray:
    import wfdb

    found = []
    for header in sorted(folder.glob(pattern)):
        record: Any = wfdb.rdrecord(str(header.with_suffix("")))
        names = [name.lower() for name in record.sig_name]
        found.append(1000 * record.p_signal[:5000, [names.index(lead) for lead in EIGHT]].T)
    return np.rint(np.stack(found)).astype(np.int16)


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # wfdb, when it is first imported
def test_wfdb_records_and_the_copy_among_them(tmp_path: Path) -> None:
    folder = DATA / "wfdb_ecg" / "cinc2021"
    counts = wfdb_counts(folder, "*.hea")
    finding = near_identical_signals.check(audited(tmp_path, counts, 500))
    names = [header.stem for header in sorted(folder.glob("*.hea"))]
    found = [{names[p["row"]], names[p["of_row"]]} for p in finding.evidence["listed"]]
    assert found == [{"E07509", "E07510"}]  # published twice, sample for sample


def test_ptbxl_has_no_copies(tmp_path: Path) -> None:
    z = np.load(DATA / "ptbxl_subset" / "signals_8lead_250hz_float16.npy")
    counts = np.rint(1000 * z.astype(np.float32)).clip(-32767, 32767).astype(np.int16)
    finding = near_identical_signals.check(audited(tmp_path, counts, 250))
    assert finding.passed
    assert finding.evidence["compared"] == 1819
    assert max(finding.evidence["nearest"]) < 0.93


def test_unreadable_recordings_are_not_taken_for_copies(tmp_path: Path) -> None:
    with np.load(DATA / "cinc2011_quality" / "signals_12lead_500hz_int16.npz") as archive:
        counts = np.ascontiguousarray(archive["x"][:, [0, 1, 6, 7, 8, 9, 10, 11], :])
    finding = near_identical_signals.check(audited(tmp_path, counts, 500))
    assert finding.passed
    assert finding.evidence["too_short_or_without_beats"] == 4  # constant in every lead


def test_a_real_table_is_neither_resampled_nor_imputed(tmp_path: Path) -> None:
    path = DATA / "bc_cardiotox" / "BC_cardiotox_clinical_variables.csv"
    table = pd.read_csv(path, sep=";", decimal=",")
    number = np.arange(len(table))
    frame = table.drop(columns=["CTRCD", "time"]).add_prefix("tab.").assign(
        label=table["CTRCD"].astype("Int8"), patient_id=number.astype(str), row=number,
        **{"part.given": np.array(["train", "train", "val", "test"])[number % 4]},
    )  # fmt: skip
    assert resampled.check(of_frame(frame, tmp_path, {})).passed
    assert imputed.check(of_frame(frame, tmp_path, {})).passed


@pytest.fixture(scope="module")
def icu_stays(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    if not DATA.is_dir():
        pytest.skip("the real sample data ../shared/data is absent")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("data")))
        source = ingested(ingest_config("mimic_iv", DATA / "mimic_iv_demo", {"memory_gb": 1}))
        return prepared_stays(source)


def test_real_icu_stays_pass_every_check(icu_stays: Stage) -> None:
    stage = chain_audited(icu_stays, label=ICU_LABEL)
    assert stage.facts["refused"] == ""
    told = {row["check"]: row["sentence"] for row in stage.facts["findings"]}
    assert told["length_of_stay"].endswith(
        "the closest is 'the number of events' with a correlation of 0.46"
    )
    assert "times of 117 sequences are measured from the prediction" in told["time_to_final_event"]
    assert told["chart_time"] == "no event is said to be known only after the prediction"


@pytest.mark.parametrize(("end", "least"), [("stay_end_days", 0.99), ("admission_end_days", 0.9)])
def test_the_length_of_a_real_stay_is_found(icu_stays: Stage, end: str, least: float) -> None:
    frame = manifest_of(icu_stays)
    # As the tables tell them: days from admission to the unit, or to the hospital, to the end.
    before = 1.0 if end == "stay_end_days" else _days_before(icu_stays)
    found = length_of_stay.check(
        of_frame(frame.assign(**{"tab.x1": before + frame[end]}), icu_stays.folder, icu_stays.facts)
    )
    assert not found.passed
    assert found.evidence["correlation"]["x1"] > least
    assert [name for name, value in found.evidence["correlation"].items() if value >= 0.8] == ["x1"]


def _days_before(stage: Stage) -> pd.Series:
    """Return the days from admission to the hospital to the prediction."""
    table = DATA / "mimic_iv_demo"
    stays = pd.read_csv(table / "icu" / "icustays.csv.gz", parse_dates=["intime"])
    admitted = pd.read_csv(table / "hosp" / "admissions.csv.gz", parse_dates=["admittime"])
    both = stays.merge(admitted, on="hadm_id").set_index("stay_id")
    days = (both["intime"] - both["admittime"]) / pd.Timedelta(days=1) + 1
    return manifest_of(stage)["sample_id"].astype(int).map(days)


def test_published_pages_of_different_people_and_two_of_one(tmp_path: Path) -> None:
    folder = DATA / "ecg_images"
    files = [f for f in sorted(folder.iterdir()) if f.suffix in {".png", ".jpg", ".bmp"}]
    arrays: list[Any] = [
        image_array(read_image(DiskFile(f, DATA)), media_cohort.PAGE) for f in files
    ]
    names = [f.stem.removesuffix("_hr-0") for f in files]
    frame = media_cohort.patients(len(files))
    frame["part.holdout"] = ["test" if "PTB_XL" in name else "train" for name in names]
    found = near_identical_images.check(
        media_cohort.audited(tmp_path, frame, {"ecg_image": arrays})
    )
    pairs = [{names[p["row"] - 2], names[p["of_row"] - 2]} for p in found.evidence["listed"]]
    # The recording 00002, drawn plain and drawn again with handwriting on it.
    assert pairs == [{"DistortionData_HandwrittenText_00002", "PTB_XL_op_00002"}]


def test_circor_has_no_copies_and_a_planted_one_is_found(tmp_path: Path) -> None:
    sounds: dict[str, list[Sound]] = {}
    for file in sorted((DATA / "pcg" / "circor").glob("*.wav")):
        sounds.setdefault(file.stem.split("_")[0], []).append(read_audio(DiskFile(file, DATA)))
    arrays: list[Any] = [log_mel(each, media_cohort.SOUND) for each in sounds.values()]
    clean = media_cohort.audited(
        tmp_path / "clean", media_cohort.patients(len(arrays)), {"pcg": arrays}
    )
    found = near_identical_sounds.check(clean)
    assert found.passed
    assert (found.evidence["compared"], found.evidence["pairs_within_a_part"]) == (60, 0)
    first = next(iter(sounds.values()))
    later = [Sound(values=s.scaled()[2001:] / np.float32(3), fs=s.fs, lsb=1.0) for s in first]
    more = [*arrays, log_mel(later, media_cohort.SOUND)]
    frame = media_cohort.patients(len(more)).assign(**{"part.holdout": ["train"] * 60 + ["test"]})
    found = near_identical_sounds.check(media_cohort.audited(tmp_path / "b", frame, {"pcg": more}))
    assert [(p["row"], p["of_row"]) for p in found.evidence["listed"]] == [(2, 62)]
