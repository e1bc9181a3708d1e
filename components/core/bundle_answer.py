"""A model's answers as a table: what a served model returns and what `score` writes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import torch

from components.core.bundle_files import BundleFacts
from components.core.bundle_prediction import NAN, Prediction
from components.core.heads.registry import from_json, head_file

COLUMNS = (
    "probability", "lo", "hi", "interval_note", "logit", "quality", "flags", "abstain",
    "abstain_reason", "version", "trained_on", "error",
)  # fmt: skip
# What a row had, separated by `;`, and what each of it moved in the log-odds: of models that take
# several inputs of which any may be absent.
GIVEN = "inputs"
CONTRIBUTION = "contribution."
# Beside them: a network that reads pages and sounds has seen none that it could call too poor.
QUALITY_NOTE = "quality_note"
# Which clinical fields did not enter as they were sent: an unknown category, an absurd number.
FIELDS_NOTE = "fields_note"
# Which embeddings a row lacked and the model imagined, separated by `;`, and how sure it is of
# each, in (0, 1); on request the vectors and their standard deviations, on the native scale.
IMPUTED = "imputed"
CONFIDENCE = "confidence."
VECTORS = "imputed_vectors"  # the parameter of a request
VECTOR, VECTOR_SD = "imputed.", "imputed_sd."
_NOT_JUDGED = "the model takes no ECG recording: it judges no quality and never abstains"


def as_table(
    answers: Sequence[Prediction], facts: BundleFacts, *, vectors: bool = False
) -> pd.DataFrame:
    """Return one row per answer; flags are separated by `;`, heads follow as `<head>.<name>`.

    Of a model that a row may lack inputs for, `inputs` and `contribution.<modality>` follow, too;
    of a model of embeddings also `imputed` and `confidence.<modality>`.

    Args:
        answers: of a bundle's `Predictor`.
        facts: of that bundle.
        vectors: with `imputed.<modality>` and `imputed_sd.<modality>`, lists of numbers, null where
            the row has the modality.
    """
    cells = {name: [getattr(each, name) for each in answers] for name in _OWN}
    table = pd.DataFrame(cells).assign(
        flags=[";".join(each.flags) for each in answers],
        version=facts.version,
        trained_on=facts.trained_on(),
    )
    said = pd.DataFrame(
        {
            name: [each.heads.get(head, {}).get(key, NAN) for each in answers]
            for name, head, key in outputs(facts)
        },
        index=table.index,
        dtype="float64",
    )
    parts = [table[list(COLUMNS)], said, _given(answers, facts, table.index)]
    if facts.embeddings:
        parts.append(_imputed(answers, facts).set_index(table.index))
    if vectors:
        parts.append(_vectors(answers, facts).set_index(table.index))
    return pd.concat(parts, axis=1)


def confidence_columns(facts: BundleFacts) -> dict[str, str]:
    """Return column → modality of how sure an imputation is; nothing of a model of others."""
    return {f"{CONFIDENCE}{name}": name for name in facts.embeddings}


def _imputed(answers: Sequence[Prediction], facts: BundleFacts) -> pd.DataFrame:
    sure = {
        column: [each.imputed[name].confidence if name in each.imputed else NAN for each in answers]
        for column, name in confidence_columns(facts).items()
    }
    return pd.DataFrame({IMPUTED: [";".join(each.imputed) for each in answers], **sure})


def _vectors(answers: Sequence[Prediction], facts: BundleFacts) -> pd.DataFrame:
    cells: dict[str, list[object]] = {}
    for name in facts.embeddings:
        own = [each.imputed.get(name) for each in answers]
        cells[f"{VECTOR}{name}"] = [None if each is None else list(each.mean) for each in own]
        cells[f"{VECTOR_SD}{name}"] = [None if each is None else list(each.sd) for each in own]
    return pd.DataFrame(cells, dtype=object)


def given_columns(facts: BundleFacts) -> dict[str, str]:
    """Return column → modality of what each input contributed; nothing where none is optional.

    Networks of event sequences have no branches that contributions could be measured by.
    """
    if facts.events is not None:
        return {}
    return {f"{CONTRIBUTION}{name}": name for name in facts.optional}


def _given(answers: Sequence[Prediction], facts: BundleFacts, index: pd.Index) -> pd.DataFrame:
    if not facts.optional:
        return pd.DataFrame(index=index)
    moved = pd.DataFrame(
        {
            column: [each.contributions.get(name, NAN) for each in answers]
            for column, name in given_columns(facts).items()
        },
        index=index,
        dtype="float64",
    )
    moved.insert(0, GIVEN, [";".join(each.inputs) for each in answers])
    notes = [each.fields_note for each in answers]
    return moved.assign(**{QUALITY_NOTE: quality_note(facts), FIELDS_NOTE: notes})


def quality_note(facts: BundleFacts) -> str:
    """Return why `quality` is empty and `abstain` never true; empty for models of an ECG."""
    return _NOT_JUDGED if facts.ecg is None else ""


def outputs(facts: BundleFacts) -> list[tuple[str, str, str]]:
    """Return (column, head, name) of what the heads say; nothing of a single binary head."""
    heads = from_json(facts.all_heads())
    if len(heads) == 1 and heads[facts.head].kind == "binary":
        return []
    found: list[tuple[str, str, str]] = []
    for name, head in heads.items():
        file = head_file(head)
        nothing = torch.zeros(1, 1, file.outputs(head))
        keys = file.answers(head, nothing, facts.calibrations[name])
        found += [(f"{name}.{key}", name, key) for key in keys]
    return found


def example_answer(facts: BundleFacts) -> pd.DataFrame:
    """Return one row with a value in every column, for a model's signature."""
    texts = dict.fromkeys(COLUMNS, "")
    numbers = dict.fromkeys(("probability", "lo", "hi", "logit", "quality"), 0.5)
    said = {name: 0.5 for name, _, _ in outputs(facts)}
    given: dict[str, object] = {}
    if facts.optional:
        given = {GIVEN: "", **dict.fromkeys(given_columns(facts), 0.5)}
        given |= {QUALITY_NOTE: "", FIELDS_NOTE: ""}
    if facts.embeddings:
        given |= {IMPUTED: "", **dict.fromkeys(confidence_columns(facts), 0.5)}
    return pd.DataFrame([{**texts, **numbers, "abstain": False, **said, **given}])


_OWN = [name for name in COLUMNS if name not in {"flags", "version", "trained_on"}]
