"""The files of the service's page, without a browser: what they hold and how they hang together."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "components" / "serve" / "page"
MODULES = sorted(PAGE.glob("*.js"))
HTML = (PAGE / "index.html").read_text()
STYLE = (PAGE / "style.css").read_text()
SCRIPT = "\n".join(file.read_text() for file in MODULES)
VOID = frozenset(("meta", "link", "input", "img", "br", "hr"))
# Names, not addresses: nothing is fetched from a namespace.
NAMESPACES = ("http://www.w3.org/2000/svg",)
NOTICE = "Research only. Not for clinical use."
# Ways to turn text into elements or code, and to keep anything beyond the tab.
FORBIDDEN = (
    "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "srcdoc",
    "createContextualFragment", "eval(", "new Function", "localStorage", "indexedDB",
    "document.cookie", "serviceWorker", 'setAttribute("style"', 'setAttribute("on',
)  # fmt: skip
REFERENCES = ("for", "aria-labelledby", "aria-describedby", "aria-controls")


class Element:
    def __init__(self, tag: str, attributes: dict[str, str], above: Element | None) -> None:
        self.tag, self.attributes, self.above = tag, attributes, above
        self.text = ""

    def line(self) -> list[Element]:
        """Return the element and all that it lies in."""
        return [self, *(self.above.line() if self.above else [])]


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[Element] = []
        self.elements: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        element = Element(tag, own, self.open[-1] if self.open else None)
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data


@pytest.fixture(scope="module")
def elements() -> list[Element]:
    reader = Reader()
    reader.feed(HTML)
    assert not reader.open
    return reader.elements


@pytest.fixture(scope="module")
def ids(elements: list[Element]) -> list[str]:
    return [each.attributes["id"] for each in elements if "id" in each.attributes]


def tagged(elements: list[Element], tag: str) -> list[Element]:
    return [each for each in elements if each.tag == tag]


def colours() -> dict[str, str]:
    return dict(re.findall(r"--([a-z]+): (#[0-9a-f]{3,6})", STYLE))


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_nothing_runs_or_is_styled_inline(elements: list[Element]) -> None:
    for element in elements:
        assert element.tag != "style"
        assert element.tag != "script" or ("src" in element.attributes and not element.text)
        wrong = [name for name in element.attributes if name == "style" or name.startswith("on")]
        assert not wrong, (element.tag, wrong)


def test_nothing_is_fetched_from_elsewhere() -> None:
    for file in sorted(PAGE.iterdir()):
        text = file.read_text()
        for name in NAMESPACES:
            text = text.replace(name, "")
        assert not re.search(r"""(?i)\b(?:https?|wss?|ftp):|["'(=]//\w""", text), file.name
    assert "@import" not in STYLE
    assert set(re.findall(r"url\(\"?([^\")]+)", STYLE)) <= {"#pattern-event", "#pattern-none"}


@pytest.mark.parametrize("word", FORBIDDEN)
def test_no_module_makes_elements_or_code_of_text_or_keeps_anything(word: str) -> None:
    assert word not in SCRIPT


def test_the_token_alone_is_kept_for_the_tab() -> None:
    users = [file.name for file in MODULES if "sessionStorage" in file.read_text()]
    assert users == ["api.js"]


def test_files_that_the_page_names_exist(elements: list[Element]) -> None:
    named = [
        each.attributes[key]
        for each in elements
        for key in ("src", "href")
        if each.attributes.get(key, "").startswith("page/")
    ]
    assert sorted(named) == ["page/app.js", "page/style.css"]
    assert all((PAGE.parent / name).is_file() for name in named)


def test_every_module_is_reached_and_every_import_exists() -> None:
    imports = {
        file.name: set(re.findall(r"""from "\./([\w.]+)";""", file.read_text())) for file in MODULES
    }
    reached, new = set[str](), {"app.js"}
    while new:
        reached |= new
        new = set().union(*(imports[name] for name in new)) - reached
    assert reached == {file.name for file in MODULES}


def test_what_is_imported_is_exported_and_used() -> None:
    for file in MODULES:
        text = file.read_text()
        for names, source in re.findall(r'import \{\s*([^}]+?),?\s*\} from "\./([\w.]+)";', text):
            exported = (PAGE / source).read_text()
            for name in re.split(r",\s*", names):
                said = rf"export (?:async )?(?:const|function|class) {name}\b"
                assert re.search(said, exported), (file.name, source, name)
                assert len(re.findall(rf"\b{name}\b", text)) > 1, (file.name, name)


def test_ids_are_unique(ids: list[str]) -> None:
    assert len(ids) == len(set(ids))


def test_every_id_that_is_referred_to_exists(elements: list[Element], ids: list[str]) -> None:
    for element in elements:
        for name in REFERENCES:
            assert set(element.attributes.get(name, "").split()) <= set(ids), element.attributes
        target = element.attributes.get("href", "")
        assert not target.startswith("#") or target[1:] in ids, target


def test_every_id_that_a_module_asks_for_exists(ids: list[str]) -> None:
    asked = set(re.findall(r'byId\("([\w-]+)"\)', SCRIPT))
    runners = re.findall(r"runner\(\{([^}]+)\}\)", SCRIPT)
    assert len(runners) == 2
    asked |= {name for runner in runners for name in re.findall(r': "([\w-]+)"', runner)}
    assert len(asked) > 40
    assert asked <= set(ids), asked - set(ids)


def test_the_notice_stands_where_nothing_hides_it(elements: list[Element]) -> None:
    (notice,) = (each for each in elements if each.attributes.get("id") == "research")
    assert notice.text.strip() == NOTICE
    for element in notice.line():
        assert not {"hidden", "aria-hidden"} & set(element.attributes)
        assert element.tag not in {"details", "dialog", "noscript", "template"}
        assert "hidden" not in element.attributes.get("class", "")


def test_the_notice_stands_in_the_view_above_the_page_too(elements: list[Element]) -> None:
    dialogs = tagged(elements, "dialog")
    assert dialogs
    for dialog in dialogs:
        notices = [each for each in elements if each.attributes.get("class") == "research"]
        assert any(dialog in each.line() and each.text.strip() == NOTICE for each in notices)


def test_no_rule_hides_the_notice() -> None:
    for selector, rule in re.findall(r"([^{}]+)\{([^{}]*)\}", STYLE):
        about = any(".research" in part or "header" in part for part in selector.split(","))
        hides = re.search(r"display: none|visibility|opacity|clip|font-size: 0|left: -", rule)
        assert not (about and hides), selector


def test_paper_repeats_the_notice_on_every_sheet() -> None:
    paper = STYLE[STYLE.index("@media print") :]
    assert re.search(r"body \{ display: table;", paper)
    rule = re.search(r"body > \.research \{([^}]*)\}", paper)
    assert rule
    assert "display: table-header-group" in rule[1]
    assert "break-inside: avoid" in rule[1]


def test_the_screen_keeps_the_notice_in_sight() -> None:
    rule = re.search(r"^\.research \{([^}]*)\}", STYLE, re.M)
    assert rule
    assert "position: sticky" in rule[1]
    assert "top: 0" in rule[1]


def test_the_page_tells_its_language_and_title_and_lets_people_zoom(
    elements: list[Element],
) -> None:
    (html,) = tagged(elements, "html")
    assert html.attributes["lang"] == "en-GB"
    (title,) = tagged(elements, "title")
    assert title.text
    (viewport,) = (e for e in elements if e.attributes.get("name") == "viewport")
    assert viewport.attributes["content"] == "width=device-width, initial-scale=1"


def test_one_main_part_one_head_and_no_level_left_out(elements: list[Element]) -> None:
    assert len(tagged(elements, "main")) == 1
    levels = [int(each.tag[1]) for each in elements if re.fullmatch("h[1-6]", each.tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_every_control_has_a_name(elements: list[Element]) -> None:
    labelled = {each.attributes["for"] for each in tagged(elements, "label")}
    for element in elements:
        if element.tag in {"input", "select", "textarea"}:
            assert element.attributes["id"] in labelled
        if element.tag == "button":
            assert element.text.strip()
            assert element.attributes["type"] in {"button", "submit"}
        if element.tag in {"progress", "dialog", "section"}:
            assert "aria-labelledby" in element.attributes
        if element.tag == "img":
            assert "alt" in element.attributes


@pytest.mark.parametrize("text", ["ink", "soft", "blue", "warn"])
@pytest.mark.parametrize("ground", ["paper", "tint", "warntint"])
def test_text_stands_out_from_its_ground(text: str, ground: str) -> None:
    assert contrast(colours()[text], colours()[ground]) >= 4.5


@pytest.mark.parametrize("line", ["edge", "event", "none", "warn"])
def test_lines_stand_out_from_paper(line: str) -> None:
    assert contrast(colours()[line], colours()["paper"]) >= 3


def test_the_style_answers_paper_chosen_colours_and_focus() -> None:
    for said in ("@media print", "@page", "forced-colors: active", "prefers-reduced-motion",
                 ":focus-visible"):  # fmt: skip
        assert said in STYLE


def test_files_stay_small() -> None:
    for file in sorted(PAGE.iterdir()):
        assert file.suffix in {".html", ".css", ".js"}
        lines = file.read_text().splitlines()
        assert len(lines) <= 200, file.name
        assert max(map(len, lines)) <= 260, file.name
    assert sum(file.stat().st_size for file in PAGE.iterdir()) < 150_000
