"""Which records are explained: drawn, or named by row number or by a file of ids.

An id is never repeated in a message: only how many there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from components.core.config.base import digest
from components.core.config.explain import ExplainConfig
from components.core.data.draw import drawn_patients
from components.core.errors import ConfigError, InputError
from components.core.schemas import PART_PREFIX, fold_names

_ROW = re.compile(r"(?:row-)?(\d+)$")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the user named.

    Attributes:
        count: as many records drawn; None leaves it to the settings.
        rows: lines of the source's table, as published predictions name records.
        ids: of records.
    """

    count: int | None = None
    rows: frozenset[int] = frozenset()
    ids: frozenset[str] = frozenset()

    @property
    def named(self) -> bool:
        """Return whether single records are named."""
        return bool(self.rows or self.ids)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The records to explain.

    Attributes:
        by_fold: fold → ids, each record once, under the first fold whose networks did not learn
            from it; in the order of the cohort's manifest.
        available: records of the part that could be drawn.
        named: whether the user named them.
    """

    by_fold: dict[str, tuple[str, ...]]
    available: int
    named: bool

    def __len__(self) -> int:
        return sum(len(ids) for ids in self.by_fold.values())

    @property
    def digest(self) -> str:
        """Return a hash over the records and their folds."""
        return digest(self.by_fold)


def asked(text: str) -> Asked:
    """Return what `samples` means.

    Args:
        text: empty, a number, `rows:12,57` or `file:PATH`.

    Raises:
        ConfigError: it is none of these.
        InputError: the file cannot be read or names nothing.
    """
    kind, colon, rest = text.partition(":")
    if not text:
        return Asked()
    if text.isdecimal():
        return Asked(count=int(text))
    if colon and kind == "rows":
        return Asked(rows=_rows(rest))
    if colon and kind == "file":
        return Asked(ids=_ids(Path(rest).expanduser()))
    # The value may be an identifier, so it is not repeated.
    raise ConfigError(
        f"'samples' ({len(text)} characters) names no records in a way that is known; write a "
        "number of records, rows:12,57 or file:PATH"
    )


def _rows(text: str) -> frozenset[int]:
    found = [_ROW.match(word.strip()) for word in text.split(",")]
    if not all(found):
        raise ConfigError(
            f"'samples' has {found.count(None)} of {len(found)} words after rows: that are no row "
            "number; write row numbers separated by commas, e.g. rows:12,57"
        )
    return frozenset(int(each[1]) for each in found if each)


def _ids(file: Path) -> frozenset[str]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the file '{file.name}' that 'samples' names cannot be read as UTF-8 text "
            f"({type(error).__name__}); write one sample_id per line"
        ) from error
    found = frozenset(line.strip() for line in lines if line.strip())
    if not found:
        raise InputError(f"the file '{file.name}' that 'samples' names is empty; write one "
                         "sample_id per line")  # fmt: skip
    return found


def choose(
    manifest: pd.DataFrame,
    wanted: Asked,
    config: ExplainConfig,
    *,
    truth: Callable[[pd.DataFrame], pd.Series],
) -> Chosen:
    """Return the records to explain.

    Args:
        manifest: of the whole prepared cohort.
        wanted: what the user named; nothing draws `config.records` of those whose truth is known,
            whole patients.
        config: `part`, `records` and `seed` count.
        truth: manifest → per record what the head should say, missing where it is not known.

    Raises:
        InputError: the part has no record, or a named one is not in the data set or not in the
            part.
    """
    fold = _fold_of(manifest, config.part)
    known = fold.notna() & truth(manifest).notna()
    if wanted.named:
        taken = _named(manifest, wanted, fold, config.part)
    else:
        if not known.any():
            raise InputError(
                f"the part '{config.part}' has no record whose truth is known; name another part"
            )
        taken = pd.Series(data=False, index=manifest.index)
        people = manifest.loc[known, "patient_id"]
        taken[known] = drawn_patients(people, records=config.records, seed=config.seed)
    rows = manifest.loc[taken, ["sample_id"]].assign(fold=fold[taken])
    names = [name for name in fold_names(manifest) if (rows["fold"] == name).any()]
    by_fold = {n: tuple(rows.loc[rows["fold"] == n, "sample_id"].astype(str)) for n in names}
    return Chosen(by_fold=by_fold, available=int(known.sum()), named=wanted.named)


def _fold_of(manifest: pd.DataFrame, part: str) -> pd.Series:
    """Return the first fold that has each record in `part`, missing where none has."""
    found = pd.Series(pd.NA, index=manifest.index, dtype="string")
    for name in reversed(fold_names(manifest)):
        found = found.mask(manifest[f"{PART_PREFIX}{name}"].eq(part).fillna(value=False), name)
    return found


def _named(manifest: pd.DataFrame, wanted: Asked, fold: pd.Series, part: str) -> pd.Series:
    names = wanted.rows or wanted.ids
    own = manifest["row"] if wanted.rows else manifest["sample_id"].astype(str)
    taken = own.isin(names)
    absent = len(names) - own[taken].nunique()
    if absent:
        raise InputError(
            f"{absent} of the {len(names)} samples named are not in the data set; name records by "
            "their lines in the source's table, rows:12, or by their sample_id"
        )
    outside = int((taken & fold.isna()).sum())
    if outside:
        other = "val" if part == "test" else "test"
        raise InputError(
            f"{outside} of the {int(taken.sum())} samples named are not in the part '{part}'; "
            f"leave them out (records of the other part need part={other}, and those of train "
            "taught the networks)"
        )
    return taken
