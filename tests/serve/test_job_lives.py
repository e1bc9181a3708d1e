"""How batches begin, end and are forgotten, with what computes in this process."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from components.serve import batch_table, routes
from components.serve import jobs as jobs_file
from components.serve.batch_table import Table
from components.serve.calls import open_table
from components.serve.job import Job
from tests.serve.batches import Shelf, asked, batch, ended, packed
from tests.serve.near import client, left, problem, service


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
    left(own, "/predict/batch", body, heard)
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
