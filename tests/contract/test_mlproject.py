"""MLproject against the command lines that it starts."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from mlflow.projects._project_spec import load_project

from components.core.stages import FACTS

ROOT = Path(__file__).resolve().parents[2]
PROJECT = load_project(str(ROOT))
ENTRIES: dict[str, Any] = yaml.safe_load((ROOT / "MLproject").read_text())["entry_points"]
each_entry = pytest.mark.parametrize("name", sorted(ENTRIES))
# Values that a shell would take apart, were they not quoted.
AWKWARD = {
    "config": "my tasks/a b.yaml",
    "set": "fit.lr=3e-4 title='two words' model.width=64",
    "path": 'c:\\x $HOME `id` "; rm *',
}
# Options for people at a terminal; a launched run has its log.
INTERACTIVE = {"--debug", "--json", "--show-names", "--inspect-files", "--workers"}


def words(name: str) -> list[str]:
    return shlex.split(ENTRIES[name]["command"])


def command_of(name: str) -> click.Command:
    python, flag, module, *_ = words(name)
    assert (python, flag) == ("python", "-m")
    found: click.Command = importlib.import_module(f"{module}.cli").main
    return found


def options_of(name: str) -> dict[str, click.Option]:
    """Return the command's options by their flag."""
    found = [p for p in command_of(name).params if isinstance(p, click.Option)]
    return {max(option.opts, key=len): option for option in found}


def flags_of(name: str) -> dict[str, str]:
    """Return what MLproject's command hands to every flag."""
    given = words(name)[3:]
    assert len(given) % 2 == 0
    return dict(zip(given[::2], given[1::2], strict=True))


def parameters_of(name: str) -> dict[str, Any]:
    return dict(ENTRIES[name].get("parameters") or {})


def test_the_project_parses_and_names_one_environment() -> None:
    raw = yaml.safe_load((ROOT / "MLproject").read_text())
    assert set(raw) == {"name", "python_env", "entry_points"}
    assert set(PROJECT._entry_points) == set(ENTRIES)
    assert (ROOT / raw["python_env"]).is_file()


def test_main_is_the_main_task() -> None:
    assert ENTRIES["main"] == ENTRIES["train_ctrcd"]


def test_every_stage_and_every_task_has_its_entry_point() -> None:
    tasks = {f"train_{file.stem}" for file in (ROOT / "pipelines").glob("*.yaml")}
    components = {f.parent.name for f in (ROOT / "components").glob("*/cli.py")}
    # A component's folder may hold a stage of its own, a pipeline its own walk.
    nested = {"search", "tune"}
    assert tasks | components | nested | {"main"} == set(ENTRIES)


@each_entry
def test_every_option_is_handed_over_and_no_other(name: str) -> None:
    flags = set(flags_of(name))
    assert flags == set(options_of(name)) - (INTERACTIVE - flags)


@each_entry
def test_every_parameter_is_used_and_every_placeholder_is_one(name: str) -> None:
    placeholders = set(re.findall(r"\{(\w+)\}", ENTRIES[name]["command"]))
    assert placeholders == set(parameters_of(name))


@each_entry
def test_defaults_are_those_of_the_command_line(name: str) -> None:
    options, parameters = options_of(name), parameters_of(name)
    for flag, value in flags_of(name).items():
        if not value.startswith("{"):
            continue
        stated, option = parameters[value.strip("{}")], options[flag]
        assert stated["type"] == "string"
        assert ("default" in stated) != option.required, flag
        if not option.required:
            assert str(stated["default"]) == str(option.default), flag


@each_entry
def test_a_parameter_is_named_like_its_flag(name: str) -> None:
    for flag, value in flags_of(name).items():
        if value.startswith("{"):
            assert flag == "--" + value.strip("{}").replace("_", "-")


def test_a_task_entry_point_starts_its_own_task() -> None:
    for name in ENTRIES:
        if name.startswith("train_"):
            assert flags_of(name)["--task"] == name.removeprefix("train_")


def test_a_stage_takes_the_run_that_the_pipeline_hands_it() -> None:
    for component, facts in FACTS.items():
        own = {"task", "config", "set", "source", "path", "inspect", "cohort"}
        taken = set(parameters_of(component)) - own
        assert taken == ({facts.parameter} if facts.parameter else set())


@each_entry
def test_awkward_values_reach_the_command_line_whole(name: str) -> None:
    parameters = parameters_of(name)
    given = {key: AWKWARD.get(key, "a b") for key in parameters}
    shell = PROJECT.get_entry_point(name).compute_command(given, None)
    arguments = shlex.split(shell)[3:]
    parsed = command_of(name).make_context(name, arguments).params
    by_flag = {flag: option.name for flag, option in options_of(name).items()}
    for flag, value in flags_of(name).items():
        if value.startswith("{"):
            assert parsed[by_flag[flag]] == given[value.strip("{}")]


@each_entry
def test_empty_defaults_stay_empty_arguments(name: str) -> None:
    needed = {k: "x" for k, v in parameters_of(name).items() if "default" not in v}
    shell = PROJECT.get_entry_point(name).compute_command(needed, None)
    command_of(name).make_context(name, shlex.split(shell)[3:])
