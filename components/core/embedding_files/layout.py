"""How a file of embeddings is declared: what it calls its data sets, and how it names patients."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from components.core.config.base import Frozen
from components.core.embedding_files.ids import IdRule
from components.core.modalities import EMBEDDED, EmbeddingModality, short_name

ShortName = Literal["clinical", "semantic", "temporal", "pathological", "spatial"]


class Layout(Frozen):
    """How an HDF5 file holds the embeddings of patients.

    Attributes:
        layout: `rows`: two data sets, row for row; `groups`: one group or data set per patient,
            whose name is the patient's id.
        ids: under `rows`, data set of patient ids (texts, bytes or integers), one per row; under
            `groups`, the group that holds the patients, empty for the file itself.
        embeddings: data set `[rows, W]`; under `groups` that of each patient's group.
        quality: data set of a quality in [0, 1] per row (of several rows their mean), under
            `groups` a number or attribute per patient; empty gives every embedding 1.
        columns: data set with W names of the columns; empty where nobody knows them.
        patches: a patient may have several rows.
        id_pattern: regular expression that a whole id matches, whose one group is the patient's
            own part of it; empty takes ids as they are.
        strip_zeros: leading zeros are decoration, too.
    """

    layout: Literal["rows", "groups"] = "rows"
    ids: str = "patient_ids"
    embeddings: str = Field(default="embeddings", min_length=1)
    quality: str = ""
    columns: str = ""
    patches: bool = False
    id_pattern: str = ""
    strip_zeros: bool = False

    @field_validator("id_pattern")
    @classmethod
    def _has_one_group(cls, value: str) -> str:
        return check_pattern(value)


class FileLayout(Frozen):
    """One modality's file, and where it departs from the layout of the others (`Layout`).

    Attributes:
        file: relative to the folder of the outcomes.
    """

    file: str = Field(min_length=1)
    layout: Literal["rows", "groups"] | None = None
    ids: str | None = None
    embeddings: str | None = Field(default=None, min_length=1)
    quality: str | None = None
    columns: str | None = None
    patches: bool | None = None
    id_pattern: str | None = None
    strip_zeros: bool | None = None

    @field_validator("id_pattern")
    @classmethod
    def _has_one_group(cls, value: str | None) -> str | None:
        return value if value is None else check_pattern(value)

    def within(self, common: Layout) -> Layout:
        """Return the file's whole layout: its own settings, for the rest the common ones."""
        shared = {name: getattr(common, name) for name in Layout.model_fields}
        own = {name: getattr(self, name) for name in Layout.model_fields}
        given = {name: value for name, value in own.items() if value is not None}
        return Layout.model_validate(shared | given)


class Files(Layout):
    """Which file holds which modality, beside the layout that they share (`Layout`).

    Attributes:
        files: modality → file in the folder, or `{file: …}` with what departs from the common
            layout.
    """

    files: dict[ShortName, FileLayout] = Field(min_length=1)

    @field_validator("files", mode="before")
    @classmethod
    def _file_alone(cls, value: object) -> object:
        """Take `clinical: x.h5` as `clinical: {file: x.h5}`."""
        if not isinstance(value, dict):
            return value
        given: dict[Any, Any] = value
        return {name: {"file": each} if isinstance(each, str) else each
                for name, each in given.items()}  # fmt: skip

    def modalities(self) -> dict[EmbeddingModality, FileLayout]:
        """Return the files by modality, in the order of `EMBEDDED`."""
        by_short: Mapping[str, FileLayout] = {str(name): each for name, each in self.files.items()}
        return {name: by_short[short_name(name)] for name in EMBEDDED
                if short_name(name) in by_short}  # fmt: skip

    def common(self) -> Layout:
        """Return the layout that files share where they say nothing else."""
        return Layout(**{name: getattr(self, name) for name in Layout.model_fields})

    def rule(self) -> IdRule:
        """Return what of the table's ids is decoration."""
        return IdRule(pattern=self.id_pattern, strip_zeros=self.strip_zeros)


def check_pattern(value: str) -> str:
    """Return a pattern of ids.

    Raises:
        ValueError: it is no regular expression, or has not one group.
    """
    try:
        groups = re.compile(value).groups if value else 1
    except re.error as error:
        raise ValueError(f"id_pattern is no regular expression: {error}") from error
    if groups != 1:
        raise ValueError(f"id_pattern has {groups} groups; put the patient's own part into one")
    return value
