"""The planted signal can be seen: noisy recordings tell the substrate that the oracle knows."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import cross_val_predict

from components.ingest.synthetic.cohort import draw_reference
from components.ingest.synthetic.ecg import draw_heart, retest, synthesise
from components.ingest.synthetic.mechanism import morphology_scores, substrate_estimate
from components.ingest.synthetic.nuisance import disturb, draw_nuisance
from components.ingest.synthetic.streams import stream

PATIENTS, FS = 600, 250


def averaged_beat(scores: np.ndarray, site: str, number: int) -> np.ndarray:
    """Return the median beat of one noisy recording, `[8 * samples]`, R at the known times."""
    rng = stream(4, "visible", number)
    nuisance = draw_nuisance(rng)
    heart = retest(draw_heart(scores, age=55, female=True, bmi=27, rng=rng), rng)
    clean, rhythm = synthesise(heart, nuisance.disturbance, fs=FS, rng=rng)
    signal = disturb(clean, nuisance, rhythm=rhythm, site=site, fs=FS, rng=rng)
    at = np.round(rhythm.r_times[~rhythm.ectopic] * FS).astype(int)
    inside = at[(at > 30) & (at < signal.shape[1] - 110)]
    beat = np.median([signal[:, r - 25 : r + 105] for r in inside], axis=0)
    return (beat - beat[:, :8].mean(axis=1, keepdims=True)).ravel()


def test_linear_model_of_averaged_beats_recovers_the_substrate() -> None:
    cohort = draw_reference(PATIENTS)
    scores = morphology_scores(cohort, gain=np.ones(PATIENTS), rng=stream(4, "scores"))
    beats = np.stack([averaged_beat(scores[i], str(cohort.site[i]), i) for i in range(PATIENTS)])
    truth = substrate_estimate(scores)
    model = RidgeCV(np.logspace(-2, 3, 6))
    found = cross_val_predict(model, beats, truth, cv=5)
    # 600 patients against 1,040 columns; 3,000 patients reach 0.92.
    assert np.corrcoef(found, truth)[0, 1] ** 2 > 0.80
