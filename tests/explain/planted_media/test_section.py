"""What the section says and logs."""

from __future__ import annotations

from dataclasses import replace

from components.core.metrics.interval import Interval
from components.explain.planted import Located, Taught
from components.explain.planted_media.order import Order
from components.explain.planted_media.section import section
from components.explain.planted_media.shares import Share
from tests.tracking_names import uncovered

TITLES = {"ig": "Integrated Gradients", "grad_cam": "Grad-CAM"}


def of(value: float) -> Interval:
    return Interval(value, value - 0.01, value + 0.01, 100, 0, "made")


def beside(share: float, control: float) -> Located:
    return Located(
        share=of(share), control=of(control), controls=(Taught(share=control, relative=0.5),),
        blind=0, ratio=of(share / control), records=9,
    )  # fmt: skip


FULL = Share(
    share=of(0.4), even=of(0.2), over_even=of(2.0), drawn=beside(0.5, 0.25),
    taught=beside(0.4, 0.1), records=9,
)  # fmt: skip
ORDER = Order(agreement=of(0.9), most=0.94, absolute={"age": 0.3, "sex": 0.05})


def test_shares_networks_and_order_are_told_and_logged() -> None:
    found = section(
        {"page": {"ig": FULL, "grad_cam": replace(FULL, drawn=None, taught=None)}},
        {"ig": ORDER},
        sizes={"sex": 0.0, "age": 0.4},
        titles=TITLES,
    )
    whole, taught, fields = found.tables
    assert whole.rows[0] == (
        "Integrated Gradients", "0.400 (0.390 to 0.410)", "0.200 (0.190 to 0.210)",
        "2.00 (1.99 to 2.01)", "0.250 (0.240 to 0.260)", "2.00 (1.99 to 2.01)",
        "0.25 (50 % as much)",
    )  # fmt: skip
    assert whole.rows[1][4:] == ("—", "—", "—")
    assert taught.rows == ((
        "Integrated Gradients", "0.400 (0.390 to 0.410)", "0.100 (0.090 to 0.110)",
        "4.00 (3.99 to 4.01)", "0.10 (50 % as much)",
    ),)  # fmt: skip
    assert all(len(row) == len(table.header) for table in found.tables for row in table.rows)
    assert fields.rows[0] == ("age", "0.40", "0.300")
    assert [row[-1] for row in fields.rows[-2:]] == ["0.90 (0.89 to 0.91)", "0.94"]
    assert found.notices == ()
    assert set(found.figures) == {
        *(f"planted_{name}/page/ig" for name in (
            "share", "even", "over_even", "share_drawn", "over_drawn", "share_control", "ratio")),
        *(f"planted_{name}/page/grad_cam" for name in ("share", "even", "over_even")),
        "planted_order/ig",
    }  # fmt: skip
    assert found.figures["planted_over_drawn/page/ig"].value == 2.0
    assert uncovered(f"explain/{name}{end}" for name in found.figures for end in ("", "_lo")) == []


def test_networks_that_were_left_out_and_unknown_units_are_noticed() -> None:
    blind = replace(FULL, drawn=replace(beside(0.5, 0.25), blind=2), taught=None)
    found = section({"murmur": {"ig": blind}}, {}, sizes={}, titles=TITLES, unknown=("age",))
    assert "Up to 2 network(s) that a planted place was compared with" in found.notices[0].text
    assert "The planted unit of age is not known here" in found.notices[1].text
    assert len(found.text) == 2
