"""What the service sends, as data that OpenAPI can state."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

NOTICE = "Research software. Not for clinical use: nothing here may guide the care of a patient."
State = Literal["queued", "running", "done", "failed", "cancelled"]


class _Sent(BaseModel):
    """What every document has in common."""

    model_config = ConfigDict(frozen=True)


class Problem(_Sent):
    """An error (RFC 9457)."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "/problems/unreadable-input",
                    "title": "The input cannot be used",
                    "status": 422,
                    "detail": "no reader recognises the file; convert the file to one of these",
                    "code": "unknown_format",
                }
            ]
        },
    )
    type: str
    title: str
    status: int
    detail: str
    code: str | None = None
    field: str | None = None


class ReadEcg(_Sent):
    """An ECG as it was read from its file."""

    format: str
    leads: list[str]
    fs: float = Field(description="sampling rate in Hz")
    unit: str
    seconds: float


class Read(_Sent):
    """What was read of the files."""

    ecg: ReadEcg | None = None


class Drawing(_Sent):
    """A picture, as SVG."""

    name: str
    title: str
    svg: str
    alt: str


class Answer(_Sent):
    """What a model says of one patient."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "model": "ctrcd_head", "version": "3", "alias": "champion",
                    "bundle": "5f2c…", "task": "ctrcd", "label": "CTRCD within 365 days",
                    "trained_on": "8ab0…: 2,100 records, 2,000 patients labelled, 310 events",
                    "probability": 0.23, "lo": 0.18, "hi": 0.29, "interval_note": "",
                    "logit": -1.2, "quality": 0.97, "flags": [], "quality_note": "",
                    "abstain": False, "abstain_reason": "", "heads": {}, "inputs": [],
                    "contributions": {}, "fields_note": "", "imputed": {},
                    "read": {
                        "ecg": {
                            "format": "muse", "leads": ["I", "II"], "fs": 500.0, "unit": "mV",
                            "seconds": 10.0,
                        }
                    },
                    "drawings": [], "notice": NOTICE,
                }
            ]
        },
    )  # fmt: skip
    model: str
    version: str
    alias: str
    bundle: str = Field(description="fingerprint of the evaluation that the model was made in")
    task: str
    label: str = Field(description="definition of the positive class")
    trained_on: str
    probability: float | None = Field(description="calibrated; null where the model abstains")
    lo: float | None = Field(description="5th percentile of the networks' probabilities")
    hi: float | None = Field(description="95th percentile")
    interval_note: str
    logit: float | None = Field(description="mean over the networks, before calibration")
    quality: float | None = Field(description="of the ECG, 0 to 1")
    flags: list[str]
    quality_note: str
    abstain: bool
    abstain_reason: str
    heads: dict[str, dict[str, float | None]]
    inputs: list[str]
    contributions: dict[str, float | None] = Field(description="modality → log-odds")
    fields_note: str
    imputed: dict[str, float | None] = Field(description="modality → how sure the model is")
    read: Read
    drawings: list[Drawing]
    notice: str


class Modality(_Sent):
    """What one kind of input contributes to an answer, in log-odds."""

    name: str
    title: str
    value: float | None


class Group(_Sent):
    """What groups of inputs contribute, in log-odds."""

    kind: str
    title: str
    names: list[str]
    values: list[float | None]


class Explanation(_Sent):
    """An answer, and what it rests on."""

    answer: Answer
    method: str
    quantity: str
    baseline: dict[str, str]
    log_odds: float | None
    baseline_log_odds: float | None
    error: float | None = Field(description="by how much the attributions miss completeness")
    modalities: list[Modality]
    groups: list[Group]
    drawings: list[Drawing]


class Job(_Sent):
    """A batch and how far it is."""

    id: str
    model: str
    version: str
    status: State
    rows: int | None = Field(description="null until the table has been counted")
    done: int
    refused: int
    abstained: int
    per_second: float | None
    seconds_left: float | None
    detail: str
    result: str | None = Field(description="address of the result, once it is there")
    kept_seconds: float | None = Field(description="how long the result can still be fetched")


class Model(_Sent):
    """A model that is served; what it takes in is in `inputs`."""

    name: str
    alias: str
    ready: bool
    detail: str
    version: str | None = None
    bundle: str | None = None
    task: str | None = None
    head: str | None = None
    label: str | None = None
    trained_on: str | None = None
    cohort: dict[str, float] = {}
    networks: int | None = None
    interval: bool = False
    abstains: bool = False
    threshold: float | None = None
    card: str | None = None
    figures: list[dict[str, Any]] = []
    validation: dict[str, Any] | None = None
    inputs: list[dict[str, Any]] = []
    columns: list[str] = Field(default=[], description="that a batch's table must have")


class Limits(_Sent):
    """What a request may be."""

    upload_bytes: int
    batch_bytes: int
    batch_rows: int
    seconds: float


class Models(_Sent):
    """The models that are served."""

    notice: str
    limits: Limits
    models: list[Model]


class Health(_Sent):
    """Whether the service answers."""

    status: Literal["ok", "degraded"]
    models: dict[str, str] = Field(description="name → version that answers")
    troubles: dict[str, str] = Field(description="name → why the alias's version does not answer")
    processes: int
    under_way: int
    stopped: int = Field(description="processes that were stopped or died, since the start")
    notice: str
