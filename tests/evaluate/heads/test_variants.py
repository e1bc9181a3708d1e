"""Variants: pairs on the same records, what is used is said, heads together and alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from components.core.config.heads import BinaryHead
from components.core.errors import CardioError
from components.core.metrics.resampling import Plan
from components.evaluate.analyses import ablation, all_heads
from components.evaluate.heads.overview import line
from components.evaluate.heads.tables import binary_tables
from components.evaluate.heads.variants import WITHOUT, compare, variants_of
from tests.evaluate.heads import planted

TABLE = planted.variants()
PLAN = Plan(draws=100)
FRAME = planted.table(patients=400)


def test_a_pair_is_the_same_records_within_folds() -> None:
    pair = compare(TABLE, "without:ecg", "lvef", PLAN)
    rows = TABLE[TABLE["label"].notna()]
    values = {
        name: np.mean([roc_auc_score(f["label"], f["logit"]) for _, f in own.groupby("fold")])
        for name, own in rows.groupby("variant")
    }
    assert pair.whole["auroc"].value == pytest.approx(values["whole"])
    assert pair.other["auroc"].value == pytest.approx(values["without:ecg"])
    gap = values["whole"] - values["without:ecg"]
    assert pair.gap["auroc"].value == pytest.approx(gap)
    assert (pair.patients, pair.left_out, pair.powered) == (399, "ecg", True)
    assert pair.prevalence == pytest.approx(pair.events / 399)


def test_variants_are_found_in_order() -> None:
    found = variants_of(TABLE, WITHOUT)
    assert sorted(found) == [("without:ecg", "lvef"), ("without:text", "lvef")]
    assert variants_of(None, WITHOUT) == []


@pytest.mark.parametrize("variant", ["without:ecg", "whole"])
def test_other_records_are_a_fault(variant: str) -> None:
    first = TABLE.index[(TABLE["variant"] == variant) & TABLE["label"].notna()][0]
    with pytest.raises(CardioError, match="the variant 'without:ecg' of head 'lvef' was tested"):
        compare(TABLE.drop(index=first), "without:ecg", "lvef", PLAN)
    with pytest.raises(CardioError, match="the whole network has 0"):
        compare(TABLE[TABLE["variant"] != "whole"], "without:ecg", "lvef", PLAN)


def test_the_ablation_says_what_is_used() -> None:
    context = planted.context(variants=TABLE)
    assert ablation.applies(context)
    section = ablation.analyse(context)
    assert section.text[1].startswith("Head 'lvef', the ECG: used; without it")
    assert section.text[2].startswith("Head 'lvef', the notes: not shown to be used;")
    (table,) = section.tables
    assert [row[1] for row in table.rows] == ["the ECG", "the notes"]
    assert [row[-1] for row in table.rows] == ["yes", "not shown"]
    assert all(len(row) == len(table.header) for row in table.rows)
    assert "<!-- without the notes (not shown to be used) -->" in section.plots[0].svg
    (notice,) = section.notices
    assert notice.level == "warning"
    assert notice.text.startswith("The model is not shown to use the notes:")
    assert set(section.figures) == {
        f"ablation/without_{name}/{figure}{end}"
        for name in ("ecg", "text") for figure in ("auroc", "auprc") for end in ("", "_diff")
    }  # fmt: skip
    assert section.figures["ablation/without_ecg/auroc_diff"].lo > 0


def test_an_input_that_harms_is_called_harmful() -> None:
    swapped = TABLE.assign(
        variant=TABLE["variant"].replace({"whole": "without:ecg", "without:ecg": "whole"})
    )
    section = ablation.analyse(planted.context(variants=swapped))
    assert "the ECG: harmful; without it the AUROC is higher" in section.text[1]


def test_few_events_are_not_judged() -> None:
    events = TABLE.loc[TABLE["label"] == 1, "sample_id"].unique()
    few = TABLE.assign(label=TABLE["label"].mask(TABLE["sample_id"].isin(events[10:]), 0.0))
    section = ablation.analyse(planted.context(variants=few))
    assert "underpowered, fewer than 20 patients of one class; not said" in section.text[1]
    assert section.notices == ()
    assert all(row[-1] == "not said" for row in section.tables[0].rows)
    assert "(underpowered) -->" in section.plots[0].svg
    together = all_heads.analyse(planted.context(heads=FRAME, variants=few, tables=primary()))
    assert "'lvef': underpowered, nothing is said of learning together or alone." in together.text


def test_another_head_has_its_own_names_and_comes_later() -> None:
    both = pd.concat([TABLE.assign(head="a"), TABLE, TABLE.assign(
        variant=TABLE["variant"].replace("without:ecg", "without:ct scan"))[
            TABLE["variant"] == "without:ecg"]])  # fmt: skip
    section = ablation.analyse(planted.context(variants=both))
    assert [row[0] for row in section.tables[0].rows] == ["lvef", "lvef", "lvef", "a", "a"]
    assert section.tables[0].rows[2][1] == "the input 'ct scan'"
    assert "head/a/ablation/without_ecg/auroc_diff" in section.figures
    assert "ablation/without_ct_scan/auroc" in section.figures
    assert len(section.notices) == 1


def primary() -> object:
    return binary_tables(FRAME, "lvef")


def test_every_head_has_a_line() -> None:
    context = planted.context(heads=FRAME, variants=TABLE, tables=primary())
    assert all_heads.applies(context)
    section = all_heads.analyse(context)
    table, together = section.tables
    assert [row[0] for row in table.rows] == list(planted.HEADS)
    assert all(len(row) == len(table.header) for row in table.rows)
    heads = [row[4].rsplit(" ", 4)[0] for row in table.rows]
    assert heads == ["AUROC", "Uno's C", "Kappa (quadratic)", "AUROC of being wrong"]
    assert table.rows[1][5].startswith("AUC at day 365 ")
    assert together.rows[0][0] == "lvef"
    assert any("'lvef': better learnt together" in t for t in section.text)
    assert set(section.figures) == {
        "head/lvef/auroc", "head/lvef/auprc", "head/lvef/auroc_alone",
        "head/lvef/auroc_together_minus_alone",
    }  # fmt: skip
    assert section.plots[0].name == "all_heads"
    assert section.notices == ()


def test_learning_alone_may_be_better_or_the_same() -> None:
    swapped = TABLE.assign(
        variant=TABLE["variant"].replace({"whole": "alone:lvef", "alone:lvef": "whole"})
    )
    section = all_heads.analyse(planted.context(heads=FRAME, variants=swapped, tables=primary()))
    assert any("'lvef': better learnt alone" in t for t in section.text)
    same = pd.concat([TABLE[TABLE["variant"] == "whole"].assign(variant=name)
                      for name in ("whole", "alone:lvef", "alone:other")])  # fmt: skip
    section = all_heads.analyse(planted.context(heads=FRAME, variants=same, tables=primary()))
    assert any("no difference between learning together and alone is shown" in t
               for t in section.text)  # fmt: skip
    assert len(section.tables[1].rows) == 1


def test_a_head_without_truth_has_no_figure_and_a_small_one_is_called_so() -> None:
    gone = {"y.lvef": np.nan, "y.risk": np.nan, "y.confidence": np.nan, "event_code": 0.0}
    heads = {"other": BinaryHead(), **planted.HEADS, "same": BinaryHead()}
    frame = FRAME.assign(**gone)
    few = frame["patient_id"].isin(frame["patient_id"].unique()[:15])
    frame = frame.assign(**{"y.same": few.astype(float), "y.other": 0.0})
    frame["out.same.logit"] = frame["out.other.logit"] = frame["out.lvef.logit"]
    weights = frame[["sample_id", "repeat", "fold"]].assign(weight=2.0)
    context = planted.context(heads=frame, tables=primary(), all_heads=heads, predictions=weights)
    section = all_heads.analyse(context)
    missing = [t for t in section.text if "no truth known in the test part" in t]
    assert len(missing) == 4
    rows = {row[0]: row for row in section.tables[0].rows}
    assert rows["risk"][2:] == ("0", "no truth known in the test part", "—", "—")
    assert rows["same"][2] == "400 (underpowered)"
    assert [notice.text for notice in section.notices] == ["Underpowered head(s): same."]


def test_short_follow_up_has_concordance_alone() -> None:
    frame = FRAME.assign(time_days=FRAME["time_days"].clip(upper=25))
    found = line(frame, "survival", planted.HEADS["survival"], PLAN, tables=None)
    assert list(found.figures) == ["Uno's C"]


def test_they_apply_where_there_is_something() -> None:
    assert not all_heads.applies(planted.context())
    one = {"lvef": planted.HEADS["lvef"]}
    assert not all_heads.applies(planted.context(heads=FRAME, all_heads=one))
    assert not ablation.applies(planted.context())
    assert not ablation.applies(
        planted.context(variants=TABLE[TABLE["variant"].isin(["whole", "alone:lvef"])])
    )
