"""Which methods are run, what is said of the others, and how lots are put together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from torch import nn

from components.core import discovery
from components.core.attribution.groups import Grouped
from components.core.attribution.target import Target
from components.core.config.explain import ExplainConfig
from components.core.errors import CardioError, ConfigError
from components.explain import encoders, lots
from components.explain.joined import joined
from components.explain.method import Attributed, Words, all_methods, chosen, left_out
from components.explain.methods import token_ablation
from components.explain.subject import Subject
from tests.explain_subjects import VIEW, made


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """A subject without ECG and notes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CARDIO_DATA", str(tmp_path_factory.mktemp("stages")))
        yield made("tabular", members=1)


def test_every_method_is_found_in_the_pages_order() -> None:
    assert list(all_methods()) == ["ig", "layer_ig", "ablation", "shapley", "grad_cam", "tokens"]


def test_all_that_fit_are_taken_where_none_is_named(table: Subject) -> None:
    assert [each.NAME for each in chosen(table, ExplainConfig())] == ["ig", "ablation", "shapley"]


def test_named_methods_are_taken(table: Subject) -> None:
    config = ExplainConfig(methods=("shapley", "ig"))
    assert [each.NAME for each in chosen(table, config)] == ["ig", "shapley"]


def test_an_unknown_method_is_refused(table: Subject) -> None:
    with pytest.raises(ConfigError, match=r"there is no method 'shaply'; .*shapley"):
        chosen(table, ExplainConfig(methods=("shaply",)))


def test_a_method_that_does_not_fit_is_refused_with_the_reason(table: Subject) -> None:
    message = (
        "the method 'grad_cam' does not fit this model: its networks have no convolutional ECG "
        "encoder; leave it out"
    )
    with pytest.raises(ConfigError, match=message):
        chosen(table, ExplainConfig(methods=("grad_cam",)))


def test_it_is_said_why_methods_are_left_out(table: Subject) -> None:
    assert left_out(table) == {
        "layer_ig": f"{encoders.NONE}, nor any that reads events",
        "grad_cam": encoders.NONE,
        "tokens": "it reads no note",
    }


def test_methods_that_fit_everything_have_no_reason_against(table: Subject) -> None:
    for each in chosen(table, ExplainConfig()):
        assert each.why_not(table) == ""


def test_two_methods_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    twin = SimpleNamespace(NAME="ig", ORDER=1)
    monkeypatch.setattr(discovery.importlib, "import_module", lambda _name: twin)
    with pytest.raises(CardioError, match="two methods are named 'ig'; rename one of them"):
        all_methods.__wrapped__()


def said(value: float, *, words: bool = False) -> Attributed:
    own = np.array([[value]])
    return Attributed(
        grouped={"lead": Grouped(kind="lead", names=("I",), values=own)},
        values={"ecg": own[:, :, None].astype(np.float32)},
        error=None if words else own[:, 0],
        words=(Words(words=("no",), values=own[0]),) if words else None,
        remark="so",
    )


def test_lots_are_put_one_after_the_other() -> None:
    found = joined([said(1), said(2)])
    assert found.grouped["lead"].names == ("I",)
    assert found.grouped["lead"].values.tolist() == [[1], [2]]
    assert found.values["ecg"].shape == (2, 1, 1)
    assert found.error is not None
    assert found.error.tolist() == [1, 2]
    assert found.words is None
    assert found.remark == "so"


def test_folds_with_other_variables_are_put_together_by_name() -> None:
    def fold(names: tuple[str, ...], rows: list[list[float]], *, lead: bool) -> Attributed:
        table = Grouped(kind="variable", names=names, values=np.array(rows))
        ecg = Grouped(kind="lead", names=("I",), values=np.ones((len(rows), 1)))
        return Attributed(grouped={"variable": table} | ({"lead": ecg} if lead else {}))

    found = joined(
        [
            fold(("age", "sex"), [[1, 2], [3, 4]], lead=False),
            fold(("sex", "bmi"), [[5, 6]], lead=True),
        ]
    ).grouped
    assert found["variable"].names == ("age", "sex", "bmi")
    nan = np.nan
    np.testing.assert_array_equal(found["variable"].values, [[1, 2, nan], [3, 4, nan], [nan, 5, 6]])
    np.testing.assert_array_equal(found["lead"].values, [[nan], [nan], [1]])


def test_words_are_put_one_after_the_other() -> None:
    found = joined([said(1, words=True), said(2, words=True)])
    assert found.error is None
    assert found.words is not None
    assert [own.values[0] for own in found.words] == [1, 2]


def test_no_record_at_all_is_refused() -> None:
    with pytest.raises(CardioError, match="no record was handed to a method of explanation; hand"):
        joined([])


def test_lots_hold_every_record_once(table: Subject) -> None:
    found = list(lots.lots(table, np.arange(35)))
    assert [len(own) for own in found] == [16, 16, 3]
    assert np.concatenate(found).tolist() == list(range(35))


def test_an_ecg_without_segments_is_refused(table: Subject) -> None:
    with pytest.raises(CardioError, match="have an ECG but no segments; delineate them first"):
        lots.segments_of(replace(table, inputs=("ecg",)), np.arange(2))


def test_a_network_without_an_encoder_is_refused() -> None:
    target = Target([nn.Linear(2, 2)], VIEW)
    with pytest.raises(CardioError, match="the network has no convolutional ECG encoder; ask"):
        encoders.only(target)


def test_words_are_not_taken_out_of_what_is_no_note(table: Subject) -> None:
    stats = table.rows.stats.model_copy(update={"text": None})
    silent = replace(table, rows=replace(table.rows, stats=stats))
    with pytest.raises(CardioError, match="words cannot be taken out: it reads no note"):
        token_ablation.encoder_of(silent)
