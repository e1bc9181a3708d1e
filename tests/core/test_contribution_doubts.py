"""What no contribution can be read from, in words."""

from __future__ import annotations

from components.core.contribution_doubts import doubts, unmeasured, untaught_tokens
from tests.core.test_contribution_facts import network


def test_what_no_network_learned_or_measured_is_said_once() -> None:
    plain = network(0.1, 0.1, 0.1)
    assert doubts([plain]) == []
    first = network(0.1, 0.1, 0.1, untaught=["pcg", "tabular"])
    second = network(0.1, 0.1, 0.1, untaught=["pcg"], nowhere=["ecg_image"])
    (token,) = untaught_tokens([plain, first, second])
    assert token.startswith("no training record lacked the table and the heart sound and none was")
    assert token.endswith("set fit.modality_dropout above 0")
    (nobody,) = unmeasured([first, second])
    assert nobody.startswith("no validation record of a fold has the ECG image, so that its")
    assert doubts([second, first]) == [token, nobody]
