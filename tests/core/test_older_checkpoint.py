"""A checkpoint of an older script, wherever it is given: exit status 2, and why."""

from __future__ import annotations

from pathlib import Path

import pytest
from click import Command
from click.testing import CliRunner

from components.compare.cli import main as compare
from components.core.aliases import aliases
from components.core.config.task import load_task
from components.core.errors import ConfigError, InputError
from components.core.older_checkpoint import is_checkpoint
from components.core.registry import bundle_folder
from components.core.runs import open_input
from components.core.training_runs import open_training
from components.evaluate.cli import main as evaluate
from components.explain.cli import main as explain
from components.promote.cli import main as promote
from components.score.cli import main as score
from components.train.cli import main as train
from pipelines.cli import main as pipelines

WHY = (
    "names 'old/best_model.pth', a checkpoint of an older script, which cannot be imported: which "
    "branches it had, their sizes and how image, sound and clinical fields were prepared is not "
    "written in it; train that model anew with `mlflow run . -e train_multimodal`"
)
FILE = "old/best_model.pth"


@pytest.mark.parametrize(
    ("command", "given"),
    [
        (score, ["--run", FILE, "--path", "new.csv"]),
        (evaluate, ["--run", FILE]),
        (explain, ["--run", FILE]),
        (compare, ["--runs", f"{FILE},{FILE}"]),
        (promote, ["--model", FILE]),
        (train, ["--task", "multimodal", "--audit-run", FILE]),
        (pipelines, ["--task", "multimodal", "--set", f"model.image_weights={FILE}"]),
        (pipelines, ["--task", "multimodal", "--set", f"model.pretrained={FILE}"]),
        (pipelines, ["--task", "lvef", "--set", f"model.init_from={FILE}"]),
        (pipelines, ["--task", "multimodal", "--path", FILE]),
        (pipelines, ["--task", "multimodal", "--config", FILE]),
    ],
    ids=lambda value: value.callback.__module__ if isinstance(value, Command) else value[-1],
)
def test_every_command_says_why(
    command: Command, given: list[str], data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = CliRunner().invoke(command, given)
    assert found.exit_code == 2
    assert WHY in " ".join(found.output.split())


def test_every_reference_is_looked_at_before_the_store() -> None:
    for ask in (open_training, bundle_folder, aliases, lambda name: open_input(name, "audit")):
        with pytest.raises(InputError, match=r"names 'a.PTH', a checkpoint of an older script"):
            ask("a.PTH")


def test_a_setting_within_lists_of_settings_is_named() -> None:
    sentence = r"ingest.options.manifest.file names 'x.ckpt', a checkpoint of an older script"
    with pytest.raises(ConfigError, match=sentence):
        load_task("multimodal", overrides="ingest.options.manifest.file=x.ckpt")


def test_other_names_are_none() -> None:
    names = ("best.safetensors", "models:/multimodal@champion", "0123abcd", "", "folder.pth/stage")
    assert not [name for name in names if is_checkpoint(name)]
