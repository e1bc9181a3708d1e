"""How a model is explained."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.core.config.base import Frozen


class ExplainConfig(Frozen):
    """Settings of an explanation, the same for every task.

    Attributes:
        methods: names of files in `explain/methods`; empty takes all that fit the model.
        part: whose records are explained. `val` leaves the test part closed; `test` opens it,
            which is recorded and counted.
        records: as many are drawn, where none are named; `seed` draws them.
        seed: of every draw.
        steps: of the path of Integrated Gradients.
        arithmetic: of Integrated Gradients: `fp32` by Captum; `bf16` in half the time, the ECG's
            convolutions in 16 bits (correlation with fp32 above 0.99, docs/benchmarks.md).
        permutations: orders in which Shapley sampling lets the groups in.
        orders: random orders that deletion and insertion are compared with.
        randomised: networks with drawn parameters that the explanation is compared with.
        noise_sd: of the noise that the explanation must bear, as a share of the SD of each lead, of
            each channel of a picture or sound, of each entry of an embedding or an event's text and
            time.
        noisy: copies of each record with such noise.
        checked: records of each fold, drawn from those explained, on which faithfulness is tried:
            there every method runs again for each randomised network and noisy copy.
        draws: of the bootstrap.
        overlays: records whose trace, or picture and sound, is drawn, those with the highest, the
            lowest and the middle risk.
        notes: whole notes shown on the page, picked likewise, with their words marked. None unless
            asked for: notes are patient data, and the page is an artifact of the run.
        window_hours: width of the windows among which critical ones are looked for in sequences of
            events.
        critical_share: least share of a stay's |attribution|, mean over the stays, at which such a
            window is critical.
        attention_megabytes: stays whose attention takes more are left out of what is told of it.
    """

    methods: tuple[str, ...] = ()
    part: Literal["val", "test"] = "val"
    records: int = Field(default=128, ge=2)
    seed: int = 0
    # The mean completeness error of fewer steps is above a hundredth of the log-odds' spread.
    steps: int = Field(default=50, ge=2)
    arithmetic: Literal["fp32", "bf16"] = "fp32"
    permutations: int = Field(default=10, ge=1)
    orders: int = Field(default=10, ge=1)
    randomised: int = Field(default=3, ge=1)
    noise_sd: float = Field(default=0.05, gt=0, le=1)
    noisy: int = Field(default=2, ge=1)
    checked: int = Field(default=24, ge=2)
    draws: int = Field(default=1000, ge=100)
    overlays: int = Field(default=6, ge=0)
    notes: int = Field(default=0, ge=0)
    window_hours: float = Field(default=2.0, gt=0)
    # Spread evenly over 24 hours, a window of two would hold a twelfth.
    critical_share: float = Field(default=0.1, gt=0, le=1)
    # 1,500 events in the default network of 4 layers and 8 heads take 290.
    attention_megabytes: float = Field(default=512.0, gt=0)
