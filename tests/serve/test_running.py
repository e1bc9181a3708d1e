"""The service as people start it: versions switched under load, damage, stops, batches, the end."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pandas as pd
import psutil
import pytest

from components.core.bundle import Predictor
from tests.bundles import csv_ecg, zipped_ecg
from tests.serve.near import problem
from tests.serve.started import NAME, Started, Store, start, until

ECG = base64.b64decode(zipped_ecg())
CLIENTS = 8
SETTINGS = "seconds=4 poll_seconds=0.15 waiting=12 batch_jobs=2 batch_rows=2000 keep_minutes=0.03"


@pytest.fixture(scope="module")
def running(store: Store) -> Iterator[Started]:
    found = start(store, "--model", f"{NAME},gone", "--workers", "2", settings=SETTINGS)
    yield found
    if found.process.poll() is None:
        found.stop()


@pytest.fixture
def http(running: Started) -> Iterator[httpx2.Client]:
    with running.client() as client:
        yield client


def ask(http: httpx2.Client, age: float, ecg: bytes = ECG) -> httpx2.Response:
    fields = json.dumps({"age": age, "sex": "F"})
    return http.post(
        "/predict", data={"model": NAME, "fields": fields}, files={"ecg": ("x.zip", ecg)}
    )


def wanted(store: Store, ages: range) -> dict[str, list[float]]:
    rows = pd.DataFrame([{"ecg_base64": zipped_ecg(), "age": age, "sex": "F"} for age in ages])
    return {
        number: [each.logit for each in Predictor(folder).predict(rows)]
        for number, folder in store.bundles.items()
    }


def version(http: httpx2.Client) -> str:
    return http.get("/health").json()["models"][NAME]


def test_an_alias_that_moves_under_load_fails_nobody(
    store: Store, running: Started, http: httpx2.Client
) -> None:
    ages, stop = range(40, 48), threading.Event()
    right = wanted(store, ages)
    assert abs(right["1"][0] - right["2"][0]) > 1e-3
    wrong: list[str] = []
    heard: list[str] = []

    def client(number: int) -> None:
        with running.client() as own:
            while not stop.is_set():
                answer = ask(own, ages[number])
                if answer.status_code != 200:
                    wrong.append(answer.text)
                    continue
                found = answer.json()
                heard.append(found["version"])
                if abs(found["logit"] - right[found["version"]][number]) > 1e-6:
                    wrong.append(f"{found['version']} of {number}: {found['logit']}")

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(client, number) for number in range(CLIENTS)]
        try:
            for number in "212121":
                store.point(number)
                until(lambda number=number: version(http) == number)
                told = len(heard)
                until(lambda told=told: len(heard) > told + 2 * CLIENTS)
        finally:
            stop.set()
        for each in clients:
            each.result()
    assert wrong == []
    assert {"1", "2"} == set(heard)
    assert sum(one != other for one, other in pairwise(heard)) >= 6


def test_a_damaged_version_does_not_take_the_place_of_a_whole_one(
    store: Store, http: httpx2.Client
) -> None:
    before = version(http)
    store.point("3")
    until(lambda: NAME in http.get("/health").json()["troubles"])
    health = http.get("/health").json()
    assert (health["status"], health["models"]) == ("degraded", {NAME: before})
    assert health["troubles"][NAME] == "see `detail` in /models"
    answer = ask(http, 61)
    assert answer.json()["version"] == before
    model = http.get("/models").json()["models"][0]
    assert model["ready"]
    assert "has changed since it was written" in model["detail"]
    store.point("1")
    until(lambda: NAME not in http.get("/health").json()["troubles"])


def test_a_request_over_the_time_limit_is_stopped_and_the_service_goes_on(
    running: Started, http: httpx2.Client
) -> None:
    fields = json.dumps({"ecg_fs": 250, "ecg_unit": "mV"})
    parts = {"model": NAME, "fields": fields}

    def lasting(minutes: int) -> httpx2.Response:
        recording = base64.b64decode(csv_ecg(60 * minutes))
        return http.post("/predict", data=parts, files={"ecg": ("x.csv", recording)})

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(lasting, 30)  # long enough to be caught at work
        until(lambda: http.get("/health").json()["under_way"] == 1)
        time.sleep(0.2)
        held = running.workers()
        for each in held:
            each.suspend()
        answer = asked.result()
    for each in held:
        if each.is_running():
            each.resume()
    told = problem(answer, 503, "time-limit")
    assert told["detail"] == "the answer took longer than 4 s and was stopped"
    assert ask(http, 61).status_code == 200
    until(lambda: len(running.workers()) == 2)
    assert lasting(5).status_code == 200


def test_a_killed_process_costs_one_request_at_most(running: Started, http: httpx2.Client) -> None:
    until(lambda: len(running.workers()) == 2)
    workers = running.workers()
    with ThreadPoolExecutor(CLIENTS) as pool:
        asked = [pool.submit(ask, http, 61) for _ in range(24 // 2)]
        workers[0].kill()
        answers = [each.result() for each in asked]
    bad = [each for each in answers if each.status_code != 200]
    assert len(bad) <= 1
    for each in bad:
        assert problem(each, 422, "unreadable-input")["code"] == "process_ended"
    for each in running.workers():  # all of them, with nothing to do
        each.kill()
    time.sleep(0.3)
    with ThreadPoolExecutor(CLIENTS) as pool:
        again = list(pool.map(lambda _: ask(http, 61).status_code, range(CLIENTS)))
    assert again == [200] * CLIENTS
    assert len(running.workers()) == 2


def test_a_full_queue_turns_away_with_a_time_to_come_again(
    running: Started, http: httpx2.Client
) -> None:
    held = running.workers()
    for each in held:
        each.suspend()
    try:
        with ThreadPoolExecutor(20) as pool:
            asked = [pool.submit(ask, http, 61) for _ in range(20)]
            until(lambda: sum(each.done() for each in asked) >= 6)
            turned = [each.result() for each in asked if each.done()]
            for each in held:
                each.resume()
            answers = [each.result() for each in asked]
    finally:
        for each in held:
            if each.is_running():
                each.resume()
    for each in turned:
        assert problem(each, 503, "busy")
        assert each.headers["retry-after"] == "1"
    assert len(turned) == 6
    assert sum(each.status_code == 200 for each in answers) == 14
    assert http.get("/health").json()["under_way"] == 0


def table(rows: int) -> str:
    lines = [f"x.csv,{20 + i % 70},F,250,mV" for i in range(rows)]
    return "ecg_path,age,sex,ecg_fs,ecg_unit\n" + "\n".join(lines) + "\n"


def files() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", base64.b64decode(csv_ecg()))
        archive.writestr("broken.csv", b"no ECG")
    return packed.getvalue()


def begin(http: httpx2.Client, text: str) -> str:
    parts = {"table": ("t.csv", text.encode()), "files": ("f.zip", files())}
    answer = http.post("/predict/batch", data={"model": NAME}, files=parts)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def batches(running: Started) -> list[Path]:
    return list(running.scratch.glob("cardio-serve-*/batch-*"))


def test_a_batch_is_answered_beside_single_requests_and_forgotten(
    store: Store, running: Started, http: httpx2.Client
) -> None:
    lines = table(150).splitlines()
    lines[101] = "broken.csv,50,F,250,mV"
    lines[102] = "gone.csv,50,F,250,mV"
    number = begin(http, "\n".join(lines) + "\n")
    heard: list[dict[str, Any]] = []

    def done() -> bool:
        heard.append(http.get(f"/predict/batch/{number}").json())
        assert ask(http, 61).status_code == 200
        return heard[-1]["status"] == "done"

    until(done, seconds=60)
    counts = [each["done"] for each in heard]
    assert counts == sorted(counts)
    last = heard[-1]
    assert (last["rows"], last["done"], last["refused"]) == (150, 150, 2)
    (folder,) = batches(running)
    assert [each.name for each in folder.iterdir()] == ["result.csv"]
    result = http.get(f"/predict/batch/{number}/result")
    found = pd.read_csv(io.StringIO(result.text))
    assert found["row"].tolist() == list(range(1, 151))
    assert found[found["error"].notna()]["row"].tolist() == [101, 102]
    rows = [{"ecg_base64": csv_ecg(), "ecg_fs": 250, "ecg_unit": "mV", "age": 20 + i, "sex": "F"}
            for i in (0, 69)]  # fmt: skip
    right = Predictor(store.bundles[last["version"]]).predict(pd.DataFrame(rows))
    assert found["logit"][0] == pytest.approx(right[0].logit, abs=1e-6)
    assert found["logit"][139] == pytest.approx(right[1].logit, abs=1e-6)
    until(lambda: http.get(f"/predict/batch/{number}").status_code == 404)
    problem(http.get(f"/predict/batch/{number}/result"), 404, "not-found")
    until(lambda: batches(running) == [])


def test_a_batch_that_is_cancelled_leaves_nothing(running: Started, http: httpx2.Client) -> None:
    number = begin(http, table(2000))
    until(lambda: http.get(f"/predict/batch/{number}").json()["status"] == "running")
    until(lambda: http.get(f"/predict/batch/{number}").json()["done"] > 0)
    assert len(batches(running)) == 1
    assert http.delete(f"/predict/batch/{number}").status_code == 204
    problem(http.get(f"/predict/batch/{number}"), 404, "not-found")
    until(lambda: batches(running) == [])
    assert ask(http, 61).status_code == 200


def test_a_batch_outlives_a_killed_process_and_a_moved_alias(
    store: Store, running: Started, http: httpx2.Client
) -> None:
    number = begin(http, table(300))
    begun = http.get(f"/predict/batch/{number}").json()
    until(lambda: http.get(f"/predict/batch/{number}").json()["done"] > 0)
    other = {"1": "2", "2": "1"}[begun["version"]]
    store.point(other)
    until(lambda: version(http) == other)
    for each in running.workers():
        each.kill()
    states = ("done", "failed")
    until(lambda: http.get(f"/predict/batch/{number}").json()["status"] in states, seconds=60)
    job = http.get(f"/predict/batch/{number}").json()
    assert (job["status"], job["done"], job["refused"]) == ("done", 300, 0), job
    assert job["version"] == begun["version"]


def test_the_model_that_is_not_there_is_told_beside_the_one_that_answers(
    http: httpx2.Client,
) -> None:
    health = http.get("/health").json()
    assert "gone" in health["troubles"]
    models = {each["name"]: each for each in http.get("/models").json()["models"]}
    assert "the registry has no model 'gone'" in models["gone"]["detail"]
    assert (models["gone"]["ready"], models[NAME]["ready"]) == (False, True)
    assert models[NAME]["figures"] == []
    sent = {"model": (None, b"gone")}
    problem(http.post("/predict", files=sent), 503, "not-loaded")


def test_nothing_is_left_when_the_service_is_stopped(running: Started, http: httpx2.Client) -> None:
    begin(http, table(500))
    family = running.children()
    assert len(family) >= 3
    assert running.stop() == 0
    gone, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    assert len(gone) == len(family)
    assert list(running.scratch.iterdir()) == []
    said = "".join(running.said)
    assert "Traceback" not in said
    assert "fault" not in said
