"""The gate's file: its defaults, another file, single keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.core.errors import ConfigError
from components.promote.gate import DEFAULT, load_gate


def test_defaults_are_those_of_the_specification() -> None:
    gate = load_gate()
    assert (gate.discrimination.rule, gate.discrimination.margin) == ("superiority", 0.02)
    assert (gate.discrimination.level, gate.discrimination.draws) == (0.95, 2000)
    assert (gate.calibration.slope, gate.calibration.ece) == ((0.8, 1.25), 0.05)
    assert gate.calibration.chance == 0
    groups = gate.subgroups
    assert (groups.min_events, groups.floor, groups.largest_fall) == (20, 0.60, 0.05)
    assert gate.reproduction.tolerance == 1e-5
    assert gate.first_champion.above == 0.5


def test_single_keys_and_a_whole_file(tmp_path: Path) -> None:
    gate = load_gate("", "discrimination.rule=non_inferiority calibration.slope=[0.5,2]")
    assert gate.discrimination.rule == "non_inferiority"
    assert gate.calibration.slope == (0.5, 2.0)
    file = tmp_path / "my.yaml"
    file.write_text(gate.to_yaml())
    assert load_gate(str(file)) == gate


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("subgroups.flor=0.7", "unknown key 'subgroups.flor' in the gate 'gate.yaml'; did you me"),
        ("audit.passed=false", "'audit.passed' in the gate 'gate.yaml' is 'False'"),
        ("model_card.complete=false", "'model_card.complete' in the gate 'gate.yaml' is 'False'"),
        ("calibration.slope=[1.1,2]", "the slope's bounds must lie around 1"),
        ("discrimination.rule=better", "'discrimination.rule' in the gate 'gate.yaml' is 'better'"),
        ("discrimination.level=0.5", "'discrimination.level' in the gate"),
        ("subgroups.min_events=5", "'subgroups.min_events' in the gate"),
        ("reproduction.tolerance=0.1", "'reproduction.tolerance' in the gate"),
        ("calibration.ece.most=1", "'calibration.ece.most' cannot be set: 'ece' holds a value"),
    ],
)
def test_a_wrong_setting_is_named(settings: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("[", r"\[")):
        load_gate("", settings)


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the gate file '.*none.yaml' cannot be read; correct"):
        load_gate(str(tmp_path / "none.yaml"))
    file = tmp_path / "my.yaml"
    file.write_text("a: [")
    with pytest.raises(ConfigError, match=r"the gate file 'my.yaml' is not YAML; correct it"):
        load_gate(str(file))
    file.write_text("- a")
    with pytest.raises(ConfigError, match=r"'my.yaml' must hold a mapping of sections"):
        load_gate(str(file))
    file.write_text(DEFAULT.read_text().replace("  floor: 0.60           # lowest AUROC\n", ""))
    with pytest.raises(ConfigError, match=r"'subgroups.floor' is missing in the gate 'my.yaml'"):
        load_gate(str(file))
