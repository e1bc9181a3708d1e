"""Keyed pseudonyms: what stands for a patient or a recording where ids may not be kept.

HMAC-SHA256 (RFC 2104) of the id under a secret key. Without the key nobody can find out whose
pseudonym it is, not even with a list of all ids; with it the same id gives the same pseudonym in
every cohort. The key comes from an environment variable and is written nowhere; no table of ids and
pseudonyms is written either.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from dataclasses import dataclass, field
from typing import Literal

from components.core.errors import ConfigError

# RFC 2104, section 3: a key shorter than the hash's output weakens the function.
MIN_KEY_BYTES = 32
# 128 bits: RFC 2104, section 5, asks for half of the hash's output at least. Among ten million ids
# two would meet with a probability of 1e-25; it is checked all the same.
PSEUDONYM_DIGITS = 32
# Enough to tell keys apart; 64 bits of a keyed hash say nothing about a key of 256.
_FINGERPRINT_DIGITS = 16
_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")

Kind = Literal["patient", "recording"]


@dataclass(frozen=True)
class PatientKey:
    """A secret key; its text form does not show it."""

    secret: bytes = field(repr=False)

    def fingerprint(self) -> str:
        """Return what tells this key from another without giving it away."""
        return self._digest("fingerprint", "")[:_FINGERPRINT_DIGITS]

    def pseudonym(self, kind: Kind, name: str) -> str:
        """Return the pseudonym of an id, `PSEUDONYM_DIGITS` hexadecimal digits.

        Args:
            kind: what the id names; a patient and a recording of one id differ.
            name: the id as the source has it.
        """
        return self._digest(kind, name)[:PSEUDONYM_DIGITS]

    def full(self, kind: Kind, name: str) -> bytes:
        """Return the whole digest, by which ids of one pseudonym would be told apart."""
        return bytes.fromhex(self._digest(kind, name))

    def _digest(self, kind: str, name: str) -> str:
        # The null byte ends the kind, so that no kind and id can run into one another.
        message = f"{kind}\0{name}".encode("utf-8", "surrogatepass")
        return hmac.new(self.secret, message, hashlib.sha256).hexdigest()


def check_name(name: str) -> str:
    """Return `name` if it can be that of an environment variable, or is empty.

    Raises:
        ConfigError: it cannot; it is not repeated, for it may be the key itself.
    """
    if not name or _NAME.fullmatch(name):
        return name
    raise ConfigError(
        "'ingest.patient_key_env' is no name of an environment variable (capital letters, digits "
        "and _); put the key into a variable and give that one's name, never the key"
    )


def read_key(name: str) -> PatientKey:
    """Return the key that the environment variable `name` holds.

    Raises:
        ConfigError: the variable is not set, its value is too short or has blanks around it.
    """
    value = os.environ.get(check_name(name), "")
    where = "the environment variable that ingest.patient_key_env names"
    if not value:
        raise ConfigError(f"{where} is not set; set it to a secret of {MIN_KEY_BYTES} bytes")
    if value != value.strip():
        raise ConfigError(f"{where} has blanks at its ends; set it without them")
    secret = value.encode("utf-8", "surrogateescape")
    if len(secret) < MIN_KEY_BYTES:
        raise ConfigError(
            f"{where} holds {len(secret)} bytes, fewer than {MIN_KEY_BYTES}; "
            "make a key with 'openssl rand -base64 32'"
        )
    return PatientKey(secret)
