"""The service's Prometheus metrics, in a registry of their own.

Processes that serve one port keep their counts in files of one folder, and any of them answers for all: counters and
histograms add up, a gauge has the value that was set last.
"""

import os
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client import Gauge as AnyGauge
from prometheus_client.multiprocess import MultiProcessCollector

from tools.lookback.calibration_watch import Observed

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 7.5, 10)
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The library's own variable; it must be set before the library is imported."""
Gauge = partial(AnyGauge, multiprocess_mode="mostrecent")


class Metrics:
    """The metrics of one runtime. Two runtimes in a process never share a count."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.triggers = Counter("inventory_trigger", "Triggers answered.", ["mode", "status"], registry=registry)
        self.llm_calls = Counter("llm_calls", "Model calls by outcome.", ["provider", "status"], registry=registry)
        self.orders = Counter(
            "orders_generated", "Orders by action and status.", ["action", "status"], registry=registry
        )
        self.safety_stock = Gauge(
            "current_safety_stock", "Last calculated safety stock.", ["product_id"], registry=registry
        )
        self.reorder_point = Gauge(
            "current_reorder_point", "Last calculated reorder point.", ["product_id"], registry=registry
        )
        self.decision_seconds = Histogram(
            "decision_seconds",
            "Time from trigger to order, review or answer.",
            ["mode"],
            buckets=SECONDS,
            registry=registry,
        )
        self.llm_call_seconds = Histogram(
            "llm_call_seconds", "Time of one model call.", ["provider"], buckets=SECONDS, registry=registry
        )
        self.llm_tokens = Counter(
            "llm_tokens", "Tokens by direction.", ["provider", "model", "direction"], registry=registry
        )
        self.llm_cost = Counter("llm_cost_dollars", "Price of the tokens.", ["provider", "model"], registry=registry)
        self.llm_cost_unknown = Counter(
            "llm_cost_unknown", "Calls of a model without a price.", ["provider", "model"], registry=registry
        )
        self.llm_fallbacks = Counter(
            "llm_fallbacks", "Falls to the next model, by reason.", ["provider", "reason"], registry=registry
        )
        self.llm_circuit_open = AnyGauge(
            "llm_circuit_open",
            "1 while a provider is passed over.",
            ["provider"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.review_queue_length = Gauge("review_queue_length", "Orders waiting for a person.", registry=registry)
        self.review_queue_oldest_seconds = Gauge(
            "review_queue_oldest_seconds", "Age of the oldest waiting order.", registry=registry
        )
        self.confidence_outcomes = Gauge(
            "confidence_outcomes", "Latest orders with a recorded outcome, a thousand at most.", registry=registry
        )
        self.confidence_calibration_error = Gauge(
            "confidence_calibration_error", "Their mean distance from the stated confidence.", registry=registry
        )
        self.confidence_drift_p_value = Gauge(
            "confidence_drift_p_value", "Chance of a disagreement as large as observed.", registry=registry
        )
        self.confidence_drift = Gauge(
            "confidence_drift", "1 while outcomes disagree with the stated confidence beyond chance.", registry=registry
        )
        self.http_requests = Counter(
            "http_requests", "Requests by route and status.", ["method", "route", "status"], registry=registry
        )
        self.http_seconds = Histogram(
            "http_request_seconds", "Time to answer.", ["route"], buckets=SECONDS, registry=registry
        )
        self.webhook_deliveries = Counter(
            "webhook_deliveries", "Attempts by outcome: delivered, failed, dead, gone.", ["outcome"], registry=registry
        )
        self.webhook_oldest_pending_seconds = Gauge(
            "webhook_oldest_pending_seconds", "Age of the oldest event still to be delivered.", registry=registry
        )
        self.webhook_pending = Gauge("webhook_pending", "Deliveries still to be made.", registry=registry)
        self.webhook_dead_letters = Gauge("webhook_dead_letters", "Deliveries given up.", registry=registry)

    def as_text(self) -> bytes:
        """All metrics in Prometheus's text form, with those of the other processes."""
        folder = os.environ.get(SHARED_FOLDER)
        if folder is None:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, folder)  # type: ignore[no-untyped-call]
        return generate_latest(together)

    def observe_calibration(self, found: Observed) -> None:
        self.confidence_outcomes.set(found.test.outcomes)
        self.confidence_calibration_error.set(found.test.calibration_error or 0.0)
        self.confidence_drift_p_value.set(found.test.p_value)
        self.confidence_drift.set(found.drift)
