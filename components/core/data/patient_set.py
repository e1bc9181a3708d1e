"""Who a model was trained on, as hashes: `training_patients.json` beside its weights.

A later task that starts from the model (`init_from`) compares its own test patients with it. Plain
sha256 keeps ids unread by accident only, since ids can be tried out; with a key (HMAC, RFC 2104)
they cannot. The key is given as `CARDIO_PATIENT_KEY` and never stored.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from components.core.config.base import Frozen
from components.core.errors import InputError
from components.core.files import write_atomic

FILE = "training_patients.json"
KEY_VARIABLE = "CARDIO_PATIENT_KEY"


class PatientSet(Frozen):
    """Hashed patient ids.

    Attributes:
        hashing: `sha256` of the id's UTF-8 bytes, or `hmac-sha256` with the key.
        hashes: hexadecimal.
        complete: False where the model started from another one that lists no patients, or lists
            them under another hashing: it has seen more people than these.
    """

    hashing: Literal["sha256", "hmac-sha256"]
    hashes: frozenset[str]
    complete: bool = True

    def holds(self, patient_id: str) -> bool:
        """Return whether that patient is one of them.

        Raises:
            InputError: the set is keyed and no key is given.
        """
        return hash_patient(patient_id, keyed=self.hashing == "hmac-sha256") in self.hashes


def hash_patient(patient_id: str, *, keyed: bool) -> str:
    """Return the hash of a patient's id.

    Raises:
        InputError: it is to be keyed and no key is given.
    """
    plain = str(patient_id).encode()
    if not keyed:
        return hashlib.sha256(plain).hexdigest()
    key = os.environ.get(KEY_VARIABLE, "")
    if not key:
        raise InputError(
            f"the training patients are hashed with a key, and {KEY_VARIABLE} is empty; set it to "
            "the key they were hashed with"
        )
    return hmac.new(key.encode(), plain, "sha256").hexdigest()


def write_patient_set(
    folder: Path,
    patients: Iterable[str],
    *,
    before: PatientSet | None = None,
    complete: bool = True,
) -> None:
    """Write the hashes of some patients' ids, keyed where a key is given.

    Args:
        folder: receives the file.
        patients: their ids.
        before: whom the model that training started from had seen; they are listed, too.
        complete: False where it had seen people whom it does not list.
    """
    keyed = bool(os.environ.get(KEY_VARIABLE))
    hashing = "hmac-sha256" if keyed else "sha256"
    alike = before is not None and before.hashing == hashing
    own = {hash_patient(p, keyed=keyed) for p in patients}
    body = {
        "hashing": hashing,
        "hashes": sorted(own | before.hashes if before is not None and alike else own),
        "complete": complete and (before is None or (alike and before.complete)),
    }
    write_atomic(folder / FILE, lambda p: p.write_text(json.dumps(body), encoding="utf-8"))


def read_patient_set(folder: Path) -> PatientSet | None:
    """Return what `write_patient_set` wrote; None where the folder holds no such file.

    Raises:
        InputError: the file is damaged.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        return PatientSet.model_validate_json(file.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise InputError(
            f"'{FILE}' of the pretrained model cannot be read; take that model's folder anew"
        ) from error
