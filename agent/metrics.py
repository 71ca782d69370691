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
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        histogram = partial(Histogram, registry=registry, buckets=SECONDS)
        self.triggers = counter("inventory_trigger", "Triggers answered.", ["mode", "status"])
        self.llm_calls = counter("llm_calls", "Model calls by outcome.", ["provider", "status"])
        self.orders = counter("orders_generated", "Orders by action and status.", ["action", "status"])
        self.safety_stock = gauge("current_safety_stock", "Last calculated safety stock.", ["product_id"])
        self.reorder_point = gauge("current_reorder_point", "Last calculated reorder point.", ["product_id"])
        self.decision_seconds = histogram("decision_seconds", "Time from trigger to order, review or answer.", ["mode"])
        self.llm_call_seconds = histogram("llm_call_seconds", "Time of one model call.", ["provider"])
        self.llm_tokens = counter("llm_tokens", "Tokens by direction.", ["provider", "model", "direction"])
        self.llm_cost = counter("llm_cost_dollars", "Price of the tokens.", ["provider", "model"])
        self.llm_cost_unknown = counter("llm_cost_unknown", "Calls of a model without a price.", ["provider", "model"])
        self.llm_fallbacks = counter("llm_fallbacks", "Falls to the next model, by reason.", ["provider", "reason"])
        self.llm_circuit_open = gauge(
            "llm_circuit_open", "1 while a provider is passed over.", ["provider"], multiprocess_mode="livemax"
        )
        self.review_queue_length = gauge("review_queue_length", "Orders waiting for a person.")
        self.review_queue_oldest_seconds = gauge("review_queue_oldest_seconds", "Age of the oldest waiting order.")
        self.orders_open = gauge("orders_open", "Orders neither received nor cancelled.")
        self.orders_overdue = gauge("orders_overdue", "Open orders whose due date has passed.")
        self.confidence_outcomes = gauge(
            "confidence_outcomes", "Latest orders with a recorded outcome, a thousand at most."
        )
        self.confidence_calibration_error = gauge(
            "confidence_calibration_error", "Their mean distance from the stated confidence."
        )
        self.confidence_drift_p_value = gauge(
            "confidence_drift_p_value", "Chance of a disagreement as large as observed."
        )
        self.confidence_drift = gauge(
            "confidence_drift", "1 while outcomes disagree with the stated confidence beyond chance."
        )
        self.http_requests = counter("http_requests", "Requests by route and status.", ["method", "route", "status"])
        self.http_seconds = histogram("http_request_seconds", "Time to answer.", ["route"])
        self.webhook_deliveries = counter(
            "webhook_deliveries", "Attempts by outcome: delivered, failed, dead, gone.", ["outcome"]
        )
        self.webhook_oldest_pending_seconds = gauge(
            "webhook_oldest_pending_seconds", "Age of the oldest event still to be delivered."
        )
        self.webhook_pending = gauge("webhook_pending", "Deliveries still to be made.")
        self.webhook_dead_letters = gauge("webhook_dead_letters", "Deliveries given up.")

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
