"""Every option of the original command line has a setting, and every setting named there exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from components.core.config.heads import BinaryHead
from components.core.config.task import TaskConfig
from components.core.embedding_files.layout import ShortName
from components.core.models.registry import model_file
from components.ingest.sources.hdf5_embeddings import Options

PAGE = Path(__file__).resolve().parents[2] / "docs" / "hcat_training.md"
OPTIONS = (
    "clinical", "semantic", "temporal", "pathological", "spatial", "outdir", "epochs", "batch",
    "lr", "d_model", "n_heads", "n_global_layers", "dropout", "use_advanced_imputation",
    "n_impute_iterations", "alpha_surv", "alpha_rec", "alpha_con", "alpha_kl", "alpha_impute",
    "moddrop", "moddrop_mode", "emb_noise", "early_stop_patience", "device",
)  # fmt: skip
SECTIONS: dict[str, Any] = {
    "model": model_file("hcat").Config, "ingest.options.hdf5_embeddings": Options,
    "heads.survival": BinaryHead, "heads.recurrence": BinaryHead,
}  # fmt: skip


def rows() -> dict[str, str]:
    """Return option → setting of the page's last table."""
    found = re.findall(r"^\| `--(\w+)` \| (.+?) \|", PAGE.read_text(encoding="utf-8"), re.M)
    return {option: setting.strip("`") for option, setting in found}


def exists(setting: str) -> bool:
    """Return whether a dotted name leads to a field of the configuration classes."""
    for prefix, section in SECTIONS.items():
        if setting.startswith(f"{prefix}."):
            first, *rest = setting.removeprefix(f"{prefix}.").split(".")
            return first in section.model_fields and (not rest or rest[0] in get_args(ShortName))
    current: Any = TaskConfig
    for part in setting.split("."):
        if not issubclass(current, BaseModel) or part not in current.model_fields:
            return False
        current = current.model_fields[part].annotation
        current = current if isinstance(current, type) else BaseModel
    return True


def test_every_option_has_a_row() -> None:
    assert tuple(rows()) == OPTIONS


@pytest.mark.parametrize("option", OPTIONS)
def test_every_setting_named_exists(option: str) -> None:
    setting = rows()[option]
    assert setting == "none" if option == "outdir" else exists(setting)


def test_settings_of_the_text_exist() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:fit|tune|model|preprocess)\.[a-z_.]+)", text)) - {"fit.json"}
    assert len(named) > 20
    assert [name for name in sorted(named) if not exists(name.rstrip("."))] == []


@pytest.mark.parametrize(
    "wrong",
    [
        "fit.learning_rate", "model.width_", "heads.survival.alpha", "fit.lr.x",
        "ingest.options.hdf5_embeddings.files.ecg",
    ],
)  # fmt: skip
def test_a_setting_that_is_not_there_is_noticed(wrong: str) -> None:
    assert not exists(wrong)
