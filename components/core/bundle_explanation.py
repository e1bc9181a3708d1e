"""What an answer of a bundle rests on."""

from __future__ import annotations

from dataclasses import dataclass

METHOD = "Integrated Gradients"


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one modality moves.

    Attributes:
        name: of `core.modalities.MODALITIES`.
        title: as people call it.
        value: log-odds, above 0 towards the positive class.
    """

    name: str
    title: str
    value: float


@dataclass(frozen=True, kw_only=True)
class Shares:
    """What each of several groups moves.

    Attributes:
        kind: of `core.attribution.groups.KINDS`.
        title: what the groups are, as part of a sentence.
        names: `G` groups that the record has.
        values: `G` log-odds, above 0 towards the positive class.
    """

    kind: str
    title: str
    names: tuple[str, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A picture of an input with its attribution laid over it.

    Attributes:
        name: modality.
        title: of the picture.
        svg: the picture.
        alt: what it shows, for a reader who cannot see it.
    """

    name: str
    title: str
    svg: str
    alt: str


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Attributions of one answer, the mean over the networks.

    Attributes:
        method: its name.
        quantity: what is attributed, in words.
        baseline: modality → what it is compared with, in words.
        log_odds: of the record, before calibration; the answer's `logit`.
        baseline_log_odds: of the baseline.
        error: sum of `modalities` − (`log_odds` − `baseline_log_odds`).
        modalities: those that the record has.
        groups: parts of them, kind by kind; each kind tells a modality's sum in another way.
        drawings: of an ECG, a picture of one, heart sounds.
    """

    method: str
    quantity: str
    baseline: dict[str, str]
    log_odds: float
    baseline_log_odds: float
    error: float
    modalities: tuple[Share, ...]
    groups: tuple[Shares, ...]
    drawings: tuple[Drawing, ...]
