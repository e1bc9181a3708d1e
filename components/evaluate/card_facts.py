"""What a run knows of the model card's items beyond its figures, from stages and configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from components.core.config.fit import FitConfig
from components.core.config.sections import PreprocessConfig
from components.core.config.task import TaskConfig
from components.core.modalities import ARRAYS, EVENTS, SPOKEN
from components.core.schemas import MANIFEST
from components.evaluate.media_facts import lacking, prepared_media, unreadable

if TYPE_CHECKING:
    from components.core.upstream import Upstream

_COLUMNS = ["patient_id", "site", "index_time", "followup_days"]


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What the answers are made of."""

    stages: Upstream
    recalibrate: str
    preprocess: PreprocessConfig
    fit: FitConfig
    patients: pd.DataFrame

    @property
    def there(self) -> tuple[str, ...]:
        return tuple(self.stages.cohort.facts["modalities"])

    @property
    def ecg(self) -> dict[str, Any]:
        facts = self.stages.cohort.facts
        return facts["ecg"] if "ecg" in facts["modalities"] else {}


def card_facts(stages: Upstream, task: TaskConfig) -> dict[str, str]:
    """Return TRIPOD+AI item → sentence; an item of which the run knows nothing is absent."""
    frame = pd.read_parquet(stages.cohort.folder / MANIFEST, columns=_COLUMNS)
    patients = frame.drop_duplicates("patient_id")
    # As it was when they ran: the task at hand may have changed since.
    known = _Known(
        stages=stages,
        recalibrate=task.evaluate.recalibrate,
        preprocess=PreprocessConfig.model_validate(stages.cohort.config["preprocess"]),
        fit=FitConfig.model_validate(stages.train.config["fit"]),
        patients=patients,
    )
    found = {item: answer(known) for item, answer in _ANSWERS.items()}
    return {item: text for item, text in found.items() if text}


def _dates(known: _Known) -> str:
    """Return years only: a day or month could be one patient's own."""
    parts: list[str] = []
    years = known.patients["index_time"].dropna().dt.year
    if len(years):
        parts.append(f"Index dates from {years.min()} to {years.max()}, as recorded.")
    days = known.patients["followup_days"].dropna()
    if len(days):
        low, middle, high = days.quantile([0.25, 0.5, 0.75])
        parts.append(
            f"Follow-up known for {len(days):,} of {len(known.patients):,} patients: median "
            f"{middle:.0f} days (quartiles {low:.0f} to {high:.0f})."
        )
    return " ".join(parts)


def _sites(known: _Known) -> str:
    number = known.patients["site"].nunique()
    return f"{number} site{'s' if number > 1 else ''} in the data." if number else ""


def _eligible(known: _Known) -> str:
    config, ecg = known.preprocess.ecg, known.ecg
    rules = ["Every patient with a readable record"]
    if ecg and config.window_days is not None:
        rules.append(f"an ECG at most {config.window_days:g} days before the index date, not after")
    if ecg and config.missing == "drop":
        rules.append("no missing lead")
    if ecg and config.reject:
        rules.append(f"none of the quality flags {', '.join(config.reject)}")
    if ecg and config.min_quality:
        rules.append(f"signal quality of at least {config.min_quality:g}")
    return "; ".join(rules) + "."


def _prepared(known: _Known) -> str:
    ecg, media = known.ecg, prepared_media(known.preprocess, known.there)
    if not ecg:
        return media or "No recordings; tables only."
    steps = [
        f"ECG: {len(ecg['leads'])} leads ({', '.join(ecg['leads'])}), {ecg['length']:,} samples at "
        f"{ecg['fs']:g} Hz, {ecg['unit']}",
        *(f"{label} {ecg[key]:g} Hz" for key, label in _FILTERS.items() if ecg.get(key)),
        "standardised per lead by mean and SD of the training part",
    ]
    counts = known.stages.cohort.counts
    flags = [
        f"{name.removeprefix('flag_').replace('_', ' ')} {count:,.0f}"
        for name, count in sorted(counts.items())
        if name.startswith("flag_") and count
    ]
    told = f" Quality flags among {counts['records']:,.0f} records: {', '.join(flags)}."
    return " ".join(
        each for each in ("; ".join(steps) + "." + (told if flags else ""), media) if each
    )


_FILTERS = {"highpass_hz": "high-pass", "notch_hz": "notch"}


def _chosen(known: _Known) -> str:
    given = "as listed in the task file" if known.preprocess.tabular else "all that it brings"
    return (
        f"Features of the source, {given}; none was selected by its relation to the outcome, and "
        "none that the audit holds to be known too late or derived from the outcome."
    )


def _predictors(known: _Known) -> str:
    features: list[str] = known.stages.cohort.facts["features"]
    kinds: dict[str, str] = known.stages.ingest.facts["features"]
    listed = [f"{name} ({kinds[name]})" for name in features]
    whole = [f"the ECG ({len(known.ecg['leads'])} leads)"] if known.ecg else []
    whole += [*(SPOKEN[name] for name in (*ARRAYS, EVENTS) if name in known.there), *listed]
    return f"{', '.join(whole)}." if whole else ""


def _missing(known: _Known) -> str:
    text = (
        "A missing number is set to the training mean, with an indicator of its own where training "
        "had gaps; a missing category is none of the known ones. Nothing is imputed from other "
        "patients' outcomes. Shares of missing values: see 20b."
    )
    if not known.stages.cohort.facts["features"]:
        text = ""
    if known.ecg and known.preprocess.ecg.missing == "mask":
        text += " Missing leads are masked."
    return f"{text} {lacking(known.there)}".strip()


def _form(known: _Known) -> str:
    if not known.stages.cohort.facts["features"]:
        return ""
    return (
        "Numbers standardised by mean and SD of the training part and held within 3 SD beyond its "
        "range; categories one-hot over levels of at least 5 training patients."
    )


def _training(known: _Known) -> str:
    fit, split = known.fit, known.stages.cohort.facts["split_method"]
    return (
        f"Trained with AdamW (learning rate {fit.lr:g}, weight decay {fit.weight_decay:g}, batch "
        f"{fit.batch}) for at most {fit.epochs} epochs, stopped early by {fit.monitor} on "
        f"validation; {len(fit.seeds)} seed(s). Division of patients: {split}."
    )


def _imbalance(known: _Known) -> str:
    weights = known.fit.class_weights
    how = {"balanced": "classes weighted inversely to their frequency in training",
           "none": "no correction"}.get(str(weights), f"class weights {weights}")  # fmt: skip
    if known.fit.sampler == "balanced":
        how = "both classes drawn equally often, the shift of the prior taken back afterwards"
    raw = known.recalibrate == "none"
    after = "are not recalibrated" if raw else "are recalibrated on validation afterwards"
    return f"In training: {how}. Probabilities {after}."


def _same_source(known: _Known) -> str:
    method = known.stages.cohort.facts["split_method"]
    text = (
        f"Evaluated patients come from the same source as those developed on (division: {method}), "
        "with the same outcome and predictors."
    )
    return f"{text} {_UNPAIRED}" if known.stages.audit.facts.get("unpaired") else text


_UNPAIRED = (
    "The modalities of a record are of different patients (declared: audit.unpaired): the figures "
    "are of no real patient, and nothing is claimed of what the modalities bring together."
)


def _flow(known: _Known) -> str:
    ingest, cohort = known.stages.ingest.counts, known.stages.cohort.counts
    reasons = [
        f"{name.removeprefix('rejects_').replace('_', ' ')} {count:,.0f}"
        for name, count in sorted(ingest.items())
        if name.startswith("rejects_")
    ]
    why = f" ({', '.join(reasons)})" if reasons else ""
    unknown = cohort["patients"] - cohort["patients_labelled"]
    return (
        f"{ingest['records']:,.0f} records of {ingest['patients']:,.0f} patients read, "
        f"{ingest['rejects']:,.0f} refused{why}; {cohort['rejects']:,.0f} more refused in "
        f"preparation; {cohort['patients']:,.0f} patients left, {unknown:,.0f} of them with an "
        f"unknown outcome, {cohort['events']:,.0f} with the event."
    )


def _poor_input(known: _Known) -> str:
    config = known.preprocess.ecg
    if not known.ecg:
        return (
            unreadable(known.there)
            or "A missing feature is treated as in training (see 11); the model answers even so."
        )
    gate = [*(f"the flag {name}" for name in config.reject)]
    gate += [f"a quality score below {config.min_quality:g}"] if config.min_quality else []
    refused = f"Refused as in training: {', '.join(gate)}." if gate else "No quality gate is set."
    return f"Every ECG is judged and its quality is given with the answer. {refused}"


_ANSWERS: dict[str, Callable[[_Known], str]] = {
    "5b": _dates,
    "6a": _sites,
    "6b": _eligible,
    "7": _prepared,
    "9a": _chosen,
    "9b": _predictors,
    "11": _missing,
    "12b": _form,
    "12c": _training,
    "13": _imbalance,
    "16": _same_source,
    "20a": _flow,
    "27a": _poor_input,
}
