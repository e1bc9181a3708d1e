"""The informative phrases of the notes: how often each is there, and how it is written.

Whether a finding is there follows the burden `s`: P(asserted) = logistic(at_zero + log_odds * s).
Where it is not, a note may say so: P(negated) = logistic(NEGATED_AT_ZERO - NEGATED_LOG_ODDS * s).
A patient's findings are drawn once; every note that names one says the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_expit

from components.ingest.synthetic.cohort import FloatArray

SILENT, ASSERTED, NEGATED = 0, 1, 2
# A negated mention speaks against the finding more than silence does.
NEGATED_AT_ZERO, NEGATED_LOG_ODDS = -0.9, 0.20
# The sicker have a note more often: share without any at burden 0 (logit), and its log-odds.
NO_NOTE_AT_ZERO, NO_NOTE_LOG_ODDS = -2.6, -0.20


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """One informative finding.

    Attributes:
        name: as `truth.json` lists it.
        at_zero: log-odds of its presence at burden 0.
        log_odds: change per unit of the burden.
        kind: `symptom`, `sign` or `history`; says which sentences hold it.
        forms: the ways it is written, abbreviations among them.
    """

    name: str
    at_zero: float
    log_odds: float
    kind: str
    forms: tuple[str, ...]


PHRASES = (
    Phrase(name="dyspnoea on exertion", at_zero=-0.8, log_odds=0.65, kind="symptom",
           forms=("dyspnoea on exertion", "exertional dyspnoea", "DOE")),
    Phrase(name="orthopnoea", at_zero=-1.2, log_odds=0.60, kind="symptom",
           forms=("orthopnoea", "orthopnea", "need for three pillows")),
    Phrase(name="ankle oedema", at_zero=-1.0, log_odds=0.55, kind="symptom",
           forms=("ankle oedema", "ankle swelling", "pedal oedema")),
    Phrase(name="fatigue", at_zero=-0.2, log_odds=0.40, kind="symptom",
           forms=("fatigue", "marked tiredness")),
    Phrase(name="raised jugular venous pressure", at_zero=-1.3, log_odds=0.55, kind="sign",
           forms=("raised JVP", "JVD", "distended neck veins")),
    Phrase(name="basal crackles", at_zero=-1.3, log_odds=0.50, kind="sign",
           forms=("basal crackles", "bibasal rales")),
    Phrase(name="prior anthracycline", at_zero=-1.2, log_odds=0.40, kind="history",
           forms=("prior anthracycline for an earlier cancer", "earlier anthracycline elsewhere")),
    Phrase(name="loop diuretic", at_zero=-1.2, log_odds=0.50, kind="history",
           forms=("furosemide started", "loop diuretic", "torasemide added")),
)  # fmt: skip
_AT_ZERO = np.array([phrase.at_zero for phrase in PHRASES])
_LOG_ODDS = np.array([phrase.log_odds for phrase in PHRASES])


@dataclass(frozen=True, kw_only=True, eq=False)
class Findings:
    """What the notes of some patients may say.

    Attributes:
        status: `[patients, phrases]`, `SILENT`, `ASSERTED` or `NEGATED`.
        has_note: `[patients]`; the status of those without is never written.
    """

    status: npt.NDArray[np.int64]
    has_note: npt.NDArray[np.bool_]


def draw_findings(burden: FloatArray, rng: np.random.Generator) -> Findings:
    """Draw the findings of patients with these burdens, `[patients]`."""
    shape = (len(burden), len(PHRASES))
    asserted = rng.random(shape) < expit(_AT_ZERO + _LOG_ODDS * burden[:, None])
    negated = rng.random(shape) < expit(NEGATED_AT_ZERO - NEGATED_LOG_ODDS * burden)[:, None]
    none = rng.random(len(burden)) < expit(NO_NOTE_AT_ZERO + NO_NOTE_LOG_ODDS * burden)
    return Findings(
        status=np.where(asserted, ASSERTED, np.where(negated, NEGATED, SILENT)).astype(np.int64),
        has_note=~none,
    )


def log_likelihood(findings: Findings, burden: FloatArray) -> FloatArray:
    """Return log P(findings | burden) `[patients, grid]` for the burdens `[grid]`.

    A patient without a note gives P(no note | burden).
    """
    asserted = _AT_ZERO[:, None] + _LOG_ODDS[:, None] * burden
    negated = NEGATED_AT_ZERO - NEGATED_LOG_ODDS * burden
    absent = log_expit(-asserted)
    table = np.stack(
        [absent + log_expit(-negated), log_expit(asserted), absent + log_expit(negated)], axis=1
    )
    said = np.zeros((len(findings.has_note), len(burden)))
    for number, rows in enumerate(table):
        said += rows[findings.status[:, number]]
    none = NO_NOTE_AT_ZERO + NO_NOTE_LOG_ODDS * burden
    return np.where(findings.has_note[:, None], said + log_expit(-none), log_expit(none))
