"""Finding models by name, and what the three models refuse."""

from __future__ import annotations

import pytest

from components.core.errors import ConfigError
from components.core.models.registry import build_model, model_config, model_file, models_by_name
from components.core.models.spec import DataSpec

BOTH = DataSpec(leads=8, length=256, tabular=3, heads={"toy": 2})


def test_every_file_is_found_under_its_own_name() -> None:
    for name, file in models_by_name().items():
        assert name == file.NAME
        assert callable(file.suggest)
        assert model_file(name) is file


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"there is no model 'ecg_tabular'; did you mean 'ecg\+t"):
        model_file("ecg_tabular")


@pytest.mark.parametrize("name", [None, 3, ["ecg"], {}])
def test_a_name_that_is_no_text_is_refused(name: object) -> None:
    with pytest.raises(ConfigError, match="there is no model "):
        model_file(name)


def test_settings_without_a_name_list_the_models() -> None:
    with pytest.raises(ConfigError, match=r"'model.name' is missing; known are: ecg, ecg\+tabular"):
        model_config({"width": 3})


@pytest.mark.parametrize(
    ("name", "spec", "sentence"),
    [
        ("ecg", {"leads": 0}, "needs an ECG, but the data hold none; use model.name=tabular"),
        ("ecg+tabular", {"leads": 0}, "needs an ECG, but the data hold none; use model.name=tab"),
        ("tabular", {"tabular": 0}, "needs tabular columns, but .* or use model.name=ecg"),
    ],
)
def test_a_missing_modality_is_one_sentence(name: str, spec: dict[str, int], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        build_model({"name": name}, BOTH.model_copy(update=spec))


def test_fusion_without_tabular_columns_is_the_cnn() -> None:
    model = build_model({"name": "ecg+tabular"}, BOTH.model_copy(update={"tabular": 0}))
    assert not [n for n, _ in model.named_parameters() if n.startswith("tabular")]


def test_a_specification_refuses_negative_shapes() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        DataSpec(leads=-1, heads={"toy": 2})
