"""The heart sounds of one patient: at one site or several, broken where that is planted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from components.ingest.synthetic.media.heart_sound import FS, SECONDS, SITES, Beats, Chest, sound
from components.ingest.synthetic.media.microphone import draw_room, recorded, wav
from components.ingest.synthetic.recordings import Recorded
from components.ingest.synthetic.rhythm import Rhythm, beats

# Share of patients with one unnamed recording (at the apex) and with one that names it; the others
# have two to four sites.
_UNNAMED, _ONE = 0.60, 0.15
# Share with an innocent murmur and its size; log SDs of S1, of S2 against it, and of the murmur's
# shape.
_INNOCENT, _INNOCENT_LEVEL, _HEIGHT_SD, _SHAPE_SD = 0.10, 0.04, 0.15, 0.5
# A broken recording of this length is no heartbeat, s.
_SHORT_S = 0.2
APEX = "MV"


@dataclass(frozen=True, kw_only=True, eq=False)
class Auscultation:
    """Sounds to be written.

    Attributes:
        files: site → content of the file; an unnamed site is the empty string.
        facts: what only the truth may hold.
    """

    files: dict[str, bytes]
    facts: dict[str, Any] = field(default_factory=dict[str, Any])


def auscultate(
    recording: Recorded,
    scores: tuple[float, float],
    rng: np.random.Generator,
    *,
    nuisance: bool,
    broken: str,
) -> Auscultation:
    """Return the sounds of a patient.

    Args:
        recording: the ECG; the first sound is taken with it, beat by beat, others later.
        scores: of the murmur's intensity and of the third sound.
        rng: stream of the patient.
        nuisance: add noise, artefacts, other sites and innocent murmurs.
        broken: kind of the broken file.
    """
    chest = _chest(recording, scores, rng, nuisance=nuisance)
    sites = _sites(rng, nuisance=nuisance)
    files: dict[str, bytes] = {}
    heard: list[Beats] = []
    flags: list[str] = []
    for number, site in enumerate(sites):
        rhythm = recording.rhythm if number == 0 else _later(recording, rng)
        clean, own = sound(chest, rhythm, site=site or APEX, rng=rng)
        room = draw_room(rng, nuisance=nuisance)
        counts = recorded(clean, room, rng)
        if broken == "short_sound":
            counts = counts[: round(_SHORT_S * FS)]
        files[site] = b"" if broken == "empty_sound" else wav(counts)
        heard.append(own)
        flags += [f"{flag}:{site or APEX}" for flag in room.flags()]
    facts = {
        "pcg_sites": list(sites),
        "pcg_s1_s": [each.s1 for each in heard],
        "pcg_s2_s": [each.s2 for each in heard],
        "pcg_nuisance": ";".join([*flags, *(["innocent_murmur"] if chest.innocent else [])]),
    }
    return Auscultation(files=files, facts=facts)


def _chest(
    recording: Recorded, scores: tuple[float, float], rng: np.random.Generator, *, nuisance: bool
) -> Chest:
    height1, height2, shape = rng.standard_normal(3)
    innocent = bool(rng.random() < _INNOCENT)
    murmur, third = scores
    plain = Chest(murmur=murmur, s3=third, rate=recording.heart.rate)
    if not nuisance:
        return plain
    return Chest(
        murmur=murmur,
        s3=third,
        rate=recording.heart.rate,
        shape=float(np.exp(_SHAPE_SD * shape)),
        s1=float(np.exp(_HEIGHT_SD * height1)),
        s2=float(np.exp(_HEIGHT_SD * height2)),
        innocent=_INNOCENT_LEVEL if innocent else 0.0,
    )


def _sites(rng: np.random.Generator, *, nuisance: bool) -> tuple[str, ...]:
    """Return where the stethoscope lay; the apex is always among them."""
    share, count = rng.random(), int(rng.integers(2, len(SITES) + 1))
    others = [str(each) for each in rng.permutation([each for each in SITES if each != APEX])]
    if share < _UNNAMED or not nuisance:
        return ("",)
    return (APEX,) if share < _UNNAMED + _ONE else (APEX, *others[: count - 1])


def _later(recording: Recorded, rng: np.random.Generator) -> Rhythm:
    """Return the beats of a recording taken after the ECG."""
    return beats(
        rng,
        seconds=SECONDS,
        rate=recording.heart.rate,
        variability=recording.heart.variability,
        fibrillation=recording.nuisance.disturbance.fibrillation,
        ectopics=recording.nuisance.disturbance.ectopics,
    )
