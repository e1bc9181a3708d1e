"""Patients in numbers, without a file, and how well probabilities fit their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from components.ingest.synthetic.cohort import draw_reference
from components.ingest.synthetic.mechanism import Mechanism
from components.ingest.synthetic.streams import stream
from components.ingest.synthetic.surveillance.hazards import HORIZONS, draw_future, study_end
from components.ingest.synthetic.surveillance.phrases import Findings, draw_findings
from components.ingest.synthetic.surveillance.probability import Features, SurveillanceOracle
from components.ingest.synthetic.surveillance.state import draw_state
from components.ingest.synthetic.surveillance.substrate import draw_scores
from components.ingest.synthetic.trajectory import ECHO_SD, simulate

FloatArray = npt.NDArray[np.float64]
_CHUNK = 2_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Simulated:
    """Those who return: features, true LVEF and the binary label of every head."""

    features: Features
    lvef: FloatArray
    labels: dict[str, FloatArray]


def simulated(seed: int, size: int) -> Simulated:
    """Draw `size` patients and return those who come back."""
    people, mechanism = draw_reference(size), Mechanism()
    course = simulate(people, mechanism, stream(seed, "course", 0))
    state = draw_state(people, course, mechanism, seed=seed, block=0)
    there = state.returns
    cohort, lvef, burden = people.take(there), state.lvef[there], state.burden[there]
    end = study_end(course.start_day[there], state.day[there])
    future = draw_future(cohort, lvef, end, stream(seed, "future"))
    noise = ECHO_SD * stream(seed, "echo").standard_normal(cohort.size)
    labels = {"lvef": np.round(lvef + noise) < 50, "risk": future.annotated == 2}
    labels |= {f"survival_{days}d": future.event <= days for days in HORIZONS}
    labels["survival"] = labels.pop("survival_365d")
    return Simulated(
        features=Features(
            cohort=cohort,
            scores=draw_scores(cohort, burden, stream(seed, "scores")),
            findings=draw_findings(burden, stream(seed, "findings")),
        ),
        lvef=lvef,
        labels={name: values.astype(np.float64) for name, values in labels.items()},
    )


def probabilities(oracle: SurveillanceOracle, features: Features) -> dict[str, FloatArray]:
    """Return the oracle's answer, some thousand patients at a time."""
    found = []
    for start in range(0, features.cohort.size, _CHUNK):
        rows = slice(start, start + _CHUNK)
        findings = features.findings
        part = Features(
            cohort=features.cohort.take(rows),
            scores=features.scores[rows],
            findings=Findings(status=findings.status[rows], has_note=findings.has_note[rows]),
        )
        found.append(oracle.probabilities(part))
    return {name: np.concatenate([each[name] for each in found]) for name in found[0]}


def slope_and_intercept(label: FloatArray, p: FloatArray) -> tuple[float, float]:
    """Return the logistic calibration slope, and log odds of seen minus expected prevalence."""
    logit = np.log(p / (1 - p))
    slope = LogisticRegression(C=1e8).fit(logit[:, None], label).coef_[0, 0]
    seen, expected = label.mean(), p.mean()
    return float(slope), float(np.log(seen / (1 - seen)) - np.log(expected / (1 - expected)))
