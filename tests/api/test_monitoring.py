"""The alerting rules and the dashboard in deploy/ name metrics and labels that the service has, and each rule fires."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.metrics import Metrics
from tests.daemons import program_or_skip

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = DEPLOY / "alerts.yml"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
EXPRESSIONS = [rule["expr"] for rule in RULES] + QUERIES
OF_PROMETHEUS = {"up": {"job"}}
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
FIRING = {
    "RestockDown": {'up{job="restock"}': "0x180"},
    "RequestsFail": {
        'http_requests_total{status="500"}': "0+60x180",
        'http_requests_total{status="200"}': "0+600x180",
    },
    "ReviewsWaitLong": {"review_queue_oldest_seconds": "90000+60x180"},
    "OrdersLate": {"orders_overdue": "1x180"},
    "ModelsFallBack": {'llm_fallbacks_total{provider="groq", reason="timeout"}': "0+1x180"},
    "ModelLeftOut": {'llm_circuit_open{provider="groq"}': "1x180"},
    "ConfidenceDrifts": {"confidence_drift": "1x180"},
    "DeliveriesWait": {"webhook_oldest_pending_seconds": "1000+60x180"},
    "DeliveriesGivenUp": {"webhook_dead_letters": "2x180"},
}
"""What makes each rule fire, a value for each minute of three hours."""
WELL = {
    'up{job="restock"}': "1x180",
    'http_requests_total{status="500"}': "0+1x180",
    'http_requests_total{status="200"}': "0+600x180",
    "review_queue_oldest_seconds": "3600x180",
    "orders_overdue": "0x180",
    'llm_fallbacks_total{provider="groq", reason="timeout"}': "0x60 1x120",
    'llm_fallbacks_total{provider="groq", reason="circuit_open"}': "0+9x180",
    'llm_circuit_open{provider="groq"}': "0x60 1x10 0x110",
    "confidence_drift": "0x180",
    "webhook_oldest_pending_seconds": "60x180",
    "webhook_dead_letters": "0x180",
}


def names_in(expression: str) -> set[str]:
    """The metrics of an expression: words that are no function, no label and no text."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^]]*\]|\b(?:by|on) \([^)]*\)', " ", expression)
    return set(re.findall(r"\b[a-z]\w+\b(?!\s*\()", bare)) - {"by", "on", "and", "or"}


def labels_in(expression: str) -> set[str]:
    by = [word for words in re.findall(r"\bby \(([^)]*)\)", expression) for word in words.split(",")]
    return {word.strip() for word in (*by, *re.findall(r"[{,]\s*(\w+)\s*(?:=|!)", expression))}


def known_labels() -> dict[str, set[str]]:
    metrics = [each for each in vars(Metrics()).values() if hasattr(each, "_labelnames")]
    return {each._name: set(each._labelnames) for each in metrics} | OF_PROMETHEUS


async def test_every_metric_that_is_named_is_one_of_the_service(service: Any) -> None:
    text = (await service.client.get("/metrics")).text
    kinds = re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE)
    present = {name + suffix for name, kind in kinds for suffix in SUFFIXES[kind]}

    assert len(EXPRESSIONS) > 30
    for expression in EXPRESSIONS:
        named = names_in(expression)
        assert named
        assert named - set(OF_PROMETHEUS) <= present, expression


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_label_that_is_named_is_one_of_its_metric(expression: str) -> None:
    labels = known_labels()
    bases = {re.sub(r"_(bucket|sum|count|total)$", "", name) for name in names_in(expression)}

    assert labels_in(expression) - {"le"} <= set.union(*(labels[base] for base in bases))


def test_two_metrics_alone_carry_ids_of_products() -> None:
    carrying = {name for name, labels in known_labels().items() if "product_id" in labels}

    assert carrying == {"current_safety_stock", "current_reorder_point"}


def test_every_metric_of_the_service_is_on_the_dashboard() -> None:
    shown = " ".join(QUERIES)

    assert [name for name in known_labels() if name not in shown and name not in OF_PROMETHEUS] == []


def test_the_dashboard_is_whole() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]

    assert len(set(ids)) == len(ids)
    for panel in PANELS:
        assert panel["title"]
        assert panel["targets"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_rule_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert set(rule) - {"for"} == {"alert", "expr", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["summary"].endswith(".")


def test_the_configuration_in_the_docs_is_one_that_prometheus_takes(tmp_path: Path) -> None:
    page = (DEPLOY.parent / "docs" / "operations.md").read_text()
    (text,) = re.findall(r"```yaml\n(rule_files.*?)```", page, re.DOTALL)
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/", f"{tmp_path}/"))
    (tmp_path / "alerts.yml").write_text(ALERTS.read_text())
    (tmp_path / "restock_key").write_text("key")

    checked = subprocess.run(
        [program_or_skip("promtool"), "check", "config", tmp_path / "prometheus.yml"], capture_output=True, text=True
    )

    assert checked.returncode == 0, checked.stderr


def test_prometheus_reads_every_query_of_the_dashboard(tmp_path: Path) -> None:
    plain = [re.sub(r"\$__rate_interval", "5m", query) for query in QUERIES]
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(plain)]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))

    checked = subprocess.run([program_or_skip("promtool"), "check", "rules", file], capture_output=True, text=True)

    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("name", [rule["alert"] for rule in RULES])
def test_a_rule_fires_when_it_should_and_is_silent_otherwise(tmp_path: Path, name: str) -> None:
    for file, series, fires in (("ill", WELL | FIRING[name], True), ("well", WELL, False)):
        checked = evaluated(tmp_path / f"{file}.yml", series, name)
        told = checked.stdout + checked.stderr
        # An expectation of no alert at all fails, and tells what there is, where one fires.
        assert (checked.returncode != 0) is fires, told
        assert (f'alertname="{name}"' in told) is fires, told


def evaluated(file: Path, series: dict[str, str], name: str) -> subprocess.CompletedProcess[str]:
    """Prometheus's own test of the rules at the end of three hours; it expects that this one does not fire."""
    test = {
        "interval": "1m",
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "alert_rule_test": [{"eval_time": "3h", "alertname": name, "exp_alerts": []}],
    }
    file.write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": [test]}))
    return subprocess.run([program_or_skip("promtool"), "test", "rules", file], capture_output=True, text=True)
