"""The sanity checklist, run before any training and refused when it fails."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from components.core.config.fit import FitConfig
from components.core.config.heads import HeadMap
from components.core.data.batches import Batch, raw_batch
from components.core.data.cohort import Rows
from components.core.data.contents import file_hashes
from components.core.data.copied_embeddings import copied_pairs
from components.core.data.finish import Finisher
from components.core.data.foldstats import ids_hash
from components.core.errors import RefusedError
from components.core.heads.known import binary_truth
from components.core.modalities import EMBEDDED, SPOKEN, EmbeddingModality
from components.core.schemas import HASH_PREFIX
from components.train.augment import augment
from components.train.checklist_events import check_events

_SAMPLE = 32  # records looked at; enough to see a wrong shape, a NaN or a broken augmentation


def check(
    train: Rows, val: Rows | None, config: FitConfig, leads: tuple[str, ...], heads: HeadMap
) -> list[str]:
    """Return the names of the checks that held.

    Args:
        train: the training rows.
        val: the validation rows; None for a refit on everyone.
        config: names the augmentations.
        leads: the task's lead order.
        heads: what is trained, the primary head first.

    Raises:
        RefusedError: naming the first check that failed, and why.
    """
    index = np.arange(min(_SAMPLE, len(train)), dtype=np.int64)
    batch = raw_batch(train, index)
    done = [_classes(train, val, heads), _fitted_on_train(train), _patients_apart(train, val)]
    if train.reader is not None:
        done += _signal_checks(train, val, batch, config, leads)
    if train.arrays:
        done += _array_checks(train, val, batch)
    if train.events is not None:
        done += check_events(train, val, batch)
    if "tabular" in batch and not bool(torch.isfinite(batch["tabular"]).all()):
        raise RefusedError("checklist: the encoded tabular features are not finite")
    if "text" in batch and not bool(torch.isfinite(batch["text"]).all()):
        raise RefusedError("checklist: the embedded notes are not finite")
    return done


def _classes(train: Rows, val: Rows | None, heads: HeadMap) -> str:
    """Refuse a head that has one class only to learn from, or the primary one to validate on."""
    primary = next(iter(heads))
    for name, head in heads.items():
        parts = [("train", train), *([("val", val)] if name == primary else [])]
        for part, rows in parts:
            if rows is not None and binary_truth(name, head, rows.frame).dropna().nunique() < 2:
                raise RefusedError(
                    f"checklist: the {part} part of fold {train.stats.fold} has one class only for "
                    f"the head '{name}'; bring more data or leave that head out"
                )
    return "both classes of every head"


def _fitted_on_train(train: Rows) -> str:
    if train.stats.origin:
        return (
            "inputs are encoded as the pretrained trunk learned them: normalisation, clinical "
            f"fields and notes by the statistics of model version {train.stats.origin[:12]}"
        )
    if train.stats.ids_sha256 != ids_hash(train.frame["sample_id"]):
        raise RefusedError(
            f"checklist: the normalisation of fold {train.stats.fold} was fitted on other records "
            "than its train part; run preprocess again"
        )
    return "normalisation fitted on train only"


def _patients_apart(train: Rows, val: Rows | None) -> str:
    if val is not None:
        shared = set(train.frame["patient_id"]) & set(val.frame["patient_id"])
        if shared:
            raise RefusedError(f"checklist: {len(shared)} patient(s) are in train and in val")
    return "no patient in two parts"


def _signal_checks(
    train: Rows, val: Rows | None, batch: Batch, config: FitConfig, leads: tuple[str, ...]
) -> list[str]:
    norm = train.stats.norm()
    if norm is None or norm.leads != leads:
        raise RefusedError(
            f"checklist: the tensors' leads {norm.leads if norm else ()} are not the task's {leads}"
        )
    ready = Finisher(train.stats)(batch)
    shape = (len(ready["weight"]), len(leads))
    if ready["ecg"].shape[:2] != shape or not bool(torch.isfinite(ready["ecg"]).all()):
        raise RefusedError(f"checklist: a batch is not finite or not {shape} × length")
    _augmentation(ready, config)
    done = ["finite (B, leads, L)", "lead order is the task's", "augmentation keeps shape"]
    if val is not None:
        hashes = set(train.frame["ecg_sha256"].dropna()) & set(val.frame["ecg_sha256"].dropna())
        if hashes:
            raise RefusedError(f"checklist: {len(hashes)} waveform(s) are in train and in val")
        done.append("no identical waveform in two parts")
    return done


def _array_checks(train: Rows, val: Rows | None, batch: Batch) -> list[str]:
    """Refuse values that are not finite, other shapes than in training, and what is in two parts.

    Patients are apart already, so that a content found in both is of two of them.
    """
    ready = Finisher(train.stats)(batch)
    for name, part in train.arrays.items():
        if name in EMBEDDED and not part.there.any():  # of others the branch itself is refused
            raise RefusedError(
                f"checklist: no record of the train part of fold {train.stats.fold} has "
                f"{SPOKEN[name]}, so that nothing can be learned of it; leave it out of "
                "preprocess.modalities, or bring records that have it"
            )
        if not bool(torch.isfinite(ready[name]).all()):
            raise RefusedError(
                f"checklist: {SPOKEN[name]} of a record is not finite; prepare the cohort again"
            )
        if val is None:
            continue
        shape = val.arrays[name].reader.shape if name in val.arrays else None
        if shape != part.reader.shape:
            raise RefusedError(
                f"checklist: {SPOKEN[name]} has the shape {part.reader.shape} in train and "
                f"{shape} in val; prepare the cohort again"
            )
        if name not in EMBEDDED:
            _contents_apart(train, val, name)
    done = ["finite arrays of one shape"]
    if val is None:
        return done
    if set(train.arrays) - set(EMBEDDED):
        done.append("no identical array in two parts")
    # Those that a network does without, too: they tell apart who is alike in the others.
    embedded: list[EmbeddingModality] = [
        name for name in EMBEDDED if name in train.arrays or f"{HASH_PREFIX}{name}" in train.frame
    ]
    return [*done, _embeddings_apart(train, val, embedded)] if embedded else done


def _embeddings_apart(train: Rows, val: Rows, names: list[EmbeddingModality]) -> str:
    """Refuse patients of two parts who agree in all their embeddings, two at least.

    One embedding may well be two patients' own: a vector made of a few codes or answers takes few
    values. All of them together are one patient under two names, and so are all that both have,
    two at least, where one of them is hardly shared (`copied_pairs`): the other may lack the rest.
    """
    whole = [_contents(rows.frame, names) for rows in (train, val)]
    shared = set(whole[0]) & set(whole[1])
    if shared:
        raise RefusedError(
            f"checklist: {len(shared)} set(s) of embeddings are in train and in val, equal in all "
            "modalities, under different patients; mend the pairing of patients and files"
        )
    both = pd.concat([train.frame, val.frame])
    left, right = copied_pairs(both, names)
    apart = int(((left < len(train)) & (right >= len(train))).sum())
    if apart:
        raise RefusedError(
            f"checklist: {apart} pair(s) of patients, one in train and one in val, have the same "
            "embedding wherever both have one, though either lacks others; mend the pairing of "
            "patients and files"
        )
    alike = sum(
        len(set(train.frame[f"{HASH_PREFIX}{name}"].dropna())
            & set(val.frame[f"{HASH_PREFIX}{name}"].dropna()))
        for name in names
    )  # fmt: skip
    told = f" ({alike} single one(s) are, as of equal tables)" if alike else ""
    return f"no patient's embeddings all in two parts{told}"


def _contents(frame: pd.DataFrame, names: list[EmbeddingModality]) -> list[tuple[str, ...]]:
    """Return the contents of the records that have two embeddings or more; empty where absent."""
    columns = [f"{HASH_PREFIX}{name}" for name in names]
    lacking = [column for column in columns if column not in frame]
    if lacking:
        raise RefusedError(
            f"checklist: the manifest lacks '{lacking[0]}', so that nobody can tell whether one "
            "patient's embeddings are another's, too; prepare the cohort again"
        )
    own = frame[columns][frame[columns].notna().sum(axis=1) > 1].fillna("")
    return list(own.astype(str).itertuples(index=False, name=None))


def _contents_apart(train: Rows, val: Rows, name: str) -> None:
    column = f"{HASH_PREFIX}{name}"
    if column not in train.frame or column not in val.frame:
        raise RefusedError(
            f"checklist: the manifest lacks '{column}', so that nobody can tell whether "
            f"{SPOKEN[name]} of one patient is another's, too; prepare the cohort again"
        )
    shared = set(file_hashes(train.frame, name)) & set(file_hashes(val.frame, name))
    if shared:
        raise RefusedError(
            f"checklist: {len(shared)} content(s) of {SPOKEN[name]} are in train and in val, of "
            "different patients; mend the pairing of patients and files"
        )


def _augmentation(ready: Batch, config: FitConfig) -> None:
    changed = augment(ready, config.aug, torch.Generator().manual_seed(0))
    if changed["ecg"].shape != ready["ecg"].shape:
        raise RefusedError("checklist: augmentation changed the shape")
    # All leads of a record must move together: a row of equal leads stays a row of equal leads.
    same = {**ready, "ecg": ready["ecg"][:, :1].expand_as(ready["ecg"]).contiguous()}
    same["ecg_lead_mask"] = torch.ones_like(ready["ecg_lead_mask"])
    in_step = tuple(name for name in config.aug if name in {"scale", "shift"})
    moved = augment(same, in_step, torch.Generator().manual_seed(0))["ecg"]
    if not torch.equal(moved, moved[:, :1].expand_as(moved)):
        raise RefusedError("checklist: augmentation moved the leads of a record apart")
