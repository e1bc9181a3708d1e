"""Types of settings that several sections share."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from components.core.errors import nearest
from components.core.signals.quality import FLAGS


def _known_flag(name: str) -> str:
    if name not in FLAGS:
        raise ValueError(f"'{name}' is no quality flag; {nearest(name, FLAGS)}")
    return name


# A name out of `components.core.signals.quality.FLAGS`.
QualityFlag = Annotated[str, AfterValidator(_known_flag)]
