"""Which version answers: an alias that moves, versions that cannot be loaded, files that go."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from components.core.aliases import Version
from components.core.errors import InputError, StorageError
from components.core.logged_model import Logged
from components.serve import shelf as shelf_file
from components.serve.problems import ProblemError
from components.serve.shelf import Served, Shelf, pointed_at
from tests.serve.near import Near

ServedOf = Callable[[str], Served]


@dataclass
class Registry:
    """Stands in for the registry: an alias, and what is downloaded for a version."""

    whole: Path
    number: str = "1"
    failing: dict[str, Exception] = field(default_factory=dict[str, Exception])
    downloads: list[str] = field(default_factory=list[str])

    def pointed_at(self, name: str, alias: str) -> str:
        assert alias == "champion"
        if name in self.failing:
            raise self.failing[name]
        return self.number

    def download(self, name: str, number: str, into: Path) -> Logged:
        del name
        self.downloads.append(number)
        if number in self.failing:
            raise self.failing[number]
        bundle = into / "bundle"
        shutil.copytree(self.whole, bundle)
        if number == "damaged":
            (bundle / "bundle.json").write_text("{}")
        if number == "cut":
            weights = next(bundle.rglob("*.safetensors"))
            weights.write_bytes(weights.read_bytes()[:-8])
        return Logged(bundle=bundle, signature=True, example=True)


@pytest.fixture
def registry(shelf: ServedOf, monkeypatch: pytest.MonkeyPatch) -> Registry:
    found = Registry(whole=Path(shelf("fields").bundle.folder))
    monkeypatch.setattr(shelf_file, "pointed_at", found.pointed_at)
    monkeypatch.setattr(shelf_file, "download", found.download)
    monkeypatch.setattr(shelf_file, "card_page", lambda _name, number: f"card {number}")
    monkeypatch.setattr(
        shelf_file.aliases, "version_of", lambda model, number: Version(model=model, number=number)
    )
    monkeypatch.setattr(shelf_file, "version_figures", lambda _tags, *, version: [])
    return found


@pytest.fixture
def own(tmp_path: Path) -> Shelf:
    near: Any = Near()
    return Shelf(names=("toy",), alias="champion", processes=near, scratch=tmp_path)


def refresh(of: Shelf) -> None:
    asyncio.run(of.refresh())


def folders(of: Shelf) -> int:
    return len(list(of.scratch.glob("model-*")))


def test_a_version_answers_once_it_has_been_loaded(
    own: Shelf, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    refresh(own)
    first = own.of("toy")
    assert (first.version, first.card) == ("1", "card 1")
    assert first.facts["task"] == "toy"
    assert own.of("") is first
    refresh(own)
    assert registry.downloads == ["1"]
    assert "serve: toy is answered by version 1 (@champion)" in capsys.readouterr().err


def test_an_alias_that_moves_and_moves_back_leaves_every_version_whole(
    own: Shelf, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Served] = []
    for number in "1212":
        registry.number = number
        refresh(own)
        own.sweep()
        found.append(own.of("toy"))
        assert found[-1].version == number
        assert (Path(own.of("toy").bundle.folder) / "bundle.json").is_file()
    assert registry.downloads == ["1", "2"]  # a version that is at hand is taken back
    assert found[2] is found[0]
    monkeypatch.setattr(shelf_file, "_KEPT_S", -1.0)
    registry.number = "3"
    refresh(own)
    for each in own.kept:
        own.kept[own.kept.index(each)] = (0.0, each[1])
    own.sweep()
    assert own.kept == []
    assert folders(own) == 1
    registry.number = "1"
    refresh(own)
    assert registry.downloads == ["1", "2", "3", "1"]
    assert (Path(own.of("toy").bundle.folder) / "bundle.json").is_file()


def test_a_version_that_somebody_asks_is_not_deleted(
    own: Shelf, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf_file, "_KEPT_S", -1.0)
    refresh(own)
    old = own.of("toy")
    with own.using(old), own.using(old):
        registry.number = "2"
        refresh(own)
        own.sweep()
        assert old.folder.is_dir()
    assert folders(own) == 2
    own.sweep()
    assert not old.folder.exists()
    assert own.of("toy").folder.is_dir()


@pytest.mark.parametrize(
    ("damaged", "words"),
    [("cut", "has changed since it was written"), ("damaged", "is no model bundle")],
)
def test_a_version_that_cannot_be_loaded_does_not_take_the_place_of_another(
    own: Shelf, registry: Registry, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], damaged: str, words: str,
) -> None:  # fmt: skip
    refresh(own)
    registry.number = damaged
    for _ in range(3):
        refresh(own)
    assert own.of("toy").version == "1"
    assert words in own.troubles["toy"]
    assert str(own.scratch) not in own.troubles["toy"]
    assert registry.downloads == ["1", damaged]  # not fetched again at every look
    assert folders(own) == 1
    assert capsys.readouterr().err.count(words) == 1
    monkeypatch.setattr(shelf_file, "_AGAIN_S", -1.0)
    private: Any = own
    private._failed.clear()
    refresh(own)
    refresh(own)
    assert registry.downloads == ["1", damaged, damaged, damaged]
    registry.number = "2"
    refresh(own)
    assert own.troubles == {}
    assert own.of("toy").version == "2"


def test_a_move_back_to_what_answers_ends_the_trouble(own: Shelf, registry: Registry) -> None:
    refresh(own)
    registry.number = "damaged"
    refresh(own)
    assert own.troubles
    registry.number = "1"
    refresh(own)
    assert own.troubles == {}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (InputError("the registry has no model 'toy'"), "the registry has no model 'toy'"),
        (StorageError("the store does not answer"), "the store does not answer"),
        (ConnectionError("http://user:secret@host"), "it cannot be loaded (ConnectionError)"),
        (RuntimeError("odd"), "it cannot be loaded (RuntimeError)"),
    ],
)
def test_a_registry_that_fails_is_told_and_asked_again(
    own: Shelf, registry: Registry, error: Exception, words: str
) -> None:
    refresh(own)
    registry.failing["toy"] = error
    refresh(own)
    assert own.troubles == {"toy": words}
    assert own.of("toy").version == "1"
    registry.failing.clear()
    registry.number = "2"
    refresh(own)
    assert own.troubles == {}
    assert own.of("toy").version == "2"


def test_a_registry_that_hangs_holds_up_no_request(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    near: Any = Near()
    own = Shelf(
        names=[f"m{n}" for n in range(40)], alias="champion", processes=near, scratch=tmp_path
    )
    free = threading.Event()

    def hanging(name: str, alias: str) -> str:
        free.wait(20)
        raise StorageError("the store does not answer")

    monkeypatch.setattr(shelf_file, "pointed_at", hanging)

    async def asking() -> None:
        following = asyncio.create_task(own.refresh())
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):  # what every request needs
            assert await asyncio.to_thread(len, "abc") == 3
        free.set()
        await following

    asyncio.run(asking())
    assert set(own.troubles.values()) == {"the store does not answer"}


def test_one_of_two_models_that_cannot_be_loaded_leaves_the_other(
    tmp_path: Path, registry: Registry
) -> None:
    near: Any = Near()
    own = Shelf(names=("lost", "toy"), alias="champion", processes=near, scratch=tmp_path)
    registry.failing["lost"] = InputError("gone")
    refresh(own)
    assert own.of("toy").version == "1"
    with pytest.raises(ProblemError, match="no version of lost could be loaded"):
        own.of("lost")
    with pytest.raises(ProblemError, match="'model' is left out; served are: lost, toy"):
        own.of("")


def test_an_alias_that_is_not_there_is_told_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        shelf_file.aliases, "aliases", lambda _: {"champion": "3", "candidate": "4"}
    )
    assert pointed_at("toy", "champion") == "3"
    with pytest.raises(InputError, match=r"no version @chmpion \(its aliases: @candidate, @champ"):
        pointed_at("toy", "chmpion")
