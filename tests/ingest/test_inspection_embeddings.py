"""What HDF5 files hold is told, the declaration proposed, and no id repeated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from components.core.modalities import EMBEDDED
from components.ingest.cli import main
from components.ingest.inspection import show
from components.ingest.inspection.look import inspect
from components.ingest.inspection.members import id_shape
from components.ingest.records import Record
from components.ingest.sources import hdf5_embeddings
from components.ingest.synthetic.generate import generate
from components.ingest.synthetic.options import SyntheticOptions
from tests.chain import ingest_config, ingested, write_table
from tests.embedding_cohort import OPTIONS, WIDTHS, write_embedding_cohort

NOBODY = {"outcome": {"event_time_days": "death_days", "followup_days": "followup_days"}}


def test_the_proposed_declaration_reads_the_files(tmp_path: Path) -> None:
    table = write_embedding_cohort(tmp_path, patients=20)
    found = inspect(ingest_config("hdf5_embeddings", tmp_path))
    assert any("files" in problem for problem in found.problems)
    proposed = yaml.safe_load(found.declaration)
    assert set(proposed["files"]) == set(WIDTHS)
    assert proposed["files"]["spatial"] == {
        "file": "spatial.h5", "ids": "patient_ids", "embeddings": "embeddings",
        "quality": "quality", "patches": True,
    }  # fmt: skip
    options = hdf5_embeddings.Options.model_validate({**proposed, **NOBODY})
    declared = hdf5_embeddings.Options.model_validate({**OPTIONS, "endpoints": {}, "site": ""})
    plain = [[item for item in hdf5_embeddings.read(table, each) if isinstance(item, Record)]
             for each in (options, declared)]  # fmt: skip
    assert plain[0] == plain[1]
    assert len(plain[0]) == 20


def test_the_synthetic_files_are_ingested_as_proposed(data_folder: Path, tmp_path: Path) -> None:
    assert not data_folder.exists()
    folder = tmp_path / "hospital"
    folder.mkdir()
    generate(folder, SyntheticOptions(part="embeddings", patients=40, broken_files=False))
    there = pd.read_parquet(folder / "truth.parquet")[[f"has_{name}" for name in EMBEDDED]]
    proposed = yaml.safe_load(inspect(ingest_config("hdf5_embeddings", folder)).declaration)
    assert proposed["files"]["pathological"]["quality"] == "quality"
    stage = ingested(
        ingest_config("hdf5_embeddings", folder / "outcomes.csv", {**proposed, **NOBODY})
    )
    counts = {name: stage.counts[f"records_with_{name}"] for name in EMBEDDED}
    assert counts == {name: there[f"has_{name}"].sum() for name in EMBEDDED}
    assert stage.counts["records"] == there.any(axis=1).sum()


def test_data_sets_are_listed_with_the_shape_of_ids(tmp_path: Path) -> None:
    write_embedding_cohort(tmp_path, patients=20)
    found = inspect(ingest_config("hdf5_embeddings", tmp_path, OPTIONS))
    spatial = {each.name: each for each in found.embeddings if each.file == "spatial.h5"}
    assert spatial["patient_ids"].ids == {"1 letter, 3 digits": spatial["patient_ids"].shape[0]}
    assert spatial["patient_ids"].repeated
    assert spatial["embeddings"].shape[1] == WIDTHS["spatial"]
    assert spatial["embeddings"].kind == "float32"
    assert found.records == 20
    assert found.media["clinical embedding"] == 20
    assert {each.name: each.use for each in found.columns}["death_days"].startswith("outcome.")
    assert found.problems == ()


def _groups(folder: Path) -> None:
    with h5py.File(folder / "spatial.h5", "w") as file:
        for i in range(3):  # few, and patients all the same
            file[f"slides/miller{i:02d}/features"] = np.ones((4, 8), np.float16)
    with h5py.File(folder / "clinical.h5", "w") as file:
        for i in range(15):
            file[f"miller{i:02d}"] = np.ones(8, np.float32)
    with h5py.File(folder / "notes_clinical.h5", "w") as file:
        file["patient_ids"], file["x"] = np.arange(3), np.ones((3, 2))
        file["columns"] = ["a", "b"]
        file["quality"] = h5py.ExternalLink("other.h5", "x")
    with h5py.File(folder / "semantic.h5", "w") as file:
        file["vectors"] = np.ones((3, 2))
        for part in ("train", "test"):  # not patients
            file[f"{part}/ids"], file[f"{part}/y"] = np.arange(4), np.ones(4)
    (folder / "temporal.h5").write_text("no HDF5")
    write_table(folder / "outcomes.csv", [{"patient_id": "miller01", "y": 1}])


def test_many_members_are_told_together(tmp_path: Path) -> None:
    _groups(tmp_path)
    found = inspect(ingest_config("hdf5_embeddings", tmp_path))
    assert yaml.safe_load(found.declaration)["files"] == {
        "clinical": {"file": "clinical.h5", "layout": "groups", "ids": ""},
        "spatial": {"file": "spatial.h5", "layout": "groups", "ids": "slides",
                    "embeddings": "features", "patches": True},
    }  # fmt: skip
    told = "\n".join(found.problems)
    assert "'temporal.h5' is not an HDF5 file" in told
    assert "'semantic.h5' holds no data set of ids as long as one of float vectors" in told
    assert "'notes_clinical.h5' does not say which modality" in told
    assert "'columns': 'columns'" in told
    assert "train/ids" in {each.name for each in found.embeddings}
    kinds = {each.kind for each in found.embeddings if each.name == "quality"}
    assert kinds == {"link to elsewhere"}


def test_a_file_per_patient_is_not_listed(tmp_path: Path) -> None:
    for i in range(13):
        (tmp_path / f"miller{i}.h5").write_bytes(b"")
    found = inspect(ingest_config("hdf5_embeddings", tmp_path))
    assert "the folder holds 13 HDF5 files where one per modality" in "".join(found.problems)
    assert "miller" not in found.model_dump_json()


def _names(kind: str, count: int) -> list[str]:
    words = ["miller", "Östlund", "van_dyk", "smith", "okafor", "lindqvist", "abadi", "nakamura",
             "novak", "fischer", "santos", "petrov"]  # fmt: skip
    each = {
        "words": words,
        "digits": [f"{7000 + i}" for i in range(12)],
        "mixed": [f"{word}-{7000 + i}" for i, word in enumerate(words)],
    }
    return each[kind][:count]


def _vectors_of(names: list[str], file: h5py.File) -> None:
    for name in names:
        file[name] = np.ones(8, np.float32)


def _patches_under_a_group(names: list[str], file: h5py.File) -> None:
    for i, name in enumerate(names):  # one is without a quality
        file[f"patient_ids/{name}/embeddings"] = np.ones((12, 8), np.float16)
        if i:
            file[f"patient_ids/{name}/quality"] = 0.5


def _beside_a_list(names: list[str], file: h5py.File) -> None:
    file["patient_ids"], file["columns"] = names, [f"c{i}" for i in range(8)]
    for name in names:  # as many patches as patients
        file[name] = np.ones((len(names), 8), np.float32)


def _of_unlike_kinds(names: list[str], file: h5py.File) -> None:
    for i, name in enumerate(names):
        if i % 3 == 0:
            file[f"{name}/embeddings"] = np.ones(8, np.float32)
        elif i % 3 == 1:
            file[name] = np.ones((4, 8), np.float32)
        else:
            file[name] = h5py.SoftLink("/elsewhere")


def _below_an_undocumented_group(names: list[str], file: h5py.File) -> None:
    for name in names:
        file[f"leeds/{name}/{name}"] = np.ones(8, np.float32)


GROUPED = (_vectors_of, _patches_under_a_group, _beside_a_list, _of_unlike_kinds,
           _below_an_undocumented_group)  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 3, 12])
@pytest.mark.parametrize("kind", ["words", "digits", "mixed"])
@pytest.mark.parametrize("write", GROUPED)
def test_no_member_that_may_be_a_patient_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Any, kind: str, count: int
) -> None:
    folder, run = tmp_path / "given", tmp_path / "run"
    folder.mkdir()
    run.mkdir()
    monkeypatch.chdir(run)
    names = _names(kind, count)
    with h5py.File(folder / "spatial.h5", "w") as file:
        write(names, file)
    write_table(
        folder / "outcomes.csv",
        [{"patient_id": each, "death_days": 1, "followup_days": 9} for each in names],
    )
    declared = {"layout": "groups", "ids": "", "files": {"spatial": "spatial.h5"}, **NOBODY}
    asked = ["--inspect", "--source", "hdf5_embeddings", "--path", str(folder)]
    told = f"ingest.options.hdf5_embeddings={json.dumps(declared, separators=(',', ':'))}"
    for more in ([], ["--json"], ["--set", told], ["--show-names", "--json"]):
        result = CliRunner().invoke(main, [*asked, *more])
        assert result.exit_code == 0, result.output
        assert "spatial.h5" in result.output
        assert [name for name in names if name in result.output] == []
    assert list(run.rglob("*")) == []


def test_documented_names_stay_named_and_declare_the_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "spatial.h5", "w") as file:
        _patches_under_a_group(["miller", "smith"], file)
        file["columns"] = [f"c{i}" for i in range(8)]
    with h5py.File(tmp_path / "clinical.h5", "w") as file:
        _below_an_undocumented_group(["miller"], file)
    with h5py.File(tmp_path / "semantic.h5", "w") as file:  # beside a list of different patients
        file["patient_ids"], file["vec_v2"] = ["miller", "smith"], np.ones((2, 8), np.float32)
    with h5py.File(tmp_path / "temporal.h5", "w") as file:  # parts of a cohort, not patients
        for part in ("leeds", "york"):
            file[f"{part}/ids"], file[f"{part}/embeddings"] = [1, 2], np.ones((2, 8), np.float32)
    found = inspect(ingest_config("hdf5_embeddings", tmp_path))
    assert yaml.safe_load(found.declaration)["files"] == {
        "semantic": {"file": "semantic.h5", "ids": "patient_ids", "embeddings": "vec_v2"},
        "spatial": {"file": "spatial.h5", "layout": "groups", "ids": "patient_ids",
                    "embeddings": "embeddings", "columns": "columns", "patches": True},
    }  # fmt: skip
    names = {each.name for each in found.embeddings if each.file == "spatial.h5"}
    assert names == {"columns", "patient_ids/(2 members)/embeddings"}
    told = "\n".join(found.problems)
    for file in ("clinical", "temporal"):
        assert f"'{file}.h5' holds no data set of ids" in told
    assert "declare names that are not shown, since they may be patients'" in told


ONES = np.ones((3, 4), np.float32)
IDS = ["a1", "a2", "a3"]
ROWS = {"ids": "patient_ids", "embeddings": "embeddings"}
OWN_NAMES: list[tuple[dict[str, Any], dict[str, Any] | None]] = [
    ({"patient_ids": IDS, "embeddings": ONES, "Mueller": ONES}, ROWS),
    ({"patient_ids": IDS, "embeddings": ONES, "Mueller": np.ones((3, 9))}, ROWS),
    ({"columns": ["a", "b", "c"], "vectors": np.ones((3, 3)), "patient_ids": IDS},
     {"ids": "patient_ids", "embeddings": "vectors", "columns": "columns"}),
    ({"patient_ids": IDS, "embeddings/spatial": ONES, "Mueller": ONES},
     {"ids": "patient_ids", "embeddings": "embeddings/spatial"}),
    ({"patient_ids": IDS, "Mueller": ONES, "Hans": np.ones((5, 4))}, None),
    ({"patient_ids": IDS, "Mueller": np.ones((5, 4))}, None),
    ({"patient_ids": ["Mueller"], "Hans": h5py.SoftLink("/x"), "embeddings": ONES[:1]}, ROWS),
    ({"patient_ids": ["Mueller"], "Hans": h5py.SoftLink("/x"), "Mueller": ONES[:1]}, None),
    ({"patient_ids": ["7", "7", "7"], "Mueller": ONES}, None),
    ({"tile_names": IDS, "Mueller": ONES}, None),
    ({"ids": IDS, "Mueller": ONES}, None),
    ({"Mueller/feat": ONES[:2], "Mueller/tile": IDS[:2], "Mueller/Hans": np.ones(2)}, None),
    ({"Mueller/patient_ids": IDS, "Mueller/Hans": ONES}, None),
    ({"Mueller/quality": np.ones(9), "Mueller/embeddings": np.ones(2)},
     {"layout": "groups", "ids": "", "embeddings": "embeddings"}),
    ({"Mueller/Hans": np.ones(2), "Mueller/vectors": np.ones(2)},
     {"layout": "groups", "ids": "", "embeddings": "vectors"}),
]  # fmt: skip


@pytest.mark.parametrize(("members", "declared"), OWN_NAMES)
def test_no_own_name_among_documented_ones_is_told_or_proposed(
    tmp_path: Path, members: dict[str, Any], declared: dict[str, Any] | None
) -> None:
    with h5py.File(tmp_path / "spatial.h5", "w") as file:
        for name, own in members.items():
            file[name] = own
    write_table(tmp_path / "outcomes.csv", [{"patient_id": "a1", "y": 1}])
    found = inspect(ingest_config("hdf5_embeddings", tmp_path))
    told = found.model_dump_json()
    assert [name for name in ("Mueller", "Hans", "feat", "tile") if name in told] == []
    if declared is None:
        assert found.declaration == ""
        assert "declare names that are not shown" in told
    else:
        own = yaml.safe_load(found.declaration)["files"]["spatial"]
        assert own == {"file": "spatial.h5", **declared}


def test_a_matrix_is_told_rather_than_another_number_of_a_patient(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "spatial.h5", "w") as file:
        file["Mueller/feat"], file["Mueller/Hans"] = ONES, np.ones(2)
        file["Mueller/values"] = np.ones(9)
    (line,) = inspect(ingest_config("hdf5_embeddings", tmp_path)).embeddings
    assert (line.name, line.shape) == ("(1 member)/(1 member)", (3, 4))


def test_ids_that_collide_are_not_shown(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "spatial.h5", "w") as file:
        _vectors_of(["007", "7"], file)
    write_table(
        tmp_path / "outcomes.csv", [{"patient_id": "7", "death_days": 1, "followup_days": 9}]
    )
    options = {"layout": "groups", "ids": "", "files": {"spatial": "spatial.h5"},
               "strip_zeros": True, **NOBODY}  # fmt: skip
    found = inspect(ingest_config("hdf5_embeddings", tmp_path, options))
    assert any("come to the patient of another id" in problem for problem in found.problems)
    assert '"007"' not in found.model_dump_json()
    assert "007" not in "".join(found.problems)


@pytest.mark.parametrize("as_json", [False, True])
def test_no_id_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    _groups(tmp_path)
    found = inspect(ingest_config("hdf5_embeddings", tmp_path))
    if as_json:
        printed = found.model_dump_json()
    else:
        show.show(found)
        printed = capsys.readouterr().out
        assert "slides/(3 members)/features" in printed
        assert "to declare under ingest.options.hdf5_embeddings" in printed
    assert "miller" not in printed
    assert "6 letters, 2 digits" in printed


def test_the_command_says_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_embedding_cohort(tmp_path, patients=12)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(
        main, ["--inspect", "--source", "hdf5_embeddings", "--path", str(tmp_path)]
    )
    assert result.exit_code == 0, result.output
    assert "patches: true" in result.output


def test_shapes_of_ids() -> None:
    assert id_shape("") == "empty"
    assert id_shape("é_12 ") == "1 letter, 1 mark, 2 digits, 1 mark"
