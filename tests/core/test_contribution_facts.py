"""What a training keeps of contributions: means, targets, words, JSON."""

from __future__ import annotations

import json
import math

import pytest

from components.core.contribution_facts import (
    KEY,
    Network,
    best,
    cautions,
    is_beyond,
    read,
    summary,
    targets,
    verdict,
)


def network(image: float, sound: float, fields: float, **more: object) -> Network:
    """Return a network to whose AUROC each modality adds so much, whatever else is there."""
    adds = {"ecg_image": image, "pcg": sound, "tabular": fields}
    keys = ["", "ecg_image", "pcg", "tabular", "ecg_image+pcg", "tabular+ecg_image", "tabular+pcg",
            "tabular+ecg_image+pcg"]  # fmt: skip
    subsets = {k: 0.5 + sum(adds[name] for name in k.split("+") if name) for k in keys}
    fall = {name: value / 2 for name, value in adds.items()}
    plain = {"fold": "holdout", "seed": 0, "epoch": 3, "subsets": subsets, "fall": fall,
             "accuracy": 0.8, "constant": 0.6}  # fmt: skip
    return Network.model_validate(plain | more)


def test_values_add_up_and_shares_follow() -> None:
    found = network(0.1, 0.2, 0.1)
    assert found.names == ("tabular", "ecg_image", "pcg")
    assert found.phi == pytest.approx({"ecg_image": 0.1, "pcg": 0.2, "tabular": 0.1})
    assert sum(found.phi.values()) == pytest.approx(found.auroc - 0.5)
    assert found.share == pytest.approx({"ecg_image": 0.25, "pcg": 0.5, "tabular": 0.25})


def test_facts_survive_json() -> None:
    networks = (network(0.1, 0.2, 0.1), network(0, 0, -0.1, seed=1))
    facts = json.loads(json.dumps({KEY: [each.to_fact() for each in networks]}, allow_nan=False))
    assert read(facts) == networks
    assert facts[KEY][0]["phi"]["pcg"] == pytest.approx(0.2)
    assert facts[KEY][1]["share"] == {"ecg_image": None, "pcg": None, "tabular": None}
    assert read({}) == ()


def test_shares_of_several_are_of_their_mean_values() -> None:
    weak, strong = network(0.01, 0.0, 0.0), network(0.1, 0.2, 0.1, fold="b")
    found = summary([weak, strong])
    assert found.phi["ecg_image"] == pytest.approx(0.055)
    # Not the mean of shares, (1 + 0.25) / 2: the weak network counts by what little it adds.
    assert found.share["ecg_image"] == pytest.approx(0.055 / 0.205)
    assert found.span("ecg_image") == pytest.approx((0.25, 1.0))
    assert found.alone["pcg"] == pytest.approx(0.6)
    assert found.without["pcg"] == pytest.approx((0.51 + 0.7) / 2)
    assert found.fall["tabular"] == pytest.approx(0.025)


def test_nothing_known_has_no_span() -> None:
    found = summary([network(0, 0, 0)])
    assert all(math.isnan(bound) for bound in found.span("pcg"))


def test_best_figures_have_their_names_in_the_store() -> None:
    found = best({KEY: [network(0.1, 0.2, 0.1).to_fact()]})
    assert found["contrib/pcg"] == pytest.approx(0.5)
    assert found["contrib_perm/pcg"] == pytest.approx(0.1)
    assert len(found) == 6
    assert set(best({KEY: [network(0, 0, 0).to_fact()]})) == {
        "contrib_perm/ecg_image", "contrib_perm/pcg", "contrib_perm/tabular",
    }  # fmt: skip
    assert best({}) == {}


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0999, "below 10 %"), (0.10, "below 20 %"), (0.20, ""), (0.40, ""), (0.41, "above 40 %"),
        (0.60, "above 40 %"), (0.601, "above 60 %"), (math.nan, "undefined"),
    ],
)  # fmt: skip
def test_shares_against_the_targets_of_three(share: float, words: str) -> None:
    assert verdict(share, 3) == words
    assert is_beyond(share, 3) == (words in {"below 10 %", "above 60 %", "undefined"})


def test_targets_keep_their_ratio_to_the_equal_share() -> None:
    (low, high), (least, most) = targets(2)
    assert (low, high, least, most) == pytest.approx((0.3, 0.6, 0.15, 0.9))
    assert verdict(0.5, 2) == ""


def test_the_history_to_repair_is_warned_of() -> None:
    shares = {"pcg": 0.002, "tabular": 0.998, "ecg_image": 0.0}
    assert cautions(shares) == [
        (True, "the table contributes 99.8 %, above 60 %"),
        (True, "the ECG image contributes 0.0 %, below 10 %"),
        (True, "the heart sound contributes 0.2 %, below 10 %"),
    ]
    assert cautions({"pcg": 0.3, "tabular": 0.45, "ecg_image": 0.25}) == [
        (False, "the table contributes 45.0 %, above 40 %")
    ]
    assert cautions({"pcg": math.nan, "tabular": math.nan}) == [
        (True, "no modality adds anything to the AUROC")
    ]
