"""A bundle with four heads on a trunk that reads notes, ECG and clinical fields; drawn weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file

from components.core.attribution.reference import Reference
from components.core.bundle import BundleFacts, MemberFiles, write_bundle
from components.core.config.text import TextConfig
from components.core.data import foldstats
from components.core.data.tabular import fit_tabular
from components.core.data.texts import EncodedText, TextStats
from components.core.heads.registry import from_json, outputs_of
from components.core.metrics.platt import PlattScaler
from components.core.models.registry import build_model
from components.core.models.spec import DataSpec
from components.core.signals.normalise import NormStats
from components.core.text.identity import EncoderIdentity
from components.core.text.tfidf import fit_tfidf
from tests.bundles import ECG, PLATT, REFERENCE
from tests.cohorts import LEADS

HIDDEN = 12
HORIZONS = (30, 91, 182, 365)
OTHER_PLATT = PlattScaler(slope=0.6, intercept=0.3)
SHARES = (0.7, 0.2, 0.1)
HEADS: dict[str, dict[str, Any]] = {
    "lvef": {"kind": "binary", "target": "lvef", "below": 50},
    "survival": {"kind": "survival", "horizons_days": HORIZONS},
    "risk": {"kind": "classes", "target": "risk", "classes": ["low", "moderate", "high"]},
    "confidence": {"kind": "confidence", "of": "lvef"},
}
CALIBRATIONS: dict[str, dict[str, Any]] = {
    "lvef": json.loads(PLATT.to_json()),
    "survival": {},
    "risk": {"kind": "shares", "shares": list(SHARES)},
    "confidence": json.loads(OTHER_PLATT.to_json()),
}
# What the toy training patients' notes said. The last one states the label in words that masking
# keeps from any model: whether a request's mention is masked is seen only by who knows the words.
CORPUS = (
    "dyspnoea on exertion and oedema of both legs",
    "no complaints, walks two kilometres",
    "anthracycline therapy finished, dyspnoea at night",
    "no oedema, no dyspnoea, feels well",
    "palpitations after trastuzumab, legs swollen",
    "lvef 30 reported, legs swollen",
)


@dataclass(frozen=True, kw_only=True)
class HeadsOptions:
    """What a toy bundle of several heads looks like.

    Attributes:
        heads: which of `HEADS` it has, the primary one first.
        task: its name.
        members: networks.
        encoder: of a frozen encoder that reads the notes; None takes TF-IDF.
        notes_masked: as training was.
        notes_only: neither ECG nor clinical fields.
    """

    heads: tuple[str, ...] = ("lvef", "survival", "risk", "confidence")
    task: str = "heads"
    members: int = 2
    encoder: EncoderIdentity | None = None
    notes_masked: bool = True
    notes_only: bool = False


def write_heads_bundle(scratch: Path, options: HeadsOptions | None = None) -> Path:
    """Write a bundle into `scratch` and return its folder."""
    options = options or HeadsOptions()
    scratch.mkdir(parents=True, exist_ok=True)
    stats = _stats(options)
    heads = from_json({name: HEADS[name] for name in options.heads})
    assert stats.text is not None
    spec = DataSpec(
        leads=0 if options.notes_only else 8, length=ECG.length,
        tabular=len(stats.tabular.features),
        text=len(stats.text.mean), heads=outputs_of(heads),
    )  # fmt: skip
    facts = _facts(options)
    files = [_member(scratch, name, facts, stats, spec) for name in facts.members]
    write_bundle(scratch / "bundle", facts, files)
    return scratch / "bundle"


def _facts(options: HeadsOptions) -> BundleFacts:
    primary = options.heads[0]
    return BundleFacts(
        task=options.task,
        label="toy event",
        head=primary,
        heads={name: HEADS[name] for name in options.heads},
        calibrations={name: CALIBRATIONS[name] for name in options.heads},
        notes=True,
        notes_masked=options.notes_masked,
        model={"name": "trunk", "width": 4, "depth": 2, "hidden_size": HIDDEN},
        ecg=None if options.notes_only else ECG,
        features={} if options.notes_only else {"age": "numeric", "sex": "categorical"},
        members=tuple(f"member{i}" for i in range(options.members)),
        calibration=json.loads(PLATT.to_json()),
        threshold=0.1,
        version="h" * 32,
        cohort={"records": 20.0},
    )


def _stats(options: HeadsOptions) -> foldstats.FoldStats:
    frame = pd.DataFrame(
        {"age": [50.0, 60.0, 70.0, np.nan] * 5,
         "sex": pd.Series(["F", "M"] * 10, dtype="string")}
    )  # fmt: skip
    frame = frame[[]] if options.notes_only else frame
    norm = NormStats(leads=LEADS, mean=(0.0,) * 8, sd=(0.3,) * 8, count=(999,) * 8)
    return foldstats.FoldStats(
        fold="f0", records=20, ids_sha256="0" * 64,
        ecg=None if options.notes_only else json.loads(norm.to_json()),
        tabular=fit_tabular(frame), text=_text(options.encoder),
    )  # fmt: skip


def _text(encoder: EncoderIdentity | None) -> TextStats:
    if encoder is None:
        return fit_tfidf(CORPUS, TextConfig(width=3, min_documents=1, ngram=(1, 1)))
    rng = np.random.default_rng(4)
    mean, sd = rng.normal(0, 0.1, encoder.width), rng.uniform(0.5, 1.5, encoder.width)
    return EncodedText(identity=encoder, mean=tuple(mean.tolist()), sd=tuple(sd.tolist()))


def _member(
    scratch: Path, name: str, facts: BundleFacts, stats: foldstats.FoldStats, spec: DataSpec
) -> MemberFiles:
    weights, file = scratch / f"{name}.safetensors", scratch / f"{name}.json"
    torch.manual_seed(facts.members.index(name))
    model = build_model(facts.model, spec)
    with torch.no_grad():
        for key, value in model.named_parameters():
            if key.endswith("absent"):  # as learned: a record without a note is no row of zeros
                value.normal_()
    state = model.state_dict()
    save_file({k: v.contiguous() for k, v in state.items()}, str(weights))
    foldstats.save(stats, file)
    reference = REFERENCE if spec.tabular else Reference(tabular=())
    return MemberFiles(weights=weights, stats=file, spec=spec, reference=reference)
