"""What a recording is made into: leads, rate, length, unit, filters, and how much it must hold."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from components.core.errors import nearest
from components.core.signals.leads import LEADS8, LEADS12
from components.core.signals.units import FS_RANGE, MAX_AMPLITUDE_MV, MIN_AMPLITUDE_MV

# Six of eight: a 12-lead machine with two loose electrodes is in, a two-lead Holter is not.
_DEFAULT_SHARE = 0.75
# Hz. Kligfield et al. 2007 (AHA/ACC/HRS): 0.05 Hz keeps the ST segment, 0.5 Hz only at zero phase.
HIGHPASS_HZ = (0.05, 0.5)


class PrepareConfig(BaseModel):
    """What `prepare` makes of a recording.

    Attributes:
        leads: canonical names in the order of the output's rows.
        fs: output rate in Hz.
        length: output samples per lead, L.
        unit: `mV`, or `z` for recordings that were standardised before they came here.
        min_duration_s: shorter recordings are refused; half of the window when None.
        min_leads: recordings with fewer of `leads` are refused; three quarters when None.
        highpass_hz: 0.05 or 0.5, a high-pass of zero phase; None leaves the baseline alone.
        notch_hz: takes out hum at that mains frequency, with zero phase; None leaves it in.
        max_amplitude_mv: recordings whose leads' median amplitude is above are refused, for their
            unit or gain may be wrong; raise it where saturated recordings are to be judged.
        judge: find the signal's quality, four fifths of the time this takes; False leaves flags
            and score unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    leads: tuple[str, ...] = Field(default=LEADS8, min_length=1)
    fs: float = Field(default=500.0, ge=FS_RANGE[0], le=FS_RANGE[1])
    length: int = Field(default=5000, ge=1)
    unit: Literal["mV", "z"] = "mV"
    min_duration_s: float | None = Field(default=None, ge=0)
    min_leads: int | None = Field(default=None, ge=1)
    highpass_hz: float | None = None
    notch_hz: Literal[50, 60] | None = None
    max_amplitude_mv: float = Field(default=MAX_AMPLITUDE_MV, gt=MIN_AMPLITUDE_MV)
    judge: bool = True

    @model_validator(mode="after")
    def _check_leads(self) -> Self:
        for lead in self.leads:
            if lead not in LEADS12:
                raise ValueError(f"'{lead}' is no canonical lead; {nearest(lead, LEADS12)}")
        if len(set(self.leads)) != len(self.leads):
            raise ValueError("a lead is named twice")
        if self.min_leads is not None and self.min_leads > len(self.leads):
            raise ValueError(f"min_leads {self.min_leads} exceeds the {len(self.leads)} leads")
        return self

    @model_validator(mode="after")
    def _check_filters(self) -> Self:
        if self.highpass_hz is not None and self.highpass_hz not in HIGHPASS_HZ:
            raise ValueError(f"highpass_hz is {self.highpass_hz:g}; choose 0.05 or 0.5, or none")
        if self.notch_hz is not None and self.fs <= 2 * self.notch_hz:
            raise ValueError(
                f"a {self.notch_hz} Hz notch needs fs above {2 * self.notch_hz} Hz, not {self.fs:g}"
            )
        return self

    @property
    def is_filtered(self) -> bool:
        """Return whether any filter is on."""
        return self.highpass_hz is not None or self.notch_hz is not None

    @property
    def shortest_s(self) -> float:
        """Return the shortest duration accepted, in seconds."""
        half = self.length / self.fs / 2
        return half if self.min_duration_s is None else self.min_duration_s

    @property
    def fewest_leads(self) -> int:
        """Return the smallest number of leads accepted."""
        return self.min_leads or math.ceil(_DEFAULT_SHARE * len(self.leads))
