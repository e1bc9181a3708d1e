"""What only people can say for the model card: statements by item of TRIPOD+AI."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import AfterValidator, BeforeValidator

from components.core.errors import nearest
from components.core.report.tripod import ITEMS

NUMBERS = tuple(item.number for item in ITEMS)


def _as_text(value: object) -> object:
    """Return the mapping with text keys: YAML reads an item without a letter as a number."""
    if not isinstance(value, dict):
        return value
    return {str(key): text for key, text in cast(dict[Any, Any], value).items()}


def _known(value: dict[str, str]) -> dict[str, str]:
    for number, text in value.items():
        if number not in NUMBERS:
            raise ValueError(
                f"'{number}' is no item of TRIPOD+AI (1 to 27c); {nearest(number, NUMBERS)}"
            )
        if not text.strip():
            raise ValueError(f"item {number} says nothing; leave it out and it is listed as open")
    return value


Statements = Annotated[dict[str, str], BeforeValidator(_as_text), AfterValidator(_known)]
