"""The page: valid, self-contained, accessible, and complete."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from components.core.errors import ConfigError
from components.core.report.section import Live, Section
from components.evaluate.report import wording
from components.evaluate.report.data import ReportData
from components.evaluate.report.html import render_html
from tests.evaluate.report.example import example, tiny

VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """Checks nesting and collects what an accessibility check asks for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.lines: dict[str, list[str]] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.lines.setdefault(self.open[-1], []).append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def data() -> ReportData:
    return example()


@pytest.fixture(scope="module")
def page(data: ReportData) -> Page:
    return Page(render_html(data))


def test_page_is_well_formed_and_accessible(page: Page) -> None:
    assert page.open == []
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == 1
    assert all(attributes.get("scope") in ("row", "col") for attributes in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(each["aria-label"] for each in page.all("div") if each.get("role") == "region")
    assert len(page.all("img")) == 4
    assert all(len(attributes["alt"] or "") > 20 for attributes in page.all("img"))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    sections = [attributes["aria-labelledby"] for attributes in page.all("section")]
    assert [each["href"] for each in page.all("a")] == ["#what", *(f"#{name}" for name in sections)]
    assert {*sections, "operating_points-data"} == set(ids)
    assert [len(page.all(name)) for name in ("header", "nav", "main")] == [1, 1, 1]


def test_page_loads_nothing_and_fits_the_viewer(data: ReportData, page: Page) -> None:
    assert page.all("link") == page.all("iframe") == page.all("form") == []
    for _, attributes in page.tags:
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith(("data:", "#"))
        assert not [name for name in attributes if name.startswith("on")]
    text = render_html(data)
    assert len(text.encode()) < 1_500_000
    script = text.split("<script>")[1]
    # What a sandboxed frame refuses, and what would reach out of the page.
    refused = ("eval(", "Function(", "fetch(", "XMLHttp", "localStorage", "innerHTML", "alert(")
    assert not [each for each in refused if each in script]
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")


def test_without_a_script_everything_is_there(data: ReportData) -> None:
    bare = re.sub(r"<script.*?</script>", "", render_html(data), flags=re.S)
    Page(bare)
    points = data.sections[0]
    assert points.live is not None
    for row in points.tables[0].rows:
        for cell in row[1:]:
            assert f">{cell}</td>" in bare
    assert re.findall(r'<div class="live"[^>]* hidden></div>', bare)


def test_the_script_gets_its_data_whole_and_harmless(data: ReportData) -> None:
    bad = Live(kind="thresholds", data={"b": "</script><b>", "a": [0.1, None]})
    section = Section(name="x", title="X", live=bad)
    text = render_html(replace(data, sections=(section,), plots={}))
    (kept,) = re.findall(r'<script type="application/json" id="x-data">(.*?)</script>', text)
    assert json.loads(kept) == bad.data
    assert list(json.loads(kept)) == ["b", "a"]
    assert "<b>" not in kept


def test_the_verdict_comes_before_everything_else(data: ReportData) -> None:
    text = render_html(data)
    assert f"<h1>{data.title}</h1>" in text
    parts = ("<h1>", wording.headline(data)[:20], 'class="tiles"', "Not for clinical", "<nav")
    places = [text.index(part) for part in parts]
    assert text.index("<body>") < places[0]
    assert places[1:] == sorted(places[1:])


def test_every_figure_and_fact_is_on_the_page(data: ReportData) -> None:
    text = render_html(data)
    for name, interval in data.figures.items():
        assert wording.metric_of(name).title in text
        assert f"{interval.lo:.3f} to" in text.replace("−", "-")
    for needed in (
        data.label_definition,
        data.prediction_time,
        data.provenance.fingerprint,
        data.provenance.commit,
        "Not for clinical use",
        "fit.lr",
        "2,100",
        data.oracle.text() if data.oracle else "",
        "no clinical skill",
        "Platt scaling, fitted on validation",
        "SD of folds",
        "torch 2.13.0",
        "calibrated probability at or above",
    ):
        assert needed in text


def test_text_of_others_cannot_become_markup(data: ReportData) -> None:
    bad = replace(data, title="<script>alert(1)</script>", config={"<b>": "<i>"}, plots={})
    text = render_html(bad)
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
    assert "<i>" not in text
    assert "&lt;confirmed&gt;" in text


def test_what_a_run_lacks_is_said_or_left_out() -> None:
    text = render_html(tiny())
    Page(text)
    assert "Underpowered" in text
    assert "No audit was run" in text
    assert "No simple model was fitted" in text
    assert "Without recalibration" in text
    for absent in ("planted signal was found", "Spread over folds", "Configuration", "<dt>Run"):
        assert absent not in text


def test_cross_validation_shows_pooled_figures_and_thresholds_of_folds(data: ReportData) -> None:
    assert data.threshold is not None
    crossed = replace(
        data,
        plots={},
        share=None,
        pooled={"auroc": data.figures["auprc"]},
        threshold=replace(data.threshold, value=float("nan")),
    )
    text = render_html(crossed)
    assert "each fold has its own" in text
    assert '<th scope="col">Pooled</th>' in text
    assert data.figures["auprc"].text() in text
    assert "of the way from chance" not in text


def test_an_unknown_plot_is_refused(data: ReportData) -> None:
    with pytest.raises(ConfigError, match="no place for plot 'rok'; did you mean 'roc'"):
        render_html(replace(data, plots={"rok": "<svg/>"}))
