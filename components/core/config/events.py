"""How sequences of clinical events become rows of steps."""

from __future__ import annotations

from typing import Literal

from components.core.config.base import Frozen
from components.core.config.text import TextConfig


class EventsConfig(Frozen):
    """What a step of a sequence consists of, and which events are left out.

    Attributes:
        text: how the text of an event becomes numbers; every distinct text is read once.
        time: `scalar` is the logarithm of the hours before the prediction, standardised by the
            training part; `encoding` are sines and cosines of eight periods, 16 numbers.
        comfort_care: `drop` leaves out orders of comfort care and limits of treatment, which say
            that death is expected (`core.data.comfort_care`); `keep` leaves them in, and the audit
            refuses the cohort.
    """

    text: TextConfig = TextConfig()
    time: Literal["scalar", "encoding"] = "scalar"
    comfort_care: Literal["drop", "keep"] = "drop"
