"""The page: one file, every check, escaped, with the picture where there are signals."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from components.audit.report.page import evidence_lines, headline, render_page
from components.core.config.sections import LabelConfig

LABEL = LabelConfig(name="toy", definition="toy <event>", prediction_time="day 0")


def row(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "check": name, "severity": "block", "status": status, "sentence": f"{name} says & more",
        "evidence": {}, "waiver": "", **more,
    }  # fmt: skip


def test_a_page_shows_every_check_worst_first_and_loads_nothing() -> None:
    rows = [
        row("fine", "ok"),
        row("looks", "info", evidence={"openings": 3}),
        row("known", "waived", waiver="because <b>"),
        row("bad", "refused", evidence={"bound": 0.95, "nearest": [0.1, 0.5, 0.97], "rows": [4]}),
    ]
    page = render_page(rows, label=LABEL, cohort="abc", counts={"records": 10.0})
    assert re.findall(r'scope="row">(\w+)</th><td>\w+ says', page) == [
        "bad", "known", "looks", "fine",
    ]  # fmt: skip
    assert "toy &lt;event&gt;" in page
    assert "because &lt;b&gt;" in page
    assert page.count("<script") == 1
    assert "src=" not in page.split("<script")[1]
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    (image,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    svg = base64.b64decode(image).decode()
    assert "copies from 0.95 on" in svg or "<svg" in svg
    assert "<h1>1 of 4 checks found a leak: training is blocked</h1>" in page


def test_without_signals_there_is_no_picture() -> None:
    page = render_page([row("fine", "ok")], label=LABEL, cohort="abc", counts={})
    assert "<img" not in page
    assert re.findall(r'href="#(\w+)"', page) == ["glance", "glance", "evidence", "origin"]
    assert "No leak found by 1 checks" in page


@pytest.mark.parametrize(
    ("states", "line"),
    [
        (["ok", "info"], "No leak found by 2 checks"),
        (["ok", "waived"], "No leak is left, but 1 check(s) were waived"),
        (["refused", "waived"], "1 of 2 checks found a leak"),
    ],
)
def test_the_verdict(states: list[str], line: str) -> None:
    assert headline([row(s, s) for s in states]).startswith(line)


def test_evidence_as_lines() -> None:
    lines = evidence_lines(
        {
            "rows": list(range(30)), "empty": [], "nothing": None, "nearest": [0.5],
            "per_fold": {"a": {"given": 3}, "b": 0.123456789}, "listed": [{"row": 1, "r": 0.5}],
        }
    )  # fmt: skip
    assert lines == [
        ("rows", "; ".join(str(n) for n in range(20)) + "; and 10 more"),
        ("per fold: a", "given 3"),
        ("per fold: b", "0.123457"),
        ("listed", "row 1, r 0.5"),
    ]
