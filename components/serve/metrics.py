"""What the service counts, for Prometheus. Nothing in it is about a patient."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

# From a health check to an explanation.
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True, eq=False)
class Metrics:
    """Counters of one service; each service has a registry of its own."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    requests: Counter = field(init=False)
    seconds: Histogram = field(init=False)
    answers: Counter = field(init=False)
    refusals: Counter = field(init=False)
    rows: Counter = field(init=False)
    under_way: Gauge = field(init=False)
    stopped: Gauge = field(init=False)
    models: Gauge = field(init=False)

    def __post_init__(self) -> None:
        own: dict[str, Any] = {"registry": self.registry, "namespace": "cardio"}
        made = {
            "requests": Counter("requests", "Requests", ["route", "status"], **own),
            "seconds": Histogram(
                "request_seconds", "Time to answer", ["route"], buckets=_SECONDS, **own
            ),
            "answers": Counter("answers", "Answers", ["model", "version", "outcome"], **own),
            "refusals": Counter("refusals", "Inputs that cannot be used", ["code"], **own),
            "rows": Counter("batch_rows", "Rows of batches", ["outcome"], **own),
            "under_way": Gauge("under_way", "Requests computed or waiting", **own),
            "stopped": Gauge("stopped_processes", "Processes stopped at a limit or dead", **own),
            "models": Gauge("model_info", "Versions that answer", ["model", "version"], **own),
        }
        for name, each in made.items():
            object.__setattr__(self, name, each)
        ProcessCollector(registry=self.registry, namespace="cardio")
