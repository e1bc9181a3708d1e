"""What is trained beside the model itself, on the same folds, so that it can be compared."""

from __future__ import annotations

from dataclasses import dataclass

from components.core.config.fit import FitConfig
from components.core.config.heads import HeadMap
from components.core.data.cohort import Rows


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One network beside the model.

    Attributes:
        name: `without:<modality>` or `alone:<head>`; empty is the model itself.
        heads: what it is trained for, the primary head first.
        without: the modality that it never sees.
    """

    name: str
    heads: HeadMap
    without: str = ""

    def seen(self, rows: Rows) -> Rows:
        """Return the rows as this network sees them."""
        return rows.without(self.without) if self.without else rows


def variants(
    heads: HeadMap, rows: Rows, config: FitConfig, *, pretrained: bool = False
) -> list[Variant]:
    """Return what the settings ask for and the data allow; the model itself comes first.

    Args:
        heads: what is trained, the primary head first.
        rows: of the training part.
        config: all settings.
        pretrained: the trunk is taken over, and none was trained without a modality.
    """
    there = rows.modalities
    found = [Variant(name="", heads=heads)]
    if len(there) > 1 and not pretrained:
        found += [
            Variant(name=f"without:{lost}", heads=heads, without=lost)
            for lost in config.ablate
            if lost in there
        ]
    if config.alone and len(heads) > 1:
        found += [Variant(name=f"alone:{name}", heads={name: head}) for name, head in heads.items()]
    return found
