"""The explanation as one self-contained page: whether to trust it, the cohort, single records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.core.attribution.baseline import stated
from components.core.modalities import TITLES, told_once
from components.core.report.page import environment, image
from components.core.report.palette import AGAINST, TOWARDS
from components.core.report.section import Notice, Plot, Section, Table
from components.explain.pictures.tokens import LEVELS, Marked

TEMPLATE = "report.html.j2"
# Marks go up to half of the full colour, on which black letters keep a contrast of 7:1.
_LEVELS = [(level, round(50 * level / LEVELS)) for level in range(1, LEVELS + 1)]


@dataclass(frozen=True, kw_only=True)
class Head:
    """What the page is about.

    Attributes:
        title: what the model predicts.
        model: which one, e.g. a registered version or the run.
        target: what is attributed, e.g. the log-odds of CTRCD within a year.
        inputs: modalities that are attributed, keys of `core.attribution.baseline.STATED`.
        part: `val` or `test`.
        records: explained.
        patients: whose records they are.
        events: records with the event; None where labels are unknown.
        methods: titles of the methods.
        unit: of the ECG tensors.
    """

    title: str
    model: str
    target: str
    inputs: tuple[str, ...]
    part: str
    records: int
    patients: int
    events: int | None
    methods: tuple[str, ...]
    unit: str = "mV"

    def rows(self) -> list[tuple[str, str]]:
        """Return name and text of each line of the head.

        Raises:
            CardioError: a modality's baseline is not stated.
        """
        said = told_once({name: stated(name, unit=self.unit) for name in self.inputs}, TITLES)
        compared = "; ".join(f"{name}: {text}" for name, text in said.items())
        return [
            ("Model", self.model), ("Attributed", self.target), ("Compared with", compared),
            ("Methods", ", ".join(self.methods)), ("Explained", self.counted()),
        ]  # fmt: skip

    def counted(self) -> str:
        """Return how many are explained, with the prevalence."""
        part = {"val": "validation part", "test": "test part"}.get(self.part, self.part)
        text = f"{self.records:,} records of {self.patients:,} patients ({part})"
        if self.events is None or not self.records:
            return f"{text}, prevalence not known"
        return f"{text}, prevalence {100 * self.events / self.records:.1f} % ({self.events:,})"


@dataclass(frozen=True, kw_only=True)
class Record:
    """A single record on the page.

    Attributes:
        name: `row-N`, or `row-N.k` where a line brought several records.
        facts: lines of text, e.g. `overlay.Answer.facts`.
        plots: its ECG.
        tables: its groups.
        words: its note, where whole notes were asked for.
    """

    name: str
    facts: tuple[str, ...] = ()
    plots: tuple[Plot, ...] = ()
    tables: tuple[Table, ...] = ()
    words: tuple[Marked, ...] = ()


def render_page(
    *,
    head: Head,
    notices: Sequence[Notice],
    faithfulness: Sequence[Section],
    cohort: Sequence[Section],
    records: Sequence[Record] = (),
) -> str:
    """Return the page: one file that loads nothing and says all of it without its script, too.

    Args:
        head: what is explained.
        notices: sentences at the top, before those of the sections.
        faithfulness: whether the explanation can be trusted.
        cohort: over all records.
        records: single ones.
    """
    sections = [*faithfulness, *cohort]
    own = [notice for section in sections for notice in section.notices]
    entries = [(each.name, each.title) for each in sections]
    if records:
        entries += [("records", "Single records")]
        entries += [(f"record-{each.name}", each.name) for each in records]
    template = environment(Path(__file__).parent).get_template(TEMPLATE)
    return template.render(
        head=head, notices=[*notices, *own], sections=sections, records=records, image=image,
        entries=entries, towards=TOWARDS, against=AGAINST, levels=_LEVELS,
    )  # fmt: skip
