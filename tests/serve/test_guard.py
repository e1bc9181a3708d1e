"""What stands before every address: who may ask, how much, how many, and what headers go out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from components.serve import bodies, routes
from components.serve.app import create
from components.serve.problems import KINDS
from components.serve.shelf import Served
from tests.serve.near import ADDRESS, client, left, problem, served, service

Shelf = Callable[[str], Served]
TOKEN = "a-token-of-enough-letters"  # noqa: S105
PARTS = {"fields": (None, b'{"age": 61}')}


@pytest.fixture
def small(shelf: Shelf, tmp_path: Path) -> Any:
    return service(tmp_path, shelf("fields"), upload_mb=0.02, batch_mb=0.04, batch_jobs=1)


def test_every_answer_has_the_headers_that_protect_it(small: Any) -> None:
    of = client(small)
    for answer in (
        of.get("/"), of.get("/page/app.js"), of.get("/models"), of.get("/absent"),
        of.get("/metrics"), of.post("/predict", files=PARTS), of.put("/predict"),
        of.get("/models", headers={"host": "example.org"}), of.get("/openapi.json"),
    ):  # fmt: skip
        headers = answer.headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


def test_a_model_card_may_have_its_own_style_and_nothing_else(shelf: Shelf, tmp_path: Path) -> None:
    from dataclasses import replace

    of = client(service(tmp_path, replace(shelf("fields"), card="<h1>card</h1>")))
    found = of.get("/models/fields/card")
    assert found.text == "<h1>card</h1>"
    policy = found.headers["content-security-policy"]
    for part in ("default-src 'none'", "frame-ancestors 'none'", "form-action 'none'",
                 "base-uri 'none'"):  # fmt: skip
        assert part in policy
    assert "script-src" not in policy
    problem(of.get("/models/absent/card"), 404, "no-such-model")


def test_a_model_without_a_card_says_so(small: Any) -> None:
    problem(client(small).get("/models/fields/card"), 404, "not-found")


@pytest.mark.parametrize(
    "host", ["example.org", "127.0.0.1.example.org", "192.0.2.7:8000", "localhost.", "", "[::1",
             "localhost@example.org", "0.0.0.0:8000"],
)  # fmt: skip
def test_another_machines_name_is_refused_on_loopback(small: Any, host: str) -> None:
    problem(client(small).get("/models", headers={"host": host}), 403, "cross-site")


@pytest.mark.parametrize("host", ["127.0.0.1:9", "localhost:8000", "LOCALHOST", "[::1]:8000"])
def test_this_machines_names_are_taken(small: Any, host: str) -> None:
    assert client(small).get("/models", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://example.org"}, {"origin": "null"}, {"origin": "http://127.0.0.1:9999"},
        {"origin": "http://["}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
        {"origin": ADDRESS, "sec-fetch-site": "cross-site"},
    ],
)  # fmt: skip
def test_another_sites_page_may_not_ask(small: Any, headers: dict[str, str]) -> None:
    of = client(small)
    problem(of.post("/predict", files=PARTS, headers=headers), 403, "cross-site")
    problem(of.delete("/predict/batch/x", headers=headers), 403, "cross-site")
    assert small.processes.asked == []


def test_the_services_own_page_may_ask(small: Any) -> None:
    own = {"origin": ADDRESS, "sec-fetch-site": "same-origin"}
    assert client(small).post("/predict", files=PARTS, headers=own).status_code == 200


@pytest.fixture
def guarded(shelf: Shelf, tmp_path: Path) -> Any:
    return service(tmp_path, shelf("fields"), host="192.0.2.1", token=TOKEN)


@pytest.mark.parametrize(
    "sent",
    [None, "", TOKEN, f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer",
     f"Bearer  {TOKEN}", "Bearer ä"],
)  # fmt: skip
def test_without_the_token_nothing_is_told(guarded: Any, sent: str | None) -> None:
    of = client(guarded)
    headers: Any = {} if sent is None else {"authorization": sent.encode("latin-1")}
    guarded.shelf.troubles["fields"] = "/some/folder is gone"
    for method, address in (
        ("GET", "/models"), ("GET", "/metrics"), ("GET", "/openapi.json"), ("POST", "/predict"),
        ("POST", "/predict/batch"), ("GET", "/predict/batch/x"), ("GET", "/absent"),
        ("GET", "/pages"), ("GET", "/models/fields/card"),
    ):  # fmt: skip
        answer = of.request(method, address, headers=headers)
        told = problem(answer, 401, "unauthorised")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert TOKEN not in answer.text
        assert told["detail"] == "the request bears no token, or another one"
    assert of.get("/").status_code == of.get("/page/app.js").status_code == 200
    assert of.get("/problems/busy").status_code == 200
    health = of.get("/health")
    assert health.status_code == 200
    assert "/some/folder" not in health.text
    assert guarded.processes.asked == []


def test_with_the_token_everything_is(guarded: Any) -> None:
    guarded.shelf.troubles["fields"] = "it is damaged"
    of = client(guarded, authorization=f"bearer {TOKEN}")
    assert of.post("/predict", files=PARTS).status_code == 200
    assert of.get("/models").json()["models"][0]["detail"] == "it is damaged"
    assert of.get("/models", headers={"host": "example.org"}).status_code == 200
    answer = of.post("/predict", files=PARTS, headers={"origin": "https://example.org"})
    problem(answer, 403, "cross-site")


def test_the_link_to_a_model_card_opens_it_without_the_token(shelf: Shelf, tmp_path: Path) -> None:
    found = shelf("fields")
    found = served("fields", Path(found.bundle.folder), card="<h1>card</h1>")
    of = client(service(tmp_path, found, host="192.0.2.1", token=TOKEN))
    told = of.get("/models", headers={"authorization": f"Bearer {TOKEN}"}).json()
    link = told["models"][0]["card"]
    assert of.get(link).text == "<h1>card</h1>"
    for other in (link[:-1], f"{link}x", link.split("?")[0], link.replace("card", "x/card")):
        assert of.get(other).status_code in (401, 404)
    problem(of.get(link.replace("/models/fields/card", "/models")), 401, "unauthorised")


def test_a_request_that_states_too_much_is_refused(small: Any) -> None:
    of = client(small)
    big = {"fields": (None, b" " * 30_000)}
    told = problem(of.post("/predict", files=big), 413, "too-large")
    assert told["detail"] == "the request is larger than 0.02 MB, which is the limit here"
    table = b"age,sex,more\n1,F," + b"x" * 30_000
    assert of.post("/predict/batch", files={"table": ("t", table)}).status_code == 202
    problem(of.post("/predict/batch", files={"table": ("t", b"x" * 50_000)}), 413, "too-large")


@pytest.mark.parametrize("stated", ["-1", "1e3", "x", "9" * 5000, " ", "²"])
def test_a_length_that_is_none_is_refused(small: Any, stated: str) -> None:
    headers: Any = {"content-length": stated.encode("latin-1")}
    answer = client(small).post("/predict", headers=headers, content=b"")
    problem(answer, 413, "too-large")


def _ask(of: Any, content: AsyncGenerator[bytes], **headers: str) -> httpx2.Response:
    """Ask without a stated length."""

    async def asked() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=create(of), raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS) as http:
            return await http.post("/predict", content=content, headers=headers)

    return asyncio.run(asked())


async def _endless(sent: list[int]) -> AsyncGenerator[bytes]:
    yield b'--b\r\nContent-Disposition: form-data; name="fields"\r\n\r\n'
    for _ in range(300):
        sent.append(1000)
        yield b" " * 1000


def test_a_stream_is_refused_where_it_gets_too_large(
    small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "_DRAINED", 100_000)
    sent: list[int] = []
    answer = _ask(small, _endless(sent), **{"content-type": "multipart/form-data; boundary=b"})
    problem(answer, 413, "too-large")
    assert "content-length" not in answer.request.headers
    assert sum(sent) < 150_000  # what came after the bound was not waited for
    assert small.processes.asked == []


_STALLED_S = 20.0


async def _stalled(parts: Iterator[bytes]) -> AsyncGenerator[bytes]:
    for part in parts:
        yield part
    await asyncio.sleep(_STALLED_S)


def test_who_stops_sending_is_let_go(shelf: Shelf, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(bodies, "_DRAINED_S", 0.1)
    own = service(tmp_path, shelf("fields"), seconds=0.05)
    kind = {"content-type": "multipart/form-data; boundary=b"}
    begun = time.monotonic()
    problem(_ask(own, _stalled(iter([b"--b\r\n"])), **kind), 503, "time-limit")
    # Nor does who is refused anyway hold a place by sending nothing.
    kind["origin"] = "https://example.org"
    problem(_ask(own, _stalled(iter([b"--b\r\n"])), **kind), 403, "cross-site")
    assert time.monotonic() - begun < _STALLED_S


def test_too_many_open_requests_are_turned_away_but_the_service_says_how_it_is(
    shelf: Shelf, tmp_path: Path
) -> None:
    own = service(tmp_path, shelf("fields"), workers=1, waiting=1)
    app: Any = create(own)
    app._open = 4

    async def asked() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS) as http:
            return [await http.post("/predict", files=PARTS), await http.get("/health")]

    predict, health = asyncio.run(asked())
    problem(predict, 503, "busy")
    assert predict.headers["retry-after"] == "1"
    assert health.status_code == 200
    assert app._open == 4


def test_batches_that_come_in_have_a_bound_of_their_own(small: Any) -> None:
    app: Any = create(small)
    app._batches = 1

    async def asked() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS) as http:
            table = {"table": ("t.csv", b"age,sex\n1,F\n")}
            batch = [await http.post("/predict/batch", files=table)]
            app._batches = 0
            batch.append(await http.post("/predict/batch", files=table))
            return [*batch, await http.post("/predict", files=PARTS)]

    busy, taken, predict = asyncio.run(asked())
    problem(busy, 503, "busy")
    assert (taken.status_code, predict.status_code) == (202, 200)
    assert (app._batches, app._open) == (0, 0)


def test_who_bears_no_token_takes_nobodys_place(guarded: Any) -> None:
    """A refused request is received to its end, for a browser to hear it, but it is not open."""
    app: Any = create(guarded)
    seen: list[int] = []

    async def sending() -> AsyncGenerator[bytes]:
        yield b"--b\r\n"
        seen.append(app._open)

    async def asked() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS) as http:
            kind = {"content-type": "multipart/form-data; boundary=b"}
            return await http.post("/predict", content=sending(), headers=kind)

    problem(asyncio.run(asked()), 401, "unauthorised")
    assert seen == [0]


@pytest.mark.parametrize("wanted", ["bytes=99999999-", "foo", "bytes=0-1"])
def test_a_part_of_an_answer_is_not_sent(small: Any, wanted: str) -> None:
    answer = client(small).get("/page/app.js", headers={"range": wanted})
    assert answer.status_code == 200
    assert answer.headers["accept-ranges"] == "none"
    assert len(answer.content) == int(answer.headers["content-length"])


def test_a_result_may_take_its_time_on_the_way_out(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long a request may take to arrive says nothing of how long its answer takes to leave."""
    own = service(tmp_path, shelf("fields"), seconds=0.02)
    large = tmp_path / "app.js"
    large.write_bytes(b"x" * 1_000_000)
    monkeypatch.setattr(routes, "PAGE", tmp_path)
    app = create(own)
    sent: list[Any] = []

    async def asked() -> None:
        # As uvicorn says what it speaks: the response listens for its client's end.
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "method": "GET",
            "path": "/page/app.js", "raw_path": b"/page/app.js", "query_string": b"",
            "headers": [(b"host", b"127.0.0.1")], "http_version": "1.1", "scheme": "http",
        }  # fmt: skip
        heard = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> Any:
            for message in heard:
                return message
            await asyncio.sleep(60)

        async def send(message: Any) -> None:
            sent.append(message)
            await asyncio.sleep(0.01)

        await app(scope, receive, send)

    asyncio.run(asked())
    assert sum(len(each.get("body", b"")) for each in sent) == 1_000_000


def test_who_goes_away_is_not_computed_for(shelf: Shelf, tmp_path: Path) -> None:
    own = service(tmp_path, shelf("fields"))
    near: Any = own.processes
    heard: list[str] = []

    async def ask(*_: object) -> None:
        heard.append("begun")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            heard.append("stopped")
            raise

    near.ask = ask
    body = b'--b\r\nContent-Disposition: form-data; name="fields"\r\n\r\n{"age": 1}\r\n--b--\r\n'
    left(own, "/predict", body, heard)
    assert heard[:3] == ["begun", "stopped", "499"]


def test_an_address_that_is_not_there_and_a_method_that_is_not_taken(small: Any) -> None:
    of = client(small)
    problem(of.get("/QUILLFEATHRY"), 404, "not-found")
    problem(of.get("/page/absent.js"), 404, "not-found")
    problem(of.get("/page/..%2f__init__.py"), 404, "not-found")
    problem(of.get("/docs"), 404, "not-found")
    for method, address, allowed in (
        ("GET", "/predict", "POST"), ("OPTIONS", "/predict", "POST"), ("PUT", "/models", "GET"),
        ("PUT", "/predict/batch/x", "DELETE, GET"),
    ):  # fmt: skip
        answer = of.request(method, address)
        problem(answer, 405, "method-not-allowed")
        assert answer.headers["allow"] == allowed
    problem(of.get("/predict/batch/absent"), 404, "not-found")
    problem(of.get("/problems/absent"), 404, "not-found")
    told = of.get("/metrics").text
    assert "QUILLFEATHRY" not in told
    assert 'route="none",status="404"' in told


def test_every_type_of_problem_has_its_address_and_openapi_names_the_document(small: Any) -> None:
    of = client(small)
    for name, kind in KINDS.items():
        found = of.get(f"/problems/{name}")
        assert found.headers["content-type"].startswith("text/plain")
        assert kind.meaning in found.text
    document = of.get("/openapi.json").json()
    assert {"type", "title", "status", "detail"} <= set(
        document["components"]["schemas"]["Problem"]["properties"]
    )
    for address, methods in document["paths"].items():
        for each in methods.values():
            assert {"401", "403", "503"} <= set(each["responses"]), address
