"""What is trained beside the model itself, on the same folds, so that it can be compared."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from components.core.config.fit import FitConfig
from components.core.config.heads import HeadMap
from components.core.data.cohort import Rows
from components.core.modalities import MODALITIES
from components.train.figures import MEAN, MONITOR


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One network beside the model.

    Attributes:
        name: `without:<modality>`, `only:<modality>` or `alone:<head>`; empty is the model itself.
        heads: what it is trained for, the primary head first.
        without: the modality that it never sees.
        only: the one modality that it sees; records that lack it stay, answered by the token.
    """

    name: str
    heads: HeadMap
    without: str = ""
    only: str = ""

    def seen(self, rows: Rows) -> Rows:
        """Return the rows as this network sees them."""
        if self.only:
            return rows.only(self.only)
        return rows.without(self.without) if self.without else rows

    def settings(self, config: FitConfig, rows: Rows) -> FitConfig:
        """Return the model's own settings, less what is of modalities and heads that are gone.

        A modality alone is not pretrained: there is nothing to impute it from.

        Args:
            config: of the model itself.
            rows: as this network sees them.
        """
        changed: dict[str, Any] = {}
        if self.without or self.only:
            own = {n: f for n, f in config.lr_multipliers.items() if n in rows.modalities}
            changed["lr_multipliers"] = own
        if self.only:
            changed["pretrain_epochs"] = 0
        if config.keep not in (MEAN, MONITOR, *self.heads):
            changed["keep"] = MONITOR
        return config.model_copy(update=changed)


def variants(
    heads: HeadMap,
    rows: Rows,
    config: FitConfig,
    *,
    pretrained: bool = False,
    inputs: Collection[str] = MODALITIES,
) -> list[Variant]:
    """Return what the settings ask for and the data allow; the model itself comes first.

    Args:
        heads: what is trained, the primary head first.
        rows: of the training part.
        config: all settings.
        pretrained: the trunk is taken over, and none was trained without a modality.
        inputs: modalities that the model's answer depends on.
    """
    there = rows.modalities
    found = [Variant(name="", heads=heads)]
    if len(there) > 1 and not pretrained:
        found += [
            Variant(name=f"without:{lost}", heads=heads, without=lost)
            for lost in config.ablate
            if lost in there
        ]
    singles = [name for name in there if name in inputs]
    if config.singles and len(singles) > 1 and not pretrained:
        found += [Variant(name=f"only:{name}", heads=heads, only=name) for name in singles]
    if config.alone and len(heads) > 1:
        found += [Variant(name=f"alone:{name}", heads={name: head}) for name, head in heads.items()]
    return found
