"""The exception tree. Every message is one sentence: what, the value, where, what to do.

```
CardioError                 exit 1   a fault of this software or of the machine
├── UserError               exit 2   the user can mend it
│   ├── ConfigError                  an option, a task file or a parameter
│   ├── InputError                   a file, folder, table or stage handed in
│   │   └── CollidingIdsError        different ids that come to the same
│   └── RecordError                  one record; becomes a row of rejects.parquet
├── RefusedError            exit 3   a gate or an audit said no
└── StorageError            exit 1   disk full, folder not writable, store not reachable
```
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_SHOWN = 60
# What `quoted` shows: the longest lead label in use has five letters (PLETH), the longest unit
# beside a number four; six digits and two separators are a date of birth.
_MAX_LETTERS = 5
_MAX_DIGITS_BESIDE_LETTERS = 4
_DATE_DIGITS, _DATE_MARKS = 6, 2
_MAX_QUOTED = 32


class CardioError(Exception):
    """Root of the tree; by itself a fault (exit status 1)."""

    exit_status = 1


class UserError(CardioError):
    """The user can mend it (exit status 2)."""

    exit_status = 2


class ConfigError(UserError):
    """An option, a task file or a parameter is wrong."""


class InputError(UserError):
    """A file, folder, table or stage that was handed in is wrong."""


class RecordError(UserError):
    """One record cannot be used; ingest turns it into a row of `rejects.parquet`.

    Args:
        code: stable reason code in snake_case, e.g. `unknown_lead`.
        reason: one sentence that names what is wrong, without patient identifiers.
        field: the field, channel or XML element concerned.
        value: the offending value; shortened before it is stored.
        advice: what the user can do.
    """

    def __init__(
        self, code: str, reason: str, *, field: str = "", value: object = "", advice: str = ""
    ) -> None:
        super().__init__(f"{reason}{f'; {advice}' if advice else ''}")
        self.code = code
        self.reason = reason
        self.field = field
        self.value = shorten(value)
        self.advice = advice

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the trip back from a worker process (keyword arguments are lost by default)."""
        return (_rebuild, (self.code, self.reason, self.field, self.value, self.advice))


def _rebuild(code: str, reason: str, field: str, value: str, advice: str) -> RecordError:
    return RecordError(code, reason, field=field, value=value, advice=advice)


class RefusedError(CardioError):
    """A gate or an audit refused (exit status 3)."""

    exit_status = 3


class StorageError(CardioError):
    """Disk full, folder not writable, tracking store not reachable."""


def shorten(value: object, limit: int = _SHOWN) -> str:
    """Return `value` as text of at most `limit` characters on one line.

    >>> shorten("a" * 100, 10)
    'aaaaaaaaa…'
    """
    text = " ".join(str(value).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def quoted(text: str, *, time: bool = False) -> str:
    """Return a raw file's text if it can hardly say who the patient is, else only its length.

    Numbers, short labels and units stay; names, free text, numbers with letters, and dates where
    no time was asked for do not. A short name may pass: what is quoted stays in the stage.

    Args:
        text: from a raw file or a table's cell.
        time: a date is what stands there by rights.

    >>> quoted("12 mg"), quoted("V9"), quoted("Miller, J."), quoted("14.03.1931")
    ('12 mg', 'V9', 'text of 10 characters', 'text of 10 characters')
    """
    plain = " ".join(text.split())
    return plain if _is_plain(plain, time=time) else f"text of {len(text)} characters"


def _is_plain(text: str, *, time: bool) -> bool:
    if _is_number(text):
        return len(text) <= _MAX_QUOTED
    letters = sum(each.isalpha() for each in text)
    digits = sum(each.isdecimal() for each in text)
    if len(text) > _MAX_QUOTED or not text.replace("µ", "u").isascii() or letters > _MAX_LETTERS:
        return False
    if time:
        return True
    if letters:
        return digits <= _MAX_DIGITS_BESIDE_LETTERS
    return digits < _DATE_DIGITS or len(re.findall(r"[-./:\s]", text)) < _DATE_MARKS


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def close(name: str, known: Iterable[str], *, cutoff: float = 0.5) -> str:
    """Return the known name most like `name`, empty when none is as like as `cutoff` (0 to 1)."""
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=cutoff)), "")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint naming the nearest known name, or the known names when none is near.

    >>> nearest("epohcs", ["epochs", "lr"])
    "did you mean 'epochs'?"
    """
    names = sorted(known)
    found = close(name, names)
    if found:
        return f"did you mean '{found}'?"
    return f"known are: {', '.join(names)}"
