"""What the service counts, for Prometheus. Nothing in it is about a patient."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

# From a health check to an explanation.
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Metrics:
    """Counters of one service; each service has a registry of its own."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        self.requests = Counter("cardio_requests", "Requests", ["route", "status"], registry=own)
        self.seconds = Histogram(
            "cardio_request_seconds", "Time to answer", ["route"], buckets=_SECONDS, registry=own
        )
        self.answers = Counter(
            "cardio_answers", "Answers", ["model", "version", "outcome"], registry=own
        )
        self.refusals = Counter(
            "cardio_refusals", "Inputs that cannot be used", ["code"], registry=own
        )
        self.rows = Counter("cardio_batch_rows", "Rows of batches", ["outcome"], registry=own)
        self.under_way = Gauge("cardio_under_way", "Requests computed or waiting", registry=own)
        self.stopped = Gauge(
            "cardio_stopped_processes", "Processes stopped at a limit or dead", registry=own
        )
        self.models = Gauge(
            "cardio_model_info", "Versions that answer", ["model", "version"], registry=own
        )
        ProcessCollector(registry=own, namespace="cardio")
