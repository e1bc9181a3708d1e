"""The CirCor layout: folder and table say the same, twins are one patient, labels are declared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from components.core.errors import InputError
from components.ingest.records import Record, Reject
from components.ingest.sources import circor
from components.ingest.sources.circor import Options
from tests.chain import ingest_config, ingested, manifest_of, rejects_of
from tests.ingest.sources.circor_files import Visit, write_text, write_visits

VISITS = [
    Visit(id="50001", murmur="Present", outcome="Abnormal"),
    Visit(id="50002", murmur="Unknown", outcome="Abnormal", twin="50004.0"),
    Visit(id="50003", sites=("AV", "AV", "PV", "Phc"), age="nan", height=""),
    Visit(id="50004", sites=("MV",), twin="50009"),
    Visit(id="9001", twin="50009"),
]


def _records(path: Path, options: Options | None = None) -> list[Record]:
    found = list(circor.read(path, options or Options()))
    assert all(isinstance(item, Record) for item in found)
    return [item for item in found if isinstance(item, Record)]


def _told(record: Record) -> tuple[object, ...]:
    sounds = [(ref.site, ref.path.name) for ref in record.media.get("pcg", ())]
    return record.record_id, record.patient_id, record.label, record.tabular, sounds


def test_folder_and_table_say_the_same(tmp_path: Path) -> None:
    table = write_visits(tmp_path, VISITS)
    by_text, by_table = _records(tmp_path), _records(table)
    assert sorted(map(_told, by_text), key=str) == sorted(map(_told, by_table), key=str)
    first = next(r for r in by_table if r.record_id == "50001")
    assert first.tabular == {
        "age_group": "Child", "sex": "Female", "height": 98.0, "weight": 15.9, "pregnancy": "False",
    }  # fmt: skip
    third = next(r for r in by_table if r.record_id == "50003")
    assert (third.tabular["age_group"], third.tabular["height"]) == (None, None)
    assert [(s.site, s.path.name) for s in third.media["pcg"]] == [
        ("AV", "50003_AV_1.wav"), ("AV", "50003_AV_2.wav"), ("PV", "50003_PV.wav"),
        ("Phc", "50003_Phc.wav"),
    ]  # fmt: skip
    assert set(circor.features(table, Options())) == set(first.tabular)


def test_ids_are_joined_through_others_that_are_not_there(tmp_path: Path) -> None:
    records = _records(write_visits(tmp_path, VISITS, texts=False))
    patients = {r.record_id: r.patient_id for r in records}
    assert patients == {
        "50001": "50001", "50002": "9001", "50003": "50003", "50004": "9001", "9001": "9001",
    }  # fmt: skip
    assert all(r.media_patients == {"pcg": r.patient_id} for r in records)


def test_the_smallest_id_names_the_patient_whoever_comes_first(tmp_path: Path) -> None:
    visits = [Visit(id="50002", twin="9001"), Visit(id="50003", twin="50002")]
    for number, order in enumerate((visits, visits[::-1])):
        records = _records(write_visits(tmp_path / str(number), order, texts=False))
        assert {r.patient_id for r in records} == {"9001"}


def test_labels_as_declared_and_unknown_ones_counted(tmp_path: Path) -> None:
    path = write_visits(tmp_path, VISITS)
    assert [r.label for r in _records(path)] == [1, None, 0, 0, 0]
    by_outcome = _records(path, Options(label="outcome"))
    assert [r.label for r in by_outcome] == [1, 1, 0, 0, 0]
    assert circor.counts(path, Options()) == {"label_0": 3, "label_1": 1, "undetermined": 1}


def test_an_official_layout_has_the_sounds_in_a_folder_of_the_tables_name(tmp_path: Path) -> None:
    write_visits(tmp_path / "training_data", VISITS[:1], texts=False)
    table = (tmp_path / "training_data" / "training_data.csv").rename(
        tmp_path / "training_data.csv"
    )
    (record,) = _records(table)
    assert all(ref.path.is_file() for ref in record.media["pcg"])


def test_a_folder_without_texts_is_read_by_its_table(tmp_path: Path) -> None:
    write_visits(tmp_path, VISITS, texts=False)
    assert len(_records(tmp_path)) == 5


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "LICENSE.txt").write_text("free")
    with pytest.raises(InputError, match=r"neither text files of visits \(12345.txt\) nor"):
        list(circor.read(tmp_path, Options()))


def test_a_table_without_a_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Patient ID,Murmur\n1,Present\n")
    with pytest.raises(InputError, match="lacks the column"):
        list(circor.read(path, Options()))


@pytest.mark.parametrize(
    "content",
    [
        b"", b"50001\n", b"50001 x 4000\n", b"50001 2 4000\nAV a.hea a.wav\n", b"\xff\xfe\x00",
        b"50009 0 4000\n", b"50001 1 4000\nAV a.hea\n", b"50001 -1 4000\nAV a b c\n",
    ],
)  # fmt: skip
def test_a_text_file_that_is_no_visit_is_one_reject(tmp_path: Path, content: bytes) -> None:
    write_visits(tmp_path, VISITS[:2], table=False)
    (tmp_path / "50001.txt").write_bytes(content)
    found = list(circor.read(tmp_path, Options()))
    (reject,) = [item for item in found if isinstance(item, Reject)]
    assert (reject.code, reject.row, reject.file) == ("not_a_visit", 1, "50001.txt")
    assert len(found) == 2


def test_a_wrong_label_and_an_id_that_comes_twice_are_rejects(tmp_path: Path) -> None:
    wrong = Visit(id="50005", murmur="Maybe")
    path = write_visits(tmp_path, [*VISITS[:1], wrong, VISITS[0]], texts=False)
    found = [item for item in circor.read(path, Options()) if isinstance(item, Reject)]
    assert [(item.code, item.row) for item in found] == [("unknown_label", 3), ("duplicate_id", 4)]


def test_a_row_of_another_width_or_without_an_id_is_a_reject(tmp_path: Path) -> None:
    path = write_visits(tmp_path, [VISITS[0], replace(VISITS[2], id="")], texts=False)
    path.write_text(path.read_text() + "1,2,3\n")
    found = [item for item in circor.read(path, Options()) if isinstance(item, Reject)]
    assert [item.code for item in found] == ["missing_value", "row_width"]


def test_a_visit_goes_on_without_a_broken_site(tmp_path: Path, data_folder: Path) -> None:
    write_visits(tmp_path, VISITS)
    (tmp_path / "50003_PV.wav").write_bytes(b"")
    (tmp_path / "50004_MV.wav").unlink()
    stage = ingested(ingest_config("circor", tmp_path, max_reject_rate=0.5))
    found = rejects_of(stage)
    told = dict(zip(found["file"], found["code"], strict=True))
    assert told == {"50003_PV.wav": "empty_file", "50004_MV.wav": "missing_file"}
    frame = manifest_of(stage).set_index("sample_id")
    assert list(frame.loc["50003", "sites.pcg"]) == ["AV", "AV", "Phc"]
    assert frame["shard.pcg"].isna().tolist() == [False, False, False, True, False]
    assert stage.counts["undetermined"] == 1
    assert stage.facts["patients_known"]


def test_a_text_without_recordings_is_a_record_without_sounds(tmp_path: Path) -> None:
    write_text(tmp_path, Visit(id="50001", sites=()))
    (record,) = _records(tmp_path)
    assert not record.media
    assert not record.media_patients
