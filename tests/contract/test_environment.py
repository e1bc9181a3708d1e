"""The environment files say the same, and name no accelerator's packages."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.core.registry import REQUIREMENTS
from components.doctor.run import PYTHON as DOCTORS_PYTHON
from scripts.lock import ACCELERATOR, PYTHON, read_direct, render

ROOT = Path(__file__).resolve().parents[2]
GENERATED = (
    "requirements/constraints.txt",
    "requirements/requirements.txt",
    "requirements/requirements-dev.txt",
    "python_env.yaml",
    "conda.yaml",
)


def pins(name: str) -> list[str]:
    return [line for line in (ROOT / name).read_text().splitlines() if "==" in line]


def plain(pin: str) -> str:
    """Return a pin with its name normalised (PEP 503), without extras: a lock spells them out."""
    name, sign, number = re.sub(r"\[.*\]", "", pin).partition("==")
    return re.sub(r"[-_.]+", "-", name).lower() + sign + number


CONSTRAINTS, RUNTIME = pins(GENERATED[0]), pins(GENERATED[1])


@pytest.mark.parametrize("name", GENERATED)
def test_every_generated_file_is_what_the_script_writes(name: str) -> None:
    assert (ROOT / name).read_text() == render(CONSTRAINTS, RUNTIME)[name]


def test_the_script_generates_these_files_and_no_other() -> None:
    assert set(render(CONSTRAINTS, RUNTIME)) == set(GENERATED)


def test_both_project_environments_hold_the_same_pins() -> None:
    python_env: dict[str, Any] = yaml.safe_load((ROOT / "python_env.yaml").read_text())
    conda: dict[str, Any] = yaml.safe_load((ROOT / "conda.yaml").read_text())
    assert python_env["dependencies"] == RUNTIME
    assert conda["dependencies"][-1]["pip"] == RUNTIME
    assert python_env["python"] == PYTHON
    assert f"python={PYTHON}" in conda["dependencies"]
    assert ".".join(map(str, DOCTORS_PYTHON)) == PYTHON


def test_every_direct_pin_is_locked_where_it_belongs() -> None:
    direct = read_direct()
    assert {plain(p) for p in direct["runtime"]} <= {plain(p) for p in RUNTIME}
    development = {plain(p) for p in pins(GENERATED[2])}
    assert {plain(p) for p in direct["dev"]} <= development | {plain(p) for p in RUNTIME}
    assert {plain(p) for p in CONSTRAINTS} == development | {plain(p) for p in RUNTIME}


def test_every_pin_is_exact_and_stands_once() -> None:
    names = [plain(p).split("==")[0] for p in CONSTRAINTS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!]+", p) for p in CONSTRAINTS)


def test_torch_is_pinned_without_a_build_and_without_its_accelerators() -> None:
    assert [p for p in CONSTRAINTS if p.startswith("torch==")] == ["torch==2.13.0"]
    assert [p for p in CONSTRAINTS if ACCELERATOR.match(p)] == []
    assert [p for p in CONSTRAINTS if "nvidia" in p or "triton" in p] == []


def test_the_tests_run_in_the_pinned_environment() -> None:
    found = {p: version(p.split("==")[0]).split("+")[0] for p in RUNTIME}
    assert {p: v for p, v in found.items() if p.split("==")[1] != v} == {}


def test_what_a_registered_model_requires_is_pinned() -> None:
    locked = {plain(p).split("==")[0] for p in RUNTIME}
    assert set(REQUIREMENTS) <= locked
