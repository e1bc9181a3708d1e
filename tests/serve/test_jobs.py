"""Batches, with what computes in this process: progress, order, damage, cancelling, forgetting."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import time
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pandas as pd
import pytest

from components.core.bundle import Predictor
from components.serve import batch_table, routes
from components.serve import jobs as jobs_file
from components.serve.app import create
from components.serve.batch_table import Table
from components.serve.calls import open_table
from components.serve.job import Job
from components.serve.order import Bundle, Chunk
from components.serve.problems import Fault, FaultError, ProblemError
from components.serve.service import Service
from components.serve.shelf import Served
from tests.bundles import csv_ecg, zipped_ecg
from tests.embedding_bundles import vectors
from tests.event_bundles import course
from tests.media_bundles import picture, sound
from tests.serve.near import ADDRESS, client, problem, service
from tests.serve.subjects import SUBJECTS

Shelf = Callable[[str], Served]
Asking = Callable[[httpx2.AsyncClient], Awaitable[Any]]


def asked(of: Service, asking: Asking) -> Any:
    """Return what one client hears, all of it in one loop, as a service has."""

    async def ask() -> Any:
        transport = httpx2.ASGITransport(app=create(of), raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS) as http:
            return await asking(http)

    return asyncio.run(ask())


async def ended(http: httpx2.AsyncClient, number: str) -> dict[str, Any]:
    """Return a batch once it has ended."""
    for _ in range(2000):
        job = (await http.get(f"/predict/batch/{number}")).json()
        if job["status"] not in ("queued", "running"):
            return job
        await asyncio.sleep(0.005)
    pytest.fail("the batch does not end")


def batch(of: Service, table: str, files: bytes | None = None) -> tuple[Any, pd.DataFrame | None]:
    """Return how a batch ended, and its result."""

    async def asking(http: httpx2.AsyncClient) -> Any:
        parts: dict[str, Any] = {"table": ("patients.csv", table.encode())}
        if files is not None:
            parts["files"] = ("files.zip", files)
        begun = await http.post("/predict/batch", files=parts)
        assert begun.status_code == 202, begun.text
        number = begun.json()["id"]
        assert begun.headers["location"] == f"/predict/batch/{number}"
        job = await ended(http, number)
        result = await http.get(f"/predict/batch/{number}/result")
        if job["status"] != "done":
            problem(result, 409, "not-ready")
            return job, None
        assert result.headers["content-type"].startswith("text/csv")
        left = {each.name for each in (of.scratch / f"batch-{number}").iterdir()}
        assert left == {"result.csv"}  # nothing of what was sent
        return job, pd.read_csv(io.StringIO(result.text), keep_default_na=False, na_values=[""])

    return asked(of, asking)


def packed(files: dict[str, bytes]) -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return found.getvalue()


def wfdb(folder: str = "") -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(zipped_ecg()))) as archive:
        return {f"{folder}{name}": archive.read(name) for name in archive.namelist()}


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


def test_an_unforeseen_end_leaves_no_place_taken(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device", "/secret/folder")

    own = service(tmp_path, shelf("fields"), batch_jobs=1)
    monkeypatch.setattr(batch_table, "opened", broken)
    told = client(own).post("/predict/batch", files={"table": ("t.csv", b"age,sex\n1,F\n")})
    assert "/secret" not in problem(told, 500, "fault")["detail"]
    monkeypatch.undo()
    monkeypatch.setattr(Table, "chunks", broken)
    job, _ = batch(own, "age,sex\n1,F\n")
    assert job["status"] == "failed"
    assert job["detail"] == "the service failed (OSError); its log says more"
    monkeypatch.undo()
    assert batch(own, "age,sex\n1,F\n")[0]["status"] == "done"


def test_an_upload_that_cannot_be_kept_leaves_no_place_taken(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    own = service(tmp_path, shelf("fields"), batch_jobs=1)
    parts = {"table": ("t.csv", b"age,sex\n1,F\n")}

    async def asking(http: httpx2.AsyncClient) -> Any:
        return await http.post("/predict/batch", files=parts)

    with monkeypatch.context() as patch:
        patch.setattr(routes, "_keep", full)
        for _ in range(3):
            problem(asked(own, asking), 500, "fault")
    assert list(own.scratch.glob("batch-*")) == []
    assert asked(own, asking).status_code == 202


def test_more_batches_than_may_be_are_turned_away_and_deleting_makes_room(
    shelf: Shelf, tmp_path: Path
) -> None:
    own = service(tmp_path, shelf("fields"), batch_jobs=2)
    near: Any = own.processes

    async def asking(http: httpx2.AsyncClient) -> None:
        held = asyncio.Event()

        really = near.run

        async def run(function: Any, *given: object, **more: Any) -> Any:
            if function is not open_table:
                await held.wait()
            return await really(function, *given, **more)

        near.run = run
        parts = {"table": ("t.csv", b"age,sex\n1,F\n"), "files": ("f.zip", packed({"a": b"1"}))}
        begun = [await http.post("/predict/batch", files=parts) for _ in range(3)]
        assert [each.status_code for each in begun] == [202, 202, 503]
        problem(begun[2], 503, "busy")
        assert begun[2].headers["retry-after"] == "10"
        number = begun[0].json()["id"]
        job: dict[str, Any] = {"status": "queued"}
        while job["status"] == "queued":
            await asyncio.sleep(0.01)
            job = (await http.get(f"/predict/batch/{number}")).json()
        assert (job["rows"], job["done"], job["seconds_left"]) == (1, 0, None)
        problem(await http.get(f"/predict/batch/{number}/result"), 409, "not-ready")
        assert (await http.delete(f"/predict/batch/{number}")).status_code == 204
        problem(await http.get(f"/predict/batch/{number}"), 404, "not-found")
        problem(await http.delete(f"/predict/batch/{number}"), 404, "not-found")
        assert len(list(own.scratch.glob("batch-*"))) == 1
        assert (await http.post("/predict/batch", files=parts)).status_code == 202
        own.close()
        await asyncio.sleep(0)

    asked(own, asking)
    assert not own.scratch.exists()


def test_a_batch_whose_sender_goes_away_as_it_begins_does_not_run(
    shelf: Shelf, tmp_path: Path
) -> None:
    own = service(tmp_path, shelf("fields"))
    near: Any = own.processes
    heard: list[str] = []
    held = asyncio.Event()

    async def run(*_: object, **__: object) -> None:
        heard.append("begun")
        await held.wait()

    near.run = run
    body = (
        b'--b\r\nContent-Disposition: form-data; name="table"; filename="t.csv"\r\n\r\n'
        b"age,sex\n1,F\n\r\n--b--\r\n"
    )
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "method": "POST", "path": "/predict/batch",
        "raw_path": b"/predict/batch", "query_string": b"", "http_version": "1.1",
        "scheme": "http", "headers": [
            (b"host", b"127.0.0.1"), (b"content-type", b"multipart/form-data; boundary=b"),
        ],
    }  # fmt: skip
    said = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        for message in said:
            return message
        while not heard:
            await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        heard.append(str(message.get("status", "")))

    asyncio.run(asyncio.wait_for(create(own)(scope, receive, send), 20))
    jobs: Any = own.jobs
    assert heard[:2] == ["begun", "499"]
    assert jobs._jobs == {}
    assert list(own.scratch.glob("batch-*")) == []


def test_results_are_forgotten_after_their_time_and_leftovers_with_them(
    shelf: Shelf, tmp_path: Path
) -> None:
    own = service(tmp_path, shelf("fields"), keep_minutes=0.0005)

    async def asking(http: httpx2.AsyncClient) -> None:
        begun = await http.post("/predict/batch", files={"table": ("t", b"age,sex\n1,F\n")})
        number = begun.json()["id"]
        job = await ended(http, number)
        assert 0 <= job["kept_seconds"] <= 0.03
        await asyncio.sleep(0.05)
        # What a process still wrote while a batch was deleted.
        (own.scratch / "batch-other" / "files").mkdir(parents=True)
        await own.jobs.purge()
        problem(await http.get(f"/predict/batch/{number}"), 404, "not-found")

    asked(own, asking)
    assert list(own.scratch.glob("batch-*")) == []


def test_who_forgets_a_batch_while_the_service_does_stops_neither(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = service(tmp_path, shelf("fields"), keep_minutes=1)
    one = shelf("fields")
    jobs: Any = own.jobs
    for _ in range(2):
        jobs.new(one).ended = time.monotonic() - 3600
    deleted: list[Path] = []

    def delete(folder: Path) -> None:
        deleted.append(folder)
        jobs._jobs.clear()  # as a DELETE does that comes meanwhile

    monkeypatch.setattr(jobs_file, "delete", delete)
    asyncio.run(jobs.purge())
    assert len(deleted) >= 1


def test_a_batch_keeps_the_version_that_it_began_with(shelf: Shelf, tmp_path: Path) -> None:
    own = service(tmp_path, shelf("fields"))
    one = own.shelf.served["fields"]
    seen: list[int] = []
    near: Any = own.processes
    shelf_of: Any = own.shelf
    really = near.run

    async def run(*given: Any, **more: Any) -> Any:
        seen.append(shelf_of._users[one.folder])
        return await really(*given, **more)

    near.run = run
    batch(own, "age,sex\n1,F\n")
    assert seen == [1, 1]  # the table; its row
    assert shelf_of._users[one.folder] == 0


def test_the_rate_and_the_time_left_are_of_the_rows(shelf: Shelf, tmp_path: Path) -> None:
    job = Job(id="x", served=shelf("fields"), folder=tmp_path, status="running", rows=100, done=25)
    job.started = time.monotonic() - 5
    told = job.told(60)
    assert told["per_second"] == pytest.approx(5, rel=0.05)
    assert told["seconds_left"] == pytest.approx(15, rel=0.05)
    assert told["kept_seconds"] is None
    job.ended = time.monotonic()
    assert job.told(60)["kept_seconds"] == pytest.approx(60, abs=1)
