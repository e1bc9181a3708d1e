"""The finest groups of every modality as one list, beside pictures, sounds, embeddings or events.

Removing regions of a picture by themselves says nothing of whether the picture counts beside the
sound and the table; so what is removed, put back and correlated are the parts of all of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np

from components.core.attribution.groups import BLOCKS, Grouped
from components.core.modalities import ARRAYS, EMBEDDED, EVENTS

PART = "part"
# Modality → kinds of its groups, the finest first; whatever has none of them counts as a whole.
FINEST: Mapping[str, tuple[str, ...]] = {
    "ecg": ("lead_segment", "lead", "segment"),
    "ecg_image": ("region",),
    "pcg": ("patch",),
    "tabular": ("variable",),
    "text": (),
    **{name: (kind,) for name, kind in BLOCKS.items()},
    EVENTS: ("event_cell", "event_window"),
}
_WHOLE = "modality"


def parts(grouped: Mapping[str, Grouped]) -> Grouped | None:
    """Return the parts of all modalities; None where there is no array and no event among them.

    None, too, where a method tells of whole embeddings alone: the parts are the modalities.

    Names are `<kind> <group>`, which `split` parts again.
    """
    own = [found for modality in FINEST for found in _of_modality(grouped, modality)]
    alone = {name for each in own for name in each.names} <= set(EMBEDDED)
    if alone or not any(_of_array(each) for each in own):
        return None
    return Grouped(
        kind=PART,
        names=tuple(f"{each.kind} {name}" for each in own for name in each.names),
        values=np.concatenate([each.values for each in own], axis=1),
    )


def of_kind(grouped: Mapping[str, Grouped], kind: str) -> Grouped:
    """Return a method's groups of a kind, `PART` among the kinds.

    Raises:
        KeyError: it has none.
    """
    found = parts(grouped) if kind == PART else None
    return grouped[kind] if found is None else found


def split(names: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the kinds of parts in their order, each with its groups' names.

    >>> split(("region row 1 column 1", "variable age", "variable bmi"))
    [('region', ('row 1 column 1',)), ('variable', ('age', 'bmi'))]
    """
    pairs = [each.split(" ", 1) for each in names]
    runs = itertools.groupby(pairs, key=lambda pair: pair[0])
    return [(kind, tuple(name for _, name in run)) for kind, run in runs]


def _of_modality(grouped: Mapping[str, Grouped], modality: str) -> list[Grouped]:
    for kind in FINEST[modality]:
        if kind in grouped and grouped[kind].names:
            return [grouped[kind]]
    whole = grouped.get(_WHOLE)
    if whole is None or modality not in whole.names:
        return []
    place = whole.names.index(modality)
    column = whole.values[:, place : place + 1]
    return [Grouped(kind=_WHOLE, names=(modality,), values=column)]


def _of_array(own: Grouped) -> bool:
    kinds = ("region", "patch", *BLOCKS.values(), *FINEST[EVENTS])
    return own.kind in kinds or bool({*ARRAYS, EVENTS} & set(own.names))
