"""The page for those who come from the older scripts: its command lines parse, its code runs."""

from __future__ import annotations

import csv
import hashlib
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.harness.tiny_model import write_model
from components.core.config.task import TaskConfig, load_task
from components.core.errors import ConfigError
from components.core.text.cache import EmbeddingCache
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "older_scripts.md").read_text(encoding="utf-8")
# Command lines in blocks, and those parameters that stand inline in a table or a sentence.
EXAMPLES = [
    *re.findall(r"^mlflow run \. -e train_lvef (.*)$", PAGE, re.M),
    *re.findall(r"`(-P [^`]+)`", PAGE),
]
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.S)
NOTES = ["dyspnoea on exertion", "no complaints", "long " * 600]


def loaded(example: str) -> TaskConfig:
    words = shlex.split(example)
    assert words[::2] == ["-P"] * (len(words) // 2)
    given = dict(word.split("=", 1) for word in words[1::2])
    overrides = given.pop("set", "")
    return load_task("lvef", overrides=overrides, **given)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_task(example: str) -> None:
    assert loaded(example) != load_task("lvef")


def test_the_page_maps_every_older_option() -> None:
    older = ("csv", "epochs", "batch-size", "learning-rate", "input-dim")
    rows = {name: re.search(rf"^\| `--{name}[^|]*\| `(-P [^`]+)`", PAGE, re.M) for name in older}
    found = {name: loaded(row.group(1)) for name, row in rows.items() if row}
    assert found.keys() == set(older)
    assert found["csv"].ingest.source == "manifest"
    assert found["csv"].ingest.path.endswith("lvef_with_local_paths.csv")
    assert found["epochs"].fit.epochs == 20
    assert found["batch-size"].fit.batch == 16
    assert found["learning-rate"].fit.lr == pytest.approx(1e-4)
    assert found["input-dim"].model["hidden_size"] == 1024


def test_the_page_states_the_tasks_own_settings() -> None:
    task = load_task("lvef")
    cells = dict(re.findall(r"^\| ([a-z0-9 ]+) \| [^|]+ \| ([^|]+) \|$", PAGE, re.M))
    assert cells["epochs"].startswith(f"{task.fit.epochs} ")
    assert task.fit.monitor.upper() in cells["epochs"]
    assert int(cells["batch"]) == task.fit.batch
    assert float(cells["learning rate"].split(",")[0]) == task.fit.lr
    assert task.fit.schedule in cells["learning rate"]
    assert int(cells["hidden representation"]) == task.model["hidden_size"]
    assert cells["networks"].startswith(f"{len(task.fit.seeds)} seeds")
    assert (task.model["head_hidden"], task.model["head_dropout"]) == (256, 0.1)
    assert task.preprocess.notes.mask


def test_a_misspelt_setting_would_not_parse() -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'fit.batch_size'.*did you mean 'batch'"):
        loaded('-P set="fit.batch_size=16"')


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture
def older(tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the older script left behind."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    head = nn.Sequential(nn.Linear(1024, 256), nn.ReLU(), nn.Dropout(0.1), nn.Linear(256, 2))
    torch.save(head.state_dict(), tmp_path / "weights.pt")
    words = sorted({word for note in NOTES for word in note.split()})
    write_model(tmp_path / "models" / "clinical-longformer", words, width=16, longest=512)
    (tmp_path / "embeddings").mkdir()
    for number, note in enumerate(NOTES):
        np.save(tmp_path / "embeddings" / f"{_md5(note)}.npy", np.full(16, number, np.float32))
    with (tmp_path / "lvef_with_local_paths.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["clinical_notes"], *([note] for note in NOTES)])
    return tmp_path


def test_the_pages_code_runs_as_it_stands(
    older: Path, data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    assert len(BLOCKS) == 4
    for block in BLOCKS:
        exec(compile(block, "docs/older_scripts.md", "exec"), names)  # noqa: S102 - our own page
    assert names["probability"].shape == (3,)
    assert (older / "imported" / "lvef" / "head.safetensors").is_file()
    own = names["model"].heads.state_dict()["heads.lvef.3.bias"]
    first = torch.load(older / "weights.pt", weights_only=True)["3.bias"]
    assert torch.equal(own, first.flip(0))
    # The third note is longer than the older window, so that it is left out.
    assert (names["report"].found, names["report"].missing) == (2, 0)
    cache = EmbeddingCache(data_folder / "embedding_cache", names["encoder"].identity)
    there, vectors = cache.lookup(NOTES)
    assert there.tolist() == [True, True, False]
    assert vectors[1].tolist() == [1.0] * 16
    assert "its two outputs are exchanged" in capsys.readouterr().err
