"""Set the project up from Python 3.11 alone; the second time it takes a second.

Makes `.venv` (everything, for `mlflow`, the tests and the tools), the MLflow project environment
(run-time packages only, found by every later `mlflow run .`), and the tracking store.
Run by `make setup`; needs nothing but the standard library.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements"
STAMP = VENV / "setup-stamp.txt"
PROJECT_STAMP = VENV / "project-environment.txt"
# Where MLflow keeps the environment of this very python_env.yaml, by its own reckoning.
_ENV_FOLDER = """
from pathlib import Path
from mlflow.utils.environment import _PythonEnv
from mlflow.utils.virtualenv import _get_mlflow_virtualenv_root, _get_virtualenv_name
found = _PythonEnv.from_yaml("python_env.yaml")
print(Path(_get_mlflow_virtualenv_root()) / _get_virtualenv_name(found, Path.cwd()))
"""


def main() -> None:
    """Make what is missing."""
    if sys.version_info[:2] != (3, 11):
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"error: Python 3.11 is needed, this is {found}; make setup PYTHON=python3.11")
    environment = _environment()
    if _stamp_differs(STAMP, _wanted("constraints.txt", "requirements-dev.txt")):
        _venv(environment)
        STAMP.write_text(_wanted("constraints.txt", "requirements-dev.txt"))
    if _project_environment_missing():
        _project_environment(environment)
    _tracking_store(environment)


def _wanted(*names: str) -> str:
    content = b"".join((REQUIREMENTS / name).read_bytes() for name in names)
    return hashlib.sha256(content + str(ROOT).encode()).hexdigest()


def _stamp_differs(stamp: Path, wanted: str) -> bool:
    return not (stamp.exists() and stamp.read_text() == wanted and PYTHON.exists())


def _environment() -> dict[str, str]:
    """Return the environment for uv: it does not read pip's own find-links.

    Bytecode is compiled once, here: where Python is told not to write any
    (`PYTHONDONTWRITEBYTECODE`), importing MLflow alone would compile for 3 s at every start.
    """
    environment = {"UV_COMPILE_BYTECODE": "1", **os.environ}
    if "UV_FIND_LINKS" not in environment:
        asked = [sys.executable, "-m", "pip", "config", "get", "global.find-links"]
        found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
        if found:
            environment["UV_FIND_LINKS"] = ",".join(found.split())
    environment["PATH"] = os.pathsep.join([str(VENV / "bin"), environment.get("PATH", "")])
    environment.pop("VIRTUAL_ENV", None)
    return environment


def _venv(environment: dict[str, str]) -> None:
    _say("set-up: .venv")
    if VENV.exists() and not PYTHON.exists():
        shutil.rmtree(VENV)
    if not PYTHON.exists():
        _run([sys.executable, "-m", "venv", str(VENV)], environment)
    uv = next(
        line for line in (REQUIREMENTS / "constraints.txt").read_text().splitlines()
        if line.startswith("uv==")
    )  # fmt: skip
    _run([str(PYTHON), "-m", "pip", "install", "--quiet", uv], environment)
    listed = ["-r", str(REQUIREMENTS / "requirements.txt"),
              "-r", str(REQUIREMENTS / "requirements-dev.txt")]  # fmt: skip
    install = [str(PYTHON), "-m", "uv", "pip", "install", "--quiet", "--python", str(PYTHON)]
    _run([*install, *listed], environment)


def _project_key() -> str:
    return hashlib.sha256((ROOT / "python_env.yaml").read_bytes()).hexdigest()


def _project_environment_missing() -> bool:
    if not PROJECT_STAMP.exists():
        return True
    key, folder = PROJECT_STAMP.read_text().split("\n")[:2]
    return key != _project_key() or not (Path(folder) / "bin" / "python").exists()


def _project_environment(environment: dict[str, str]) -> None:
    """Let MLflow make its environment with uv; its folder is named by a hash of its content."""
    _say("set-up: the MLflow project environment")
    run = [str(VENV / "bin" / "mlflow"), "run", str(ROOT), "-e", "doctor", "--env-manager", "uv"]
    _run(run, environment)
    asked = subprocess.run([str(PYTHON), "-c", _ENV_FOLDER], cwd=ROOT, env=environment,
                           capture_output=True, text=True, check=True)  # fmt: skip
    PROJECT_STAMP.write_text(f"{_project_key()}\n{asked.stdout.strip()}\n")


def _tracking_store(environment: dict[str, str]) -> None:
    """Create the schema once: two first users of a fresh SQLite file would collide."""
    database = ROOT / "mlruns" / "mlflow.db"
    if "MLFLOW_TRACKING_URI" in environment or (database.exists() and database.stat().st_size):
        return
    _run([str(VENV / "bin" / "mlflow"), "db", "upgrade", f"sqlite:///{database}"], environment)


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    if done.returncode:
        sys.exit(f"error: `{' '.join(command[:6])} …` ended with {done.returncode}; see above")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
