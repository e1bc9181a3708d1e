"""Task files: loading, overriding, refusing, keeping."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.core.config.task import TASKS, TaskConfig, load_task, parse_overrides, save_resolved
from components.core.errors import ConfigError

ON_DISK = sorted(TASKS.glob("*.yaml")) + sorted((TASKS / "examples").glob("*.yaml"))


@pytest.fixture
def task_file(tmp_path: Path) -> Path:
    file = tmp_path / "toy.yaml"
    file.write_text(
        yaml.safe_dump(
            {
                "task": "toy",
                "title": "A toy",
                "label": {"name": "toy", "definition": "d", "prediction_time": "t"},
                "model": {"name": "ecg+tabular", "width": 8},
            }
        )
    )
    return file


def load(file: Path, overrides: str = "", **more: Any) -> TaskConfig:
    return load_task("", config=str(file), overrides=overrides, **more)


@pytest.mark.parametrize("file", ON_DISK, ids=lambda f: f.stem)
def test_every_task_on_disk_loads_and_says_what_it_leaves_open(file: Path) -> None:
    task = load(file)
    assert task.model["name"]
    assert task.label.definition
    assert task.stages[0] == "ingest"


@pytest.mark.parametrize("file", ON_DISK, ids=lambda f: f.stem)
def test_a_resolved_task_loads_as_itself(file: Path, tmp_path: Path) -> None:
    task = load(file)
    assert load(save_resolved(task, tmp_path)) == task


def test_tasks_of_the_pipelines_are_named_by_their_file() -> None:
    for file in TASKS.glob("*.yaml"):
        assert load_task(file.stem).task == file.stem


def test_defaults_of_the_model_are_filled_in(task_file: Path) -> None:
    model = load(task_file).model
    assert model["width"] == 8
    assert model["kernel"] == 7


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("fit.lr=3e-4", "lr", 3e-4),
        ("fit.epochs=5", "epochs", 5),
        ("fit.refit=false", "refit", False),
        ("fit.seeds=[0,1,2]", "seeds", (0, 1, 2)),
        ("'fit.seeds=[0, 1]'", "seeds", (0, 1)),
        ('fit.aug="[noise, shift]"', "aug", ("noise", "shift")),
        ("fit.class_weights=[1,3.5]", "class_weights", (1.0, 3.5)),
        ("fit.epochs=5 fit.epochs=6", "epochs", 6),
    ],
)
def test_an_override_reaches_its_section(
    task_file: Path, text: str, key: str, value: object
) -> None:
    assert getattr(load(task_file, text).fit, key) == value


def test_an_override_may_be_null_quoted_or_in_a_new_section(task_file: Path) -> None:
    task = load(
        task_file,
        "label.horizon_days=null title='A longer title' "
        "ingest.options.table.separator=';' ingest.options.table.tabular.age=numeric",
    )
    assert task.label.horizon_days is None
    assert task.title == "A longer title"
    assert task.ingest.options["table"] == {"separator": ";", "tabular": {"age": "numeric"}}


def test_source_and_path_replace_the_tasks_own_and_overrides_win(task_file: Path) -> None:
    task = load(task_file, source="table", path="with space/a=b.csv")
    assert (task.ingest.source, task.ingest.path) == ("table", "with space/a=b.csv")
    assert load(task_file, "ingest.source=array", source="table").ingest.source == "array"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("fit.lr", "'set' has 'fit.lr'; write key=value, e.g. fit.lr=3e-4"),
        ("=3", "'set' has '=3'; write key=value"),
        ("fit.lr=3e-4 'model", "'set' has an unclosed quotation mark"),
        ("fit.seeds=[1,", "'set' gives 'fit.seeds' the value '\\[1,', which is not YAML"),
        ("title.x=3", "'title.x' cannot be set: 'title' holds a value, not a section"),
        ("fit.epohcs=3", "unknown key 'fit.epohcs' in toy.yaml; did you mean 'epochs'"),
        ("fit.epochs=many", "'fit.epochs' in toy.yaml is 'many'"),
        ("register_as.name=null", "'register_as.name' in toy.yaml is 'None'"),
        ("model.name=tabular model.width=9", "unknown key 'width' in model 'tabular'"),
    ],
)
def test_a_wrong_override_is_one_sentence(task_file: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load(task_file, text)


def test_no_value_is_the_empty_text(task_file: Path) -> None:
    assert load(task_file, "register_as.name=").register_as.name == ""


def test_another_model_leaves_the_settings_it_does_not_know_and_says_so(
    task_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = load(task_file, "fit.epochs=2 model.name=tabular")
    assert task.model["name"] == "tabular"
    assert "width" not in task.model
    said = "note: model.width of the task file belong to the model 'ecg+tabular', not to 'tabular'"
    assert said in " ".join("".join(capsys.readouterr()).split())
    assert load(task_file, "model.name=ecg").model["width"] == 8


def test_a_section_left_empty_cannot_take_a_source(task_file: Path) -> None:
    task_file.write_text(task_file.read_text() + "ingest:\n")
    with pytest.raises(ConfigError, match=r"'ingest.source' cannot be set: 'ingest' holds a value"):
        load(task_file, source="table")


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,6}(\.[a-z]{1,6}){0,2}", fullmatch=True),
        st.integers() | st.booleans() | st.lists(st.integers(), max_size=3),
        max_size=4,
    )
)
def test_overrides_round_trip(pairs: dict[str, object]) -> None:
    text = " ".join(f"'{key}={json.dumps(value)}'" for key, value in pairs.items())
    assert dict(parse_overrides(text)) == pairs


def test_a_missing_task_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no task 'ctrdc' in pipelines/; did you mean 'ctrcd'\?"):
        load_task("ctrdc")


def test_a_missing_task_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"task file '.*absent.yaml' does not exist; correct the"):
        load(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"task: [1, 2\nlabel: x: y", r"'toy.yaml' is not YAML \(line \d\)"),
        (b"\xff\xfe\x00bad", "'toy.yaml' is not YAML"),
        (b"- a\n- b\n", "'toy.yaml' must hold a mapping, not a list"),
        (b"", "'toy.yaml' must hold a mapping, not a NoneType"),
        (b"just words", "'toy.yaml' must hold a mapping, not a str"),
    ],
)
def test_a_file_that_is_no_task_is_named(task_file: Path, content: bytes, sentence: str) -> None:
    task_file.write_bytes(content)
    with pytest.raises(ConfigError, match=sentence):
        load(task_file)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("model.name=ecg+tabluar", r"no model 'ecg\+tabluar'; did you mean 'ecg\+tabular'\?"),
        ("model.name=3", "there is no model '3'; known are: "),
        ("model.widht=3", r"unknown key 'widht' in model 'ecg\+tabular'; did you mean 'width'\?"),
        ("model.kernel=4", r"'kernel' in model 'ecg\+tabular' is '4': must be odd"),
        ("model.dropout=1.5", "'dropout' in model .* is '1.5'"),
        (
            "model={}",
            r"'model.name' is missing; known are: ecg, ecg\+tabular, event_transformer, hcat",
        ),
        ("model=ecg", "'model' in toy.yaml is 'ecg'"),
    ],
)
def test_model_settings_are_checked_against_the_models_own_class(
    task_file: Path, override: str, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load(task_file, override)


def test_saving_names_the_file_by_its_content_and_writes_once(
    task_file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "configs"
    first = save_resolved(load(task_file), folder)
    stamp = first.stat().st_mtime_ns
    assert save_resolved(load(task_file), folder) == first
    assert first.stat().st_mtime_ns == stamp
    other = save_resolved(load(task_file, "fit.epochs=3"), folder)
    assert sorted(folder.iterdir()) == sorted([first, other])


def test_section_is_plain_json(task_file: Path) -> None:
    section = load(task_file).section("fit", "title")
    assert section["title"] == "A toy"
    assert section["fit"]["seeds"] == [0]
    assert set(section) == {"fit", "title"}
