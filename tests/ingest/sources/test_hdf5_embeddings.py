"""Embeddings in HDF5 files as declared; what they are not is one clear sentence."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from components.core.config.base import validate
from components.core.embedding_files.ids import CollidingIdsError, IdRule
from components.core.errors import ConfigError, InputError
from components.core.patient_key import PatientKey
from components.ingest.pseudonyms import Pseudonyms
from components.ingest.records import EmbeddingRef, Endpoint, Record, Reject
from components.ingest.sources import hdf5_embeddings as origin
from components.ingest.sources.survival import WIDE
from tests.chain import write_table
from tests.embedding_cohort import write_modality

IDS = ["p0", "p1", "p2", "p3"]
VALUES = np.arange(12, dtype=np.float32).reshape(4, 3)


def _table(folder: Path, ids: list[str] | None = None, **more: object) -> Path:
    rows = [{"patient_id": each, "y": i % 2, **more} for i, each in enumerate(ids or IDS)]
    return write_table(folder / "outcomes.csv", rows)


def _read(path: Path, **options: Any) -> list[Record | Reject]:
    plain = {"files": {"clinical": "c.h5"}, "label": "y"} | options
    return list(origin.read(path, validate(origin.Options, plain, "here")))


def _refs(items: list[Record | Reject]) -> dict[str, dict[str, EmbeddingRef]]:
    found: dict[str, dict[str, EmbeddingRef]] = {}
    for item in items:
        assert isinstance(item, Record)
        own: dict[str, EmbeddingRef] = {}
        for name, each in item.embeddings.items():
            assert isinstance(each, EmbeddingRef)
            own[name] = each
        found[item.patient_id] = own
    return found


@pytest.mark.parametrize(
    "ids", [IDS, [b"p0", b"p1", b"p2", b"p3"], np.array(IDS, "S4"), [7, 8, 9, 10]]
)
def test_ids_are_texts_bytes_or_integers(tmp_path: Path, ids: Any) -> None:
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["patient_ids"], file["embeddings"] = ids, VALUES
    plain = [each.decode() if isinstance(each, bytes) else str(each) for each in list(ids)]
    found = _refs(_read(_table(tmp_path, plain)))
    assert {name: own["emb_clinical"].rows for name, own in found.items()} == {
        name: (row,) for row, name in enumerate(plain)
    }


def test_the_folder_is_as_good_as_its_table(tmp_path: Path) -> None:
    write_modality(tmp_path / "c.h5", IDS, VALUES)
    table = _table(tmp_path)
    assert _read(tmp_path) == _read(table)
    with pytest.raises(InputError, match=r"other.csv' does not exist"):
        _read(tmp_path, outcomes="other.csv")


def test_patches_qualities_and_columns(tmp_path: Path) -> None:
    ids = ["p1", "p0", "p1", "p1", "p2"]
    write_modality(
        tmp_path / "s.h5", ids, np.ones((5, 2), np.float16), np.array([1, 0.25, 0.5, 0, 1])
    )
    with h5py.File(tmp_path / "s.h5", "r+") as file:
        file["names"] = ["a", "b"]
    files = {"spatial": {"file": "s.h5", "patches": True, "quality": "quality", "columns": "names"}}
    items = _read(_table(tmp_path, ["p0", "p1", "p2"]), files=files)
    assert _refs(items)["p1"]["emb_spatial"] == EmbeddingRef(
        path=tmp_path / "s.h5", dataset="embeddings", rows=(0, 2, 3), quality=0.5,
        columns=("a", "b"),
    )  # fmt: skip
    files["spatial"]["patches"] = False
    with pytest.raises(
        InputError, match=r"1 ids of 's.h5' stand in several rows; declare 'patches"
    ):
        _read(_table(tmp_path), files=files)


def test_groups_hold_a_patient_each(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["slides/p0/embeddings"] = np.ones((2, 3), np.float32)
        file["slides/p0"].attrs["q"] = 0.5
        file["slides/p1/embeddings"] = np.ones(3, np.float32)
        file["slides/p1/q"] = 0.25
        file["slides/p2"] = np.ones((1, 3), np.float32)
        file["slides/p2"].attrs["q"] = 1.0
        file["slides/names"] = ["a", "b", "c"]
    own = {"file": "c.h5", "layout": "groups", "ids": "slides", "quality": "q", "patches": True,
           "columns": "slides/names"}  # fmt: skip
    items = _read(_table(tmp_path, ["p0", "p1", "p2"]), files={"clinical": own})
    refs = {name: each["emb_clinical"] for name, each in _refs(items).items()}
    told = {name: (each.dataset, each.rows, each.quality) for name, each in refs.items()}
    assert told == {
        "p0": ("/slides/p0/embeddings", (0, 1), 0.5),
        "p1": ("/slides/p1/embeddings", (0,), 0.25),
        "p2": ("/slides/p2", (0,), 1.0),
    }
    assert refs["p0"].columns == ("a", "b", "c")
    with pytest.raises(InputError, match=r"1 patients of 'c.h5' have several vectors; declare"):
        _read(_table(tmp_path), files={"clinical": own | {"patches": False}})


def test_qualities_out_of_range_do_not_cancel_out(tmp_path: Path) -> None:
    write_modality(tmp_path / "r.h5", ["p0", "p0", "p1"], VALUES[:3], np.array([2.0, 0.0, 0.5]))
    with h5py.File(tmp_path / "g.h5", "w") as file:
        for name, quality in (("p0", [-1.0, 1.0]), ("p1", [0.5, 0.5])):
            file[f"patient_ids/{name}/embeddings"] = VALUES[:2]
            file[f"patient_ids/{name}/quality"] = quality
    own = {"patches": True, "quality": "quality"}
    files = {
        "clinical": {"file": "r.h5", **own},
        "spatial": {"file": "g.h5", "layout": "groups", **own},
    }
    refs = _refs(_read(_table(tmp_path, ["p0", "p1"]), files=files))
    assert {name: each.quality for name, each in refs["p0"].items()} == {
        "emb_clinical": 2.0,
        "emb_spatial": -1.0,
    }
    assert [each.quality for each in refs["p1"].values()] == [0.5, 0.5]


def test_zeros_that_may_mean_censored_are_refused_per_endpoint(tmp_path: Path) -> None:
    write_modality(tmp_path / "c.h5", IDS, VALUES)
    table = _table(tmp_path, **dict.fromkeys(WIDE, 0))
    asked = {"": {"outcome": {"wide": True}}, "y": {"endpoints": {"relapse": {"wide": True}}}}
    for label, more in asked.items():
        with pytest.raises(InputError, match=r"has 16 zeros in .*'censored before then'"):
            _read(table, label=label, **more)


def test_an_event_after_death_is_refused_of_the_label_too(tmp_path: Path) -> None:
    write_modality(tmp_path / "c.h5", IDS, VALUES)
    table = _table(tmp_path, r=2000, f=2000, d=50)
    outcome = {"event_time_days": "r", "followup_days": "f", "death_days": "d"}
    items = _read(table, label="", outcome=outcome)
    assert {item.code for item in items if isinstance(item, Reject)} == {"event_after_death"}
    assert len(items) == len(IDS)


def test_decoration_is_stripped_as_declared(tmp_path: Path) -> None:
    write_modality(tmp_path / "c.h5", ["P-007_v1", "P-012_v1"], VALUES[:2])
    write_modality(tmp_path / "t.h5", ["12", "07"], VALUES[:2])
    files = {"clinical": {"file": "c.h5", "id_pattern": r"P-(\d+)_v1"}, "temporal": "t.h5"}
    items = _read(_table(tmp_path, ["7", "0012"]), files=files, strip_zeros=True)
    assert {name: set(own) for name, own in _refs(items).items()} == {
        "7": {"emb_clinical", "emb_temporal"},
        "12": {"emb_clinical", "emb_temporal"},
    }
    assert IdRule(strip_zeros=True).of("000") == "0"
    with pytest.raises(
        InputError, match=r"2 of 2 ids in 't.h5' are empty or do not match id_pattern"
    ):
        _read(_table(tmp_path), files={"temporal": "t.h5"}, id_pattern="P-(.*)")


def test_ids_that_become_one_patient_are_listed(tmp_path: Path) -> None:
    write_modality(tmp_path / "c.h5", ["001", "1", "p2", "Miller, J. 01"], VALUES)
    with pytest.raises(
        InputError, match=r'1 ids in .c.h5. come .*: "001" and "1"; correct'
    ) as told:
        _read(_table(tmp_path), strip_zeros=True)
    withheld = told.value
    assert isinstance(withheld, CollidingIdsError)
    assert '"001"' not in str(withheld.withheld())
    assert str(pickle.loads(pickle.dumps(withheld))) == str(withheld)  # noqa: S301 - our own
    own = {"clinical": {"file": "c.h5", "id_pattern": r"(?:Miller, J. |00|p)?(\d+)",
                        "strip_zeros": True}}  # fmt: skip
    with pytest.raises(InputError, match='"001" and "text of 13 characters"'):
        _read(_table(tmp_path), files=own)


def test_ids_of_the_table_may_not_become_one_either(tmp_path: Path) -> None:
    write_modality(tmp_path / "c.h5", IDS, VALUES)
    with pytest.raises(InputError, match=r'ids in .outcomes.csv. come .*"01" and "1"'):
        _read(_table(tmp_path, ["p0", "01", "1"]), strip_zeros=True)


def test_files_without_a_common_patient_are_refused(tmp_path: Path) -> None:
    write_modality(tmp_path / "c.h5", IDS, VALUES)
    write_modality(tmp_path / "t.h5", ["x1", "x2"], VALUES[:2])
    both = {"clinical": "c.h5", "temporal": "t.h5"}
    with pytest.raises(InputError, match=r"'c.h5' \(4 patients\) and 't.h5' \(2\) have no patient"):
        _read(_table(tmp_path), files=both)
    with pytest.raises(InputError, match=r"'c.h5' \(4 patients\) and 'outcomes.csv' \(2\) have no"):
        _read(_table(tmp_path, ["y1", "y2"]))


def test_rows_that_cannot_be_used_are_rejects(tmp_path: Path) -> None:
    write_modality(tmp_path / "c.h5", ["1", "2", "9"], VALUES[:3])
    table = write_table(tmp_path / "outcomes.csv", [
        {"patient_id": p, "y": y, "part": "train"}
        for p, y in [("1", 1), ("2", 0), ("3", 1), (None, 0), ("2", 0), ("x", 1)]
    ])  # fmt: skip
    items = _read(table, id_pattern=r"(\d+)", split="part")
    rejects = [item for item in items if isinstance(item, Reject)]
    assert [(r.row, r.code) for r in rejects] == [
        (4, "nothing_left"), (5, "missing_value"), (6, "duplicate_id"), (7, "id_unmatched"),
        (-1, "no_outcome"),
    ]  # fmt: skip
    assert (rejects[-1].file, rejects[-1].value) == ("c.h5", "9")
    keyed = list(Pseudonyms(PatientKey(b"k" * 40)).items(items))
    withheld = [item for item in keyed if isinstance(item, Reject)]
    assert {r.value for r in withheld} == {""}
    records = [item for item in items if isinstance(item, Record)]
    assert [(r.patient_id, r.label, r.given_split) for r in records] == [
        ("1", 1, "train"), ("2", 0, "train"),
    ]  # fmt: skip


def test_outcomes_are_those_of_each_endpoint(tmp_path: Path) -> None:
    write_modality(tmp_path / "c.h5", IDS, VALUES)
    own: dict[str, Any] = {"dead": 900, "last": 900, "back": 300, "time": 400, "code": 2}
    own |= {"site": "a", "start": "2020-01-02"}
    items = _read(
        _table(tmp_path, **own), label="", site="site", index_time="start",
        outcome={"event_time_days": "dead", "followup_days": "last"},
        endpoints={
            "recurrence": {
                "event_time_days": "back", "followup_days": "last", "death_days": "dead",
            },
            "relapse": {"time_days": "time", "event": "code"},
        },
    )  # fmt: skip
    (first, *_) = items
    assert isinstance(first, Record)
    assert (first.label, first.event_time_days, first.followup_days) == (None, 900, 900)
    assert first.death_days is None
    assert first.endpoints == {
        "recurrence": Endpoint(event_time_days=300, followup_days=900, death_days=900),
        "relapse": Endpoint(followup_days=400, death_days=400),
    }
    assert first.site == "a"
    assert first.index_time is not None
    assert first.index_time.year == 2020


def _rows(file: h5py.File, ids: Any = IDS, values: Any = VALUES, **more: Any) -> None:
    file["patient_ids"], file["embeddings"] = ids, values
    for name, each in more.items():
        file[name] = each


def _broken() -> dict[str, tuple[Any, dict[str, Any], str]]:
    """Return name → what to write, the file's own settings, and the sentence."""

    def link(file: h5py.File) -> None:
        file["patient_ids"] = IDS
        file["embeddings"] = h5py.ExternalLink("other.h5", "x")

    def virtual(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((4, 3), "f4")
        layout[:] = h5py.VirtualSource("other.h5", "x", (4, 3))
        file["patient_ids"] = IDS
        file.create_virtual_dataset("embeddings", layout)

    def many(file: h5py.File) -> None:
        file.create_dataset("patient_ids", (10**15,), "i8", chunks=(10,))
        file.create_dataset("embeddings", (10**15, 3), "f4", chunks=(10, 3))

    def groups(*values: Any) -> Any:
        def write(file: h5py.File) -> None:
            for name, each in zip(IDS, values, strict=False):
                file[f"patient_ids/{name}/embeddings"] = each

        return write

    def linked(file: h5py.File) -> None:
        file["patient_ids/p0"] = two
        file["patient_ids/p1"] = h5py.SoftLink("/nowhere")

    def virtual_quality(file: h5py.File) -> None:
        file["patient_ids/p0/embeddings"] = two
        layout = h5py.VirtualLayout((1,), "f4")
        layout[:] = h5py.VirtualSource("other.h5", "q", (1,))
        file.create_virtual_dataset("patient_ids/p0/q", layout)

    two, grouped = np.ones(2, np.float32), {"layout": "groups"}
    return {
        "no ids": (lambda f: f.update({"embeddings": VALUES}), {}, "has no data set 'patient_ids'"),
        "other name": (_rows, {"embeddings": "e"}, "'c.h5' has no data set 'e'; declare its name"),
        "inside": (_rows, {"embeddings": "embeddings/x"}, "has no data set 'embeddings/x'"),
        "lengths": (lambda f: _rows(f, IDS[:3]), {}, r"3 ids and embeddings of shape \(4, 3\)"),
        "one row": (lambda f: _rows(f, values=VALUES[0]), {}, r"4 ids and .* of shape \(3,\)"),
        "float ids": (lambda f: _rows(f, np.ones(4)), {}, "are float64 of shape"),
        "square ids": (lambda f: _rows(f, np.ones((4, 1), int)), {}, r"int64 of shape \(4, 1\)"),
        "bytes ids": (lambda f: _rows(f, np.array([b"\xff"] * 4)), {}, "texts are not UTF-8"),
        "empty ids": (lambda f: _rows(f, ["p0", " ", "p2", "p3"]), {}, "1 of 4 ids .* are empty;"),
        "integers": (lambda f: _rows(f, values=np.ones((4, 3), int)), {}, "does not hold floats"),
        "cube": (lambda f: _rows(f, values=np.ones((4, 3, 2))), {}, r"has the shape \(4, 3, 2\)"),
        "narrow": (lambda f: _rows(f, values=np.ones((4, 0))), {}, r"has the shape \(4, 0\)"),
        "link": (link, {}, "has no data set 'embeddings'"),
        "virtual": (virtual, {}, "'embeddings' of 'c.h5' lies in another file"),
        "many": (many, {}, "claims 1000000000000000 rows, which the file cannot hold"),
        "quality": (lambda f: _rows(f, q=np.ones(3)), {"quality": "q"}, "one number for each of 4"),
        "words": (lambda f: _rows(f, q=IDS), {"quality": "q"}, "quality 'q' of 'c.h5' is object"),
        "columns": (lambda f: _rows(f, n=["a"]), {"columns": "n"}, "one name for each of 3"),
        "no group": (_rows, {"layout": "groups"}, "has no group 'patient_ids' of patients"),
        "widths": (groups(two, two, np.ones(3, np.float32)), grouped,
                   "differ in width or type .2 in float32 of 2 patients, 3 in float32 of 1"),
        "types": (groups(two, two.astype(float)), grouped, "2 in float64 of 1 patients"),
        "no patch": (groups(np.ones((0, 2), np.float32)), grouped, "1 patients .* have no vector"),
        "no quality": (groups(two), grouped | {"quality": "q"}, "has no number 'q'"),
        "linked": (linked, grouped, "^a patient of 'c.h5' is a link or a type instead"),
        "virtual q": (virtual_quality, grouped | {"quality": "q"},
                      "^the quality of a patient of 'c.h5' lies in another file"),
        "other member": (groups(two), grouped | {"embeddings": "e"}, "has no data set 'e'"),
    }  # fmt: skip


@pytest.mark.parametrize("name", _broken())
def test_each_broken_file_is_one_sentence(tmp_path: Path, name: str) -> None:
    write, own, message = _broken()[name]
    with h5py.File(tmp_path / "c.h5", "w") as file:
        write(file)
    with pytest.raises(InputError, match=message):
        _read(_table(tmp_path), files={"clinical": {"file": "c.h5", **own}})


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    table = _table(tmp_path)
    with pytest.raises(InputError, match=r"'c.h5' does not exist beside the table"):
        _read(table)
    (tmp_path / "c.h5").write_text("a,b")
    with pytest.raises(InputError, match=r"'c.h5' is not an HDF5 file"):
        _read(table)
    write_modality(tmp_path.parent / "out.h5", IDS, VALUES)
    with pytest.raises(InputError, match=r"files.clinical names a file outside the folder"):
        _read(table, files={"clinical": "../out.h5"})


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    write_modality(tmp_path / "c.h5", [f"p{i}" for i in range(500)], np.ones((500, 3), np.float32))
    content = bytearray((tmp_path / "c.h5").read_bytes())
    heap = content.index(b"GCOL")  # where the texts lie
    content[heap : heap + 4] = b"xxxx"
    (tmp_path / "c.h5").write_bytes(content)
    with pytest.raises(InputError, match=r"'c.h5' is damaged \(\w+Error\); write it again"):
        _read(_table(tmp_path))


def test_a_file_written_anew_is_read_anew(tmp_path: Path) -> None:
    write_modality(tmp_path / "c.h5", IDS, VALUES)
    table = _table(tmp_path)
    assert len(_refs(_read(table))) == 4
    write_modality(tmp_path / "c.h5", IDS[:2], VALUES[:2])
    assert [type(item) for item in _read(table)] == [Record, Record, Reject, Reject]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": ""}, "name the column 'label', or the columns of times under 'outcome'"),
        ({"endpoints": {"recurrence": {}}}, "name the columns of the endpoint.s. recurrence"),
        ({"files": {}}, "files"),
        ({"files": {"clinic": "c.h5"}}, "clinic"),
        ({"files": ["c.h5"]}, "files"),
        ({"id_pattern": "("}, "id_pattern is no regular expression"),
        ({"id_pattern": "a"}, "id_pattern has 0 groups; put the patient's own part into one"),
        ({"files": {"clinical": {"file": "c.h5", "id_pattern": "(a)(b)"}}}, "has 2 groups"),
        ({"endpoints": {"Re currence": {"time_days": "t", "event": "e"}}}, "endpoints"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    plain = {"files": {"clinical": "c.h5"}, "label": "y"} | options
    with pytest.raises(ConfigError, match=message):
        validate(origin.Options, plain, "here")
