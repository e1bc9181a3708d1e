"""From what methods said to the sections: names of pictures and tables, figures, words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from components.core.attribution.event_groups import WINDOWS
from components.core.report.section import Section
from components.explain.explained import Explained
from components.explain.sequences import over_time
from components.explain.sequences.by_risk import ALL
from components.explain.sequences.gathered import Sequences, Stay
from components.explain.sequences.sections import sequence_sections
from components.explain.sequences.single import stay_frame, stay_record, stay_records
from tests.explain_subjects import EVENTLESS

PICTURES = {
    "layer_attention_weights", "sequence_importance", "sequence_importance_combined",
    "head_specialization", "feature_importance", "query_vector_analysis", "captum_attributions",
    "captum_layer_attributions", "captum_ablation_attributions", "attention_rollout",
}  # fmt: skip
TABLES = {
    "critical_windows", "importance_over_time", "importance_over_time_attention",
    "layer_patterns", "static_attributions", "interactions", "events_by_text",
    "head_specialization", "query_vector_analysis",
}  # fmt: skip


@pytest.fixture(scope="module")
def sections(own: Sequences, explained: Explained) -> tuple[Section, ...]:
    return sequence_sections(own, explained)


@pytest.fixture(scope="module")
def kept(sections: tuple[Section, ...]) -> dict[str, pd.DataFrame]:
    return {name: frame for each in sections for name, frame in each.kept.items()}


def test_every_picture_is_there_as_png(sections: tuple[Section, ...]) -> None:
    plots = [plot for each in sections for plot in each.plots]
    assert {plot.name for plot in plots} == PICTURES
    assert len(plots) == len(PICTURES)
    for plot in plots:
        assert plot.png.startswith(b"\x89PNG"), plot.name
        assert plot.alt, plot.name


def test_every_table_is_there_with_intervals_and_counts(kept: dict[str, pd.DataFrame]) -> None:
    assert set(kept) == {*TABLES, "stay_events"}
    for name in TABLES:
        frame = kept[name]
        assert {"group", "value", "lo", "hi", "stays", "patients", "figure"} <= set(frame), name
        several = frame[frame["patients"] > 1]
        assert (several["lo"] <= several["value"] + 1e-9).all(), name
        assert (several["hi"] >= several["value"] - 1e-9).all(), name


def test_shares_of_a_stay_sum_to_one(kept: dict[str, pd.DataFrame]) -> None:
    frames = pd.concat([kept["importance_over_time"], kept["importance_over_time_attention"]])
    whole = frames[frames["group"] == ALL]
    for figure in (over_time.SHARE, over_time.EVENTS, over_time.ATTENTION, over_time.ROLLOUT):
        rows = whole[whole["figure"] == figure]
        assert rows["window"].tolist() == list(WINDOWS)
        assert rows["value"].sum() == pytest.approx(1), figure


def test_a_stay_without_events_counts_nowhere(
    own: Sequences, kept: dict[str, pd.DataFrame]
) -> None:
    rows = kept["importance_over_time"]
    of_all = rows[(rows["group"] == ALL) & (rows["figure"] == over_time.EVENTS)]
    assert (of_all["stays"] == len(own.stays) - 1).all()


def test_the_attribution_over_time_is_that_of_the_events(own: Sequences) -> None:
    found = over_time.over_time(own)[over_time.SIGNED].frame
    newest = found[(found["window"] == WINDOWS[0]) & (found["group"] == ALL)]
    sums = [_ig(s)[s.events.hours < 1].sum() for s in own.stays
            if (s.events.hours < 1).any()]  # fmt: skip
    assert newest["value"].item() == pytest.approx(np.mean(sums))
    assert newest["stays"].item() == len(sums)


def test_attention_is_labelled_as_attention(sections: tuple[Section, ...]) -> None:
    own = next(each for each in sections if each.name == "attention")
    assert "not importance" in own.title
    assert "not what the answer rests on" in own.text[0]
    assert "21 stays" in " ".join(own.text)
    assert all("ttention" in table.caption for table in own.tables)


def test_texts_are_those_of_five_patients(own: Sequences, kept: dict[str, pd.DataFrame]) -> None:
    frame = kept["events_by_text"]
    assert (frame.loc[frame["group"] == ALL, "patients"] >= 5).all()
    assert {"lab", "prescription"} <= set(frame["kind"])
    known = set(own.stays[0].events.texts)
    assert known & set(frame["text"])


def test_methods_that_do_not_speak_of_events_leave_attribution_out(
    own: Sequences, explained: Explained
) -> None:
    stays = tuple(replace(each, attended=None) for each in own.stays)
    found = sequence_sections(
        replace(own, stays=stays, method="", said={}, recording=None), explained
    )
    assert not [plot for each in found for plot in each.plots]
    assert set(found[0].kept) == {"importance_over_time", "stay_events"}
    assert [each.name for each in found] == ["sequences", "interactions"]


def test_attention_beyond_the_cap_is_said(own: Sequences, explained: Explained) -> None:
    assert own.recording is not None
    stays = tuple(replace(each, attended=None) for each in own.stays)
    recording = replace(own.recording, stays={}, too_long=21, networks=3)
    bare = replace(own, stays=stays, recording=recording, method="", said={})
    found = sequence_sections(bare, explained)[-1]
    assert found.name == "attention"
    assert "the first of 3 network(s) of the first of 1 fold(s)" in found.text[-1]
    assert "left out are 21 whose weights take more than 512 MB" in found.text[-1]
    assert not found.plots


def test_models_without_sequences_have_no_section(explained: Explained) -> None:
    assert sequence_sections(None, explained) == ()
    assert stay_records(None, explained) == ()


def test_single_stays_stand_under_their_rows(own: Sequences, explained: Explained) -> None:
    few = replace(explained, config=explained.config.model_copy(update={"overlays": 1}))
    found = stay_records(own, few)
    assert len(found) == 1
    for record in found:
        assert record.name.startswith("row-1")
        assert [plot.name for plot in record.plots] == [
            f"{record.name}-sequence_importance", f"{record.name}-layer_attention_weights",
        ]  # fmt: skip
        sizes = [abs(float(row[3].replace("−", "-"))) for row in record.tables[0].rows]
        assert sizes == sorted(sizes, reverse=True)


def test_a_stay_without_events_is_named_and_not_drawn(own: Sequences) -> None:
    record = stay_record(own, EVENTLESS, 0.0)
    assert record.facts[-1] == "no event"
    assert not record.plots


def test_the_rows_of_a_stay_are_its_events(own: Sequences) -> None:
    frame = stay_frame(own, [5])
    assert frame["stay"].unique().tolist() == ["row-105"]
    np.testing.assert_allclose(frame["ig"], _ig(own.stays[5]))
    assert frame["ig"].abs().max() > 0
    np.testing.assert_allclose(frame["attention_pooling"].sum(), 1)
    assert set(frame["kind"]) <= {"lab", "prescription", "procedure", "ingredient", "microbiology"}


def _ig(stay: Stay) -> np.ndarray:
    return stay.events.values["ig"]  # noqa: PD011 - a dict
