"""Templates: escaped, strict, with the shared parts; pictures that cannot run anything."""

from __future__ import annotations

import base64
from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import UndefinedError

from components.core.report.page import environment, image


def render(folder: Path, text: str, **values: object) -> str:
    (folder / "page.html.j2").write_text(text)
    return environment(folder).get_template("page.html.j2").render(**values)


def test_text_of_others_is_escaped_and_what_is_missing_is_an_error(tmp_path: Path) -> None:
    assert render(tmp_path, "{{ a }}", a="<b>&") == "&lt;b&gt;&amp;"
    with pytest.raises(UndefinedError, match="'a' is undefined"):
        render(tmp_path, "{{ a }}")


def test_shared_parts_make_tables_with_captions_and_row_heads(tmp_path: Path) -> None:
    table = SimpleNamespace(
        caption="C<", header=("Name", "Value"), rows=(("x", "0.5 (0.4 to 0.6)"), ("y", "w" * 40)),
        note="N",
    )  # fmt: skip
    page = render(tmp_path, '{% from "parts.html.j2" import table %}{{ table(t) }}', t=table)
    assert "<caption>C&lt;</caption>" in page
    assert '<tr><th scope="row">x</th><td>0.5 (0.4 to 0.6)</td></tr>' in page
    assert f'<td class="long">{"w" * 40}</td>' in page
    assert 'role="region" tabindex="0" aria-label="C&lt;"' in page
    assert '<p class="note">N</p>' in page


def test_notices_and_contents(tmp_path: Path) -> None:
    text = '{% from "parts.html.j2" import notices, contents %}{{ notices(n) }}{{ contents(c) }}'
    grave = SimpleNamespace(level="warning", text="bad & worse")
    page = render(tmp_path, text, n=[grave], c=[("a", "A?")])
    assert '<li class="warning"><b>Warning.</b> bad &amp; worse</li>' in page
    assert '<li><a href="#a">A?</a></li>' in page
    assert "<ul" not in render(tmp_path, text, n=[], c=[])


def test_data_for_a_script_keep_their_order_and_cannot_end_it(tmp_path: Path) -> None:
    page = render(tmp_path, "{{ d | tojson }}", d={"b": "</script>", "a": 1})
    assert page == '{"b":"\\u003c/script\\u003e","a":1}'


def test_a_picture_is_an_address() -> None:
    kind, _, rest = image("<svg/>").partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(rest) == b"<svg/>"
