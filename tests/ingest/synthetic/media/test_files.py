"""The folder of pages and sounds: complete, reproducible, readable, its leaks as told."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import soundfile
from PIL import Image

from components.core.modalities import MODALITIES
from components.ingest.synthetic.columns import TABULAR
from components.ingest.synthetic.generate import generate
from components.ingest.synthetic.media.columns import COLUMNS, OWNERS
from components.ingest.synthetic.options import SyntheticOptions
from tests.ingest.synthetic.test_generate import digest, manifest_of


def options(**own: object) -> SyntheticOptions:
    return SyntheticOptions.model_validate({"media": True, **own})


def made(folder: Path, **own: object) -> pd.DataFrame:
    folder.mkdir(exist_ok=True)
    generate(folder, options(**own))
    return manifest_of(folder)


def truth_of(folder: Path) -> pd.DataFrame:
    return pq.read_table(folder / "truth.parquet").to_pandas()


def sounds(cell: str) -> list[str]:
    return [part.rpartition("=")[2] for part in cell.split(";") if part]


def hashes(folder: Path, manifest: pd.DataFrame) -> dict[str, str]:
    """Return patient → content of the first sound."""
    return {
        row.patient_id: hashlib.sha256((folder / sounds(row.pcg_audio)[0]).read_bytes()).hexdigest()
        for row in manifest.itertuples()
        if row.pcg_audio
    }


def test_bytes_do_not_depend_on_workers(clinic: Path, tmp_path: Path) -> None:
    generate(tmp_path, options(patients=60), workers=2)
    assert digest(tmp_path) == digest(clinic)


def test_patients_do_not_depend_on_the_size(clinic: Path, tmp_path: Path) -> None:
    manifest = made(tmp_path, patients=8)
    pd.testing.assert_frame_equal(manifest, manifest_of(clinic).iloc[:8])
    few, all_ = digest(tmp_path), digest(clinic)
    files = [name for name in few if name.startswith(("ecg_image", "pcg"))]
    assert len(files) > 10
    assert all(few[name] == all_[name] for name in files)


def test_a_finished_block_is_not_made_again(tmp_path: Path) -> None:
    class Killed(Exception):  # noqa: N818
        pass

    def kill(done: int, total: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        generate(tmp_path, options(patients=3), progress=kill)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.wav")}
    generate(tmp_path, options(patients=3))
    assert before
    assert {file: file.stat().st_mtime_ns for file in before} == before


def test_manifest_has_its_columns_and_files(clinic: Path) -> None:
    manifest = manifest_of(clinic)
    assert tuple(manifest.columns) == COLUMNS
    assert manifest.patient_id.is_unique
    assert len(manifest) == 60
    assert set(manifest.label) == {"0", "1"}
    assert 0.6 < (manifest.label == "1").mean() < 0.8
    named = [*manifest.ecg_image[manifest.ecg_image != ""]]
    named += [path for cell in manifest.pcg_audio for path in sounds(cell)]
    on_disk = {
        str(file.relative_to(clinic))
        for kind in ("ecg_image", "pcg")
        for file in (clinic / kind).rglob("*.*")
    }
    assert set(named) == on_disk
    assert not (clinic / "ecg").exists()
    several = manifest.pcg_audio[manifest.pcg_audio.str.contains(";")]
    assert 0.1 < len(several) / 60 < 0.35
    assert several.str.match(r"MV=pcg/\S+;(AV|PV|TV)=pcg/\S+").all()


def test_what_is_missing_is_as_told_and_never_everything(clinic: Path) -> None:
    manifest, truth = manifest_of(clinic), truth_of(clinic)
    assert (truth.has_ecg_image == (manifest.ecg_image != "")).all()
    assert (truth.has_pcg == (manifest.pcg_audio != "")).all()
    assert (truth.has_tabular == (manifest[list(TABULAR)] != "").any(axis=1)).all()
    has = truth[["has_tabular", "has_ecg_image", "has_pcg"]]
    assert has.any(axis=1).all()
    assert ((1 - has.mean()) > 0.01).all()
    assert ((1 - has.mean()) < 0.22).all()


def test_truth_agrees_with_the_manifest_and_names_all_subsets(clinic: Path) -> None:
    manifest, truth = manifest_of(clinic), truth_of(clinic)
    assert truth.recording_id.tolist() == manifest.recording_id.tolist()
    assert (truth.abnormal.astype(str) == manifest.label).all()
    columns = [name for name in truth if name.startswith("p_abnormal_")]
    assert len(columns) == 7
    assert ((truth[columns] > 0) & (truth[columns] < 1)).to_numpy().all()
    order = [name for name in MODALITIES if f"p_abnormal_{name}" in columns]
    assert f"p_abnormal_{'_'.join(order)}" == "p_abnormal_tabular_ecg_image_pcg"
    first = truth[truth.has_pcg].iloc[0]
    assert len(first.pcg_sites) == len(first.pcg_s1_s) == len(first.pcg_s2_s)
    assert all(
        0 < s2 - s1 < 0.6 for s1, s2 in zip(first.pcg_s1_s[0], first.pcg_s2_s[0], strict=True)
    )


def test_sites_keep_other_formats_and_sizes(clinic: Path) -> None:
    truth = truth_of(clinic)
    kinds = truth.groupby(truth.recording_id.str[0]).image_format.agg(lambda x: set(x.dropna()))
    assert kinds["A"] == {"PNG/RGB"}
    assert kinds["B"] == {"JPEG/RGB"}
    assert "JPEG/RGB" in kinds["C"]
    assert len(kinds["C"]) > 2
    assert truth.image_px_per_mm.nunique() == 3
    for row in manifest_of(clinic)[truth.broken == ""].itertuples():
        if row.ecg_image:
            told = truth.loc[row.Index]
            with Image.open(clinic / row.ecg_image) as picture:
                assert f"{picture.format}/{picture.mode}" == told.image_format
                assert picture.size[0] == round(280 * told.image_px_per_mm)


def test_sounds_last_ten_seconds_at_4_khz_in_16_bits(clinic: Path) -> None:
    truth = truth_of(clinic)
    for row in manifest_of(clinic)[truth.broken == ""].head(30).itertuples():
        for path in sounds(row.pcg_audio):
            facts = soundfile.info(clinic / path)
            assert (facts.samplerate, facts.frames, facts.channels) == (4000, 40_000, 1)
            assert facts.subtype == "PCM_16"


def test_broken_files_are_listed_and_broken(clinic: Path) -> None:
    manifest = manifest_of(clinic).set_index("recording_id")
    told = json.loads((clinic / "truth.json").read_text())
    kinds = {each["kind"]: manifest.loc[each["recording_id"]] for each in told["broken_files"]}
    assert set(kinds) == {"empty_sound", "truncated_image", "short_sound", "text_as_image"}
    empty = sounds(kinds["empty_sound"].pcg_audio)
    assert empty
    assert all((clinic / path).stat().st_size == 0 for path in empty)
    short = clinic / sounds(kinds["short_sound"].pcg_audio)[0]
    assert soundfile.info(short).duration == pytest.approx(0.2)
    with pytest.raises(OSError, match="truncated"):
        Image.open(clinic / kinds["truncated_image"].ecg_image).load()
    with pytest.raises(OSError, match="cannot identify"):
        Image.open(clinic / kinds["text_as_image"].ecg_image)


def test_a_clean_cohort_lacks_nothing_and_lies_straight(tmp_path: Path) -> None:
    manifest = made(tmp_path, patients=8, nuisance=False, broken_files=False)
    truth = truth_of(tmp_path)
    assert (manifest[list(TABULAR)] != "").to_numpy().all()
    assert (manifest[["ecg_image", "pcg_audio"]] != "").to_numpy().all()
    assert (truth.image_rotation_deg == 0).all()
    assert (truth.pcg_nuisance == "").all()


def test_the_same_patients_as_in_the_therapy_part(clinic: Path, small_cohort: Path) -> None:
    here = manifest_of(clinic).set_index("patient_id")
    there = manifest_of(small_cohort).drop_duplicates("patient_id").set_index("patient_id")
    known = here[(here[list(TABULAR)] != "").any(axis=1)]
    pd.testing.assert_frame_equal(
        known[list(TABULAR)], there.loc[known.index, list(TABULAR)], check_names=False
    )
    assert (here.index_time == there.ecg_time[here.index]).all()


def test_glued_rows_have_a_sound_of_another_patient_of_the_label(
    clinic: Path, tmp_path: Path
) -> None:
    clean, manifest = manifest_of(clinic), made(tmp_path, patients=60, leaks=["glued"])
    assert tuple(manifest.columns) == (*COLUMNS, *OWNERS)
    assert (manifest.ecg_image_patient_id == manifest.patient_id).all()
    moved = manifest[manifest.pcg_audio_patient_id != manifest.patient_id]
    broken = truth_of(clinic).broken != ""
    assert len(moved) == ((clean.pcg_audio != "") & ~broken).sum()
    by_patient = clean.set_index("patient_id")
    donors = by_patient.loc[moved.pcg_audio_patient_id]
    assert (donors.label.to_numpy() == moved.label.to_numpy()).all()
    assert (donors.pcg_audio.to_numpy() == moved.pcg_audio.to_numpy()).all()
    assert not moved.pcg_audio_patient_id.duplicated().any()
    # Nothing but the pairing differs from the clean twin.
    rest = [name for name in COLUMNS if name != "pcg_audio"]
    pd.testing.assert_frame_equal(manifest[rest], clean[rest])


def test_a_reused_recording_lies_under_several_ids_of_one_label(
    clinic: Path, tmp_path: Path
) -> None:
    manifest = made(tmp_path, patients=60, leaks=["reused_recording"])
    own, clean = hashes(tmp_path, manifest), hashes(clinic, manifest_of(clinic))
    # Empty files are alike in both.
    assert len(set(clean.values())) == len(clean)
    label = manifest.set_index("patient_id").label
    groups = pd.DataFrame({"sha": own, "label": label}).dropna().groupby("sha").label
    assert groups.agg(lambda own: len(set(own)) == 1).all()
    # Of eight sounds four are one.
    assert 0.4 < (groups.transform("size") > 1).mean() < 0.6
    assert groups.size().max() == 4
    sites = truth_of(tmp_path).nuisance.str.contains("sound_of:P")
    assert sites.sum() == len(own) - len(groups)
    assert all((tmp_path / path).is_file() for c in manifest.pcg_audio for path in sounds(c))


def test_near_copies_are_altered_and_lie_in_another_part(clinic: Path, tmp_path: Path) -> None:
    manifest = made(tmp_path, patients=60, leaks=["near_copy"])
    copies = manifest[manifest.recording_id.str.endswith("-c")]
    assert len(copies) == 1
    assert copies.patient_id.str.startswith("S").all()
    by_id = manifest.set_index("recording_id")
    truth = truth_of(tmp_path).set_index("recording_id")
    for name, copy in copies.set_index("recording_id").iterrows():
        first = by_id.loc[truth.duplicate_of[name]]
        assert first.split != copy.split
        assert (first.label, first.age) == (copy.label, copy.age)
        for mine, other in zip(sounds(first.pcg_audio), sounds(copy.pcg_audio), strict=True):
            a, b = soundfile.info(tmp_path / mine), soundfile.info(tmp_path / other)
            assert 0.87 < b.frames / a.frames < 0.99
        if copy.ecg_image:
            pages = [(tmp_path / each.ecg_image).read_bytes() for each in (first, copy)]
            assert pages[0] != pages[1]
    untouched = manifest[~manifest.recording_id.isin(copies.recording_id)]
    rest = untouched.drop(columns="split").reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, manifest_of(clinic))
