"""What the section on imputation says in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from components.core.imputation.calibrate import FEWEST
from components.core.imputation.figures import OVERALL, of
from components.core.imputation.fold import FoldImputer
from components.core.imputation.pairs import OURS
from components.core.imputation.peers import COMPONENTS, ITERATIVE, KNN, MEAN, NEIGHBOURS, PEERS
from components.core.metrics.interval import Interval, number
from components.core.modalities import SPOKEN
from components.core.report.section import Notice

WAYS = {
    OURS: "the model", MEAN: "training mean", KNN: "k-NN", ITERATIVE: "iterative",
    "masked": "left out (mask only)", "whole": "nothing hidden", "best": "best possible",
}  # fmt: skip
# Fewer active units than this share: the latent says next to nothing.
COLLAPSED = 0.1
HOW = (
    "Embeddings of test records that are there were hidden, one at a time, of all who have "
    "another one, and imputed. The squared error is given over that of the training mean: 1 is no "
    "better than the mean, lower is better. Imputed means were drawn towards the training mean, "
    "and stated SDs widened or narrowed, by what each fold's own validation part teaches; k-NN and "
    f"iterative imputation, fitted on the training part's {COMPONENTS} leading principal "
    f"components a modality ({NEIGHBOURS} neighbours), were drawn towards the mean by the same "
    "rule."
)


def gain(found: Mapping[str, Interval], way: str) -> Interval:
    """Return over all modalities a way's relative error minus ours."""
    return of(dict(found), OVERALL)[f"gain_over_{way}"]


def verdict(found: Mapping[str, Interval]) -> str:
    """Return first whether imputing is any better than the mean, then than the peers."""
    own = gain(found, MEAN)
    if own.lo > 0:
        lead = f"Imputation does away with {own.text()} of the training mean's squared error"
    elif own.hi < 0:
        lead = f"Imputation is worse than the training mean: gain {own.text()}"
    else:
        lead = f"Imputation is not shown to be better than the training mean: gain {own.text()}"
    return f"{lead}. {' '.join(_against(found, way) for way in PEERS if way != MEAN)}"


def _against(found: Mapping[str, Interval], way: str) -> str:
    own = gain(found, way)
    told = (
        "better than" if own.lo > 0 else "worse than" if own.hi < 0 else "not shown to differ from"
    )
    return f"It is {told} {WAYS[way]} imputation: relative error of that minus ours {own.text()}."


def depends(found: Mapping[str, Interval]) -> bool:
    """Return whether anything, a peer or the best possible, shows that modalities depend."""
    overall = of(dict(found), OVERALL)
    return any(
        overall[f"mse_relative_{way}"].hi < 1
        for way in (KNN, ITERATIVE, "best")
        if f"mse_relative_{way}" in overall
    )


def notices(found: Mapping[str, Interval]) -> tuple[Notice, ...]:
    """Return the warning that the network imputes nothing where there is something to impute."""
    if gain(found, MEAN).lo > 0:
        return ()
    told = (
        "although the modalities depend on each other: a simple imputation, or the planted truth, "
        "does better than the mean; train longer (fit.pretrain_epochs) or impute by the peers"
        if depends(found)
        else "and nothing else that was tried is: the modalities may be independent"
    )
    return (Notice("warning", f"Imputation is no better than the training mean, {told}."),)


def coverage_words(
    at_random: Mapping[str, Interval], others: Mapping[str, Mapping[str, Interval]]
) -> str:
    """Return how many entries the 90 % intervals hold, hidden at random and not at random."""
    own = of(dict(at_random), OVERALL)["coverage_90"]
    parts = [f"hidden at random, intervals that are to hold 90 % hold {_share(own)}"]
    for why, found in others.items():
        each = of(dict(found), OVERALL).get("coverage_90")
        if each is not None:
            parts.append(f"hidden the more often {why}, {_share(each)}")
    return f"Uncertainty: {'; '.join(parts)} (share of entries)."


def _share(interval: Interval) -> str:
    return interval.text()


def rounds_words(found: Mapping[str, Interval], rounds: int) -> str:
    """Return whether the stated SD shrank over the rounds of refinement."""
    if rounds < 2:
        return "There is one round of refinement, so stated SDs cannot shrink over rounds."
    own = of(dict(found), OVERALL)
    return (
        f"The mean stated SD goes from {own['sd_first'].text()} after the first to "
        f"{own['sd_last'].text()} after the last of {rounds} rounds; it shrank for a share of "
        f"{own['sd_shrank'].text()} of the hidden embeddings. Rounds add no data, so that is no "
        "merit: coverage says whether SDs are right."
    )


def active_words(active: Mapping[str, Sequence[tuple[int, int]]]) -> Iterator[str]:
    """Yield how many latent units are active, and that the latent collapsed where few are."""
    each = [pair for own in active.values() for pair in own]
    counts = [count for count, _ in each]
    units = each[0][1]
    spoken = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    yield (
        f"Active units of the latent (variance of the posterior mean above 0.01): {spoken} of "
        f"{units}, over {len(each)} network(s)."
    )
    fallen = sum(count < COLLAPSED * units for count in counts)
    if fallen:
        yield (
            f"The latent has collapsed in {fallen} of {len(each)} network(s): fewer than "
            f"{COLLAPSED:.0%} of its units are active, so the prior was matched and nothing told; "
            "lower model.alpha_kl or raise model.free_bits."
        )


def mending_words(imputers: Mapping[str, FoldImputer]) -> Iterator[str]:
    """Yield per modality how far imputations are trusted and SDs widened."""
    for name in next(iter(imputers.values())).names:
        own = [each.calibration.modalities[name] for each in imputers.values()]
        few = sum(not each.learned for each in own)
        shrinks, widens = [each.shrink for each in own], [each.widen for each in own]
        text = (
            f"{SPOKEN[name]}: kept of the imputed distance from the mean {_span(shrinks)}, stated "
            f"SD times {_span(widens)}"
        )
        if few:
            text += (
                f"; in {few} of {len(own)} fold(s) fewer than {FEWEST} validation patients could "
                "teach it, so that the training mean is given out there with the SD as stated"
            )
        yield f"{text[0].upper()}{text[1:]}."


def _span(values: Sequence[float]) -> str:
    low, high = number(min(values), 2), number(max(values), 2)
    return low if low == high else f"{low} to {high}"
