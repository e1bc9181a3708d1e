"""Where things lie, what may import what, and what no file may say."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_mlproject import ENTRIES

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS = sorted(f.parent.name for f in ROOT.glob("components/*/__init__.py"))
COMMANDS = [name for name in COMPONENTS if name != "core"]
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Written in two halves, so that this file passes its own test.
FORBIDDEN = ("/wo" "rk/", "/ro" "ot/", "py" "pi.org", "files.python" "hosted")  # fmt: skip
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Every file that git tracks or would track."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is no git checkout")
    files = [ROOT / name for name in done.stdout.split("\0") if name]
    return [file for file in files if file.is_file() and not file.is_symlink()]


@pytest.mark.parametrize("component", COMMANDS)
@pytest.mark.parametrize("name", ["cli.py", "run.py", "README.md", "__main__.py"])
def test_every_component_has_its_four_files(component: str, name: str) -> None:
    assert (ROOT / "components" / component / name).is_file()


def test_core_has_no_command_line() -> None:
    assert not list((ROOT / "components" / "core").rglob("cli.py"))


@pytest.mark.parametrize("component", COMMANDS)
def test_plain_functions_know_neither_mlflow_nor_click(component: str) -> None:
    text = (ROOT / "components" / component / "run.py").read_text()
    assert not re.search(r"^\s*(import|from)\s+(mlflow|click)\b", text, re.M)


def test_one_file_imports_mlflow_for_runs() -> None:
    users = {
        file.relative_to(ROOT).as_posix()
        for file in [*ROOT.glob("components/**/*.py"), *ROOT.glob("pipelines/**/*.py")]
        if re.search(r"^\s*(import|from)\s+mlflow\b", file.read_text(), re.M)
    }
    allowed = {
        "components/core/child_runs.py",
        "components/core/aliases.py",
        "components/core/logged_model.py",
        "components/core/model_card.py",
        "components/core/runs.py",
        "components/core/registry.py",
        "components/core/serving_model.py",
        "pipelines/run.py",
    }
    assert users == allowed


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_every_entry_point_stands_in_the_readme(name: str) -> None:
    assert f"`{name}`" in (ROOT / "README.md").read_text()


def test_import_contracts_hold() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_import_contracts_name_every_component() -> None:
    contracts = {c["name"]: c for c in SETTINGS["tool"]["importlinter"]["contracts"]}
    every = {f"components.{name}" for name in COMMANDS}
    assert set(contracts["core is the leaf"]["forbidden_modules"]) == every | {"pipelines"}
    alone = contracts["components import core and nothing of each other"]
    assert set(alone["modules"]) == every
    assert set(contracts["pipelines import core only"]["forbidden_modules"]) == every


def test_only_evaluate_and_explain_import_the_test_split() -> None:
    contracts = SETTINGS["tool"]["importlinter"]["contracts"]
    closed = next(c for c in contracts if c["name"] == "training cannot open the test split")
    assert "components.core.data.held_out" in closed["forbidden_modules"]
    assert {"components.train", "components.audit", "components.preprocess"} <= set(
        closed["source_modules"]
    )
    assert "components.evaluate" not in closed["source_modules"]
    users = {
        file.relative_to(ROOT / "components").parts[0]
        for file in ROOT.glob("components/*/**/*.py")
        if "data.held_out import" in file.read_text()
    }
    assert users == {"evaluate", "explain"}


def test_no_file_names_a_machine_or_a_registry(tracked: list[Path]) -> None:
    found = [
        f"{file.relative_to(ROOT)}: {word}"
        for file in tracked
        for word in FORBIDDEN
        if word.encode() in file.read_bytes()
    ]
    assert found == []


def test_no_large_file_is_tracked(tracked: list[Path]) -> None:
    limit = 500_000  # bytes; pictures of the documentation are below 300 kB
    assert [f.name for f in tracked if f.stat().st_size > limit] == []


def test_links_between_documents_lead_somewhere(tracked: list[Path]) -> None:
    broken = [
        f"{file.relative_to(ROOT)}: {target}"
        for file in tracked
        if file.suffix == ".md"
        for target in LINK.findall(file.read_text())
        if "://" not in target and not (file.parent / target).exists()
    ]
    assert broken == []


def test_modules_say_what_they_are(tracked: list[Path]) -> None:
    silent = [
        file.relative_to(ROOT).as_posix()
        for file in tracked
        if file.suffix == ".py" and not file.read_text().lstrip().startswith(('"""', "#!"))
    ]
    assert silent == []


def test_pickle_is_used_nowhere() -> None:
    pattern = re.compile(r"^\s*(import|from)\s+(pickle|cloudpickle|joblib|dill)\b", re.M)
    load = re.compile(r"torch\.load\((?!.*weights_only=True)")
    for file in [*ROOT.glob("components/**/*.py"), *ROOT.glob("pipelines/**/*.py")]:
        # The error alone, by which `torch.load(weights_only=True)` refuses whatever needs pickle.
        text = file.read_text().replace("\nfrom pickle import UnpicklingError\n", "\n")
        assert not pattern.search(text), file
        assert not load.search(text), file
