"""Batches, with what computes in this process: rows, their order, and what damage costs."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pandas as pd
import pytest

from components.core.bundle import Predictor
from components.serve.order import Bundle, Chunk
from components.serve.problems import Fault, FaultError, ProblemError
from components.serve.service import Service
from tests.bundles import csv_ecg, zipped_ecg
from tests.embedding_bundles import vectors
from tests.event_bundles import course
from tests.media_bundles import picture, sound
from tests.serve.batches import Shelf, asked, batch, packed, wfdb
from tests.serve.near import client, problem, service
from tests.serve.subjects import SUBJECTS

CSV = base64.b64decode(csv_ecg())
HEADER = "ecg_path,age,sex,ecg_fs,ecg_unit,ward\n"


def test_rows_are_answered_in_order_and_damage_costs_its_own_row(
    shelf: Shelf, tmp_path: Path
) -> None:
    one = shelf("ecg_fields")
    rows = [f"ecg.csv,{30 + i},F,250,mV,x" for i in range(70)]
    damage = {
        3: ("gone.csv,50,F,250,mV,x", "missing_file"),
        10: ("broken.csv,50,F,250,mV,x", None),
        20: ("ecg.csv,fifty,F,250,mV,x", "not_a_number"),
        33: ("/etc/passwd,50,F,250,mV,x", "path_outside_root"),
        34: ("../../../../etc/passwd,50,F,250,mV,x", "path_outside_root"),
        40: (",50,F,250,mV,x", "missing_value"),
        50: ("ecg.csv,50", "row_width"),
        51: ("ecg.csv,50,F,250,mV,x,more", "row_width"),
        60: ("empty.csv,50,F,250,mV,x", "empty_file"),
        69: ("deep/example.hea,50,F,,,x", ""),
    }
    for place, (row, _) in damage.items():
        rows[place] = row
    files = packed({"ecg.csv": CSV, "broken.csv": CSV[:20], "empty.csv": b"", **wfdb("deep/")})
    own = service(tmp_path, one)
    job, found = batch(own, HEADER + "\n".join(rows) + "\n", files)
    refused = sum(code != "" for _, code in damage.values())
    assert (job["rows"], job["done"], job["refused"], job["abstained"]) == (70, 70, refused, 0)
    assert job["per_second"] > 0
    assert job["seconds_left"] is None
    assert job["result"] == f"/predict/batch/{job['id']}/result"
    assert found is not None
    assert found["row"].tolist() == list(range(1, 71))
    bundle = Predictor(Path(one.bundle.folder))
    fixed = {"ecg_base64": csv_ecg(), "ecg_fs": 250, "ecg_unit": "mV", "sex": "F"}
    for place in range(70):
        answer = found.iloc[place]
        if place in damage and damage[place][1] != "":
            assert pd.isna(answer["probability"])
            assert answer["error"]
            assert damage[place][1] in (None, answer["code"]), place
            assert "etc" not in str(answer["error"])
            continue
        row = {"ecg_base64": zipped_ecg(), "age": 50, "sex": "F"}
        if place not in damage:
            row = {**fixed, "age": 30 + place}
        wanted = bundle.predict(pd.DataFrame([row]))[0]
        for name in ("probability", "lo", "hi", "logit", "quality"):
            assert answer[name] == pytest.approx(getattr(wanted, name), abs=1e-6)
    told = create_metrics(own)
    assert f'cardio_batch_rows_total{{outcome="refused"}} {float(refused)}' in told
    assert f'cardio_batch_rows_total{{outcome="answered"}} {70.0 - refused}' in told


def create_metrics(of: Service) -> str:
    async def asking(http: httpx2.AsyncClient) -> str:
        return (await http.get("/metrics")).text

    return asked(of, asking)


def test_notes_pages_sounds_vectors_and_courses_stand_in_cells(
    shelf: Shelf, tmp_path: Path
) -> None:

    own_vectors = {str(name): value for name, value in vectors(0).items()}
    tables: dict[str, tuple[dict[str, Any], bytes | None, dict[str, Any]]] = {
        "embeddings": (
            {name: json.dumps(value) for name, value in own_vectors.items()}, None, own_vectors,
        ),
        "events": (
            {"events": json.dumps(course(1)), "age": "61", "care_unit": "MICU"}, None,
            {"events": course(1), "age": 61, "care_unit": "MICU"},
        ),
        "media": (
            {"ecg_image": "a.png", "pcg_audio": "a.wav;b.wav", "age": "50", "sex": "M"},
            packed({"a.png": picture(), "a.wav": sound(0), "b.wav": sound(1)}),
            SUBJECTS["media"].asked(0).row,
        ),
        "heads": (
            {"ecg_path": "x.csv", "ecg_fs": "250", "ecg_unit": "mV", "age": "81.5", "sex": "M",
             "clinical_notes": "feels well"},
            packed({"x.csv": CSV}), SUBJECTS["heads"].asked(1).row,
        ),
    }  # fmt: skip
    for kind, (cells, files, row) in tables.items():
        one = shelf(kind)
        text = pd.DataFrame([cells]).to_csv(index=False)
        job, found = batch(service(tmp_path / kind, one), text, files)
        assert found is not None, job
        assert job["refused"] == 0, found["error"].tolist()
        wanted = Predictor(Path(one.bundle.folder)).predict(pd.DataFrame([row]))[0]
        assert found["logit"][0] == pytest.approx(wanted.logit, abs=1e-6), kind


@pytest.mark.parametrize("cell", ["[1, 2", "[1e400, NaN]", f"[{'9' * 400}]", "x", '{"a": 1}'])
def test_a_cell_that_is_no_vector_costs_its_row(shelf: Shelf, tmp_path: Path, cell: str) -> None:

    good = {str(name): json.dumps(value) for name, value in vectors(0).items()}
    bad = {**good, next(iter(good)): cell}
    text = pd.DataFrame([good, bad, good]).to_csv(index=False)
    job, found = batch(service(tmp_path, shelf("embeddings")), text)
    assert found is not None
    assert (job["done"], job["refused"]) == (3, 1)
    assert [bool(each) for each in found["error"].fillna("")] == [False, True, False]
    assert found["code"][1] in ("not_json", "not_finite", "wrong_type", "wrong_width")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "is empty; it needs a header line"),
        ("age\n1\n", r"lacks the column\(s\) sex"),
        ("age,sex\n", "the table has no rows"),
        ("age,sex\n" + "1,F\n" * 81, "the table has more than 80 rows; send 1 to 80"),
    ],
)
def test_a_table_that_cannot_be_answered_is_told_at_once(
    shelf: Shelf, tmp_path: Path, table: str, words: str
) -> None:
    own = service(tmp_path, shelf("fields"), batch_rows=80)
    told = client(own).post("/predict/batch", files={"table": ("t.csv", table.encode())})
    assert re.search(words, problem(told, 422, "unreadable-input")["detail"])
    assert not list(own.scratch.glob("batch-*"))


@pytest.mark.parametrize(
    ("table", "files", "words"),
    [
        ("age,sex\n1,F\n", b"no zip", "the zip archive cannot be read"),
        ("age,sex\n1,F\n", packed({"../x": b"1"}), "a name that leaves its folder"),
        ("age,sex\n1,F\n", packed({f"{i}": b"1" for i in range(641)}), "641 files, not 1 to 640"),
        ("age,sex\n1,F\n", packed({"a": bytes(4_000_000)}), "unpacks to 4,000,000 bytes"),
    ],
)  # fmt: skip
def test_a_batch_that_cannot_be_answered_fails_in_words(
    shelf: Shelf, tmp_path: Path, table: str, files: bytes | None, words: str
) -> None:
    own = service(tmp_path, shelf("fields"), batch_rows=80, batch_mb=0.4)
    job, found = batch(own, table, files)
    assert found is None
    assert job["status"] == "failed"
    assert re.search(words, job["detail"]), job["detail"]
    assert job["result"] is None
    (folder,) = own.scratch.glob("batch-*")
    assert {each.name for each in folder.iterdir()} <= {"result.csv"}


def fails_on(number: str) -> Callable[..., Any]:
    """Return a stand-in that meets an error as soon as a chunk holds a row."""

    def made(error: Exception) -> Callable[..., Any]:
        async def run(self: Any, function: Any, chunk: Any, *rest: object, **more: Any) -> Any:
            rows = chunk.rows if isinstance(chunk, Chunk) and not chunk.refused else []
            if any(row["age"] == number for row in rows):
                raise error
            return await self.really(function, chunk, *rest, **more)

        return run

    return made


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ProblemError("time-limit", "the answer took longer than 1 s and was stopped"),
         "the answer took longer than 1 s and was stopped"),
        (ProblemError("unreadable-input", "the process that read the input ended"),
         "the process that read the input ended"),
        (FaultError(Fault(kind="KeyError", place="x.py:1")),
         "the service failed (KeyError); its log says more"),
    ],
)  # fmt: skip
def test_a_row_that_ends_its_process_is_found_and_named(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    own = service(tmp_path, shelf("fields"))
    near: Any = type(own.processes)
    monkeypatch.setattr(near, "really", near.run, raising=False)
    monkeypatch.setattr(near, "run", fails_on("66")(error))
    rows = "".join(f"{i},F\n" for i in range(40, 80))
    job, found = batch(own, f"age,sex\n{rows}")
    assert found is not None, job
    assert (job["done"], job["refused"]) == (40, 1)
    assert found["row"].tolist() == list(range(1, 41))
    assert found["line"].tolist() == list(range(2, 42))
    (bad,) = found[found["error"].fillna("") != ""].itertuples()
    assert (bad.row, bad.error, bad.code) == (27, words, "not_answered")


def test_an_empty_line_shifts_no_answer(shelf: Shelf, tmp_path: Path) -> None:
    _, found = batch(service(tmp_path, shelf("fields")), "age,sex\n1,F\n\n\n2,M\n")
    assert found is not None
    assert found["row"].tolist() == [1, 2]
    assert found["line"].tolist() == [2, 5]


def test_a_model_that_cannot_be_asked_any_more_fails_the_batch(
    shelf: Shelf, tmp_path: Path
) -> None:
    gone = replace(shelf("fields"), bundle=Bundle(folder=str(tmp_path / "gone")))
    job, _ = batch(service(tmp_path / "scratch", gone), "age,sex\n1,F\n")
    assert job["status"] == "failed"
    assert job["detail"]
