"""The page, the dashboard and the alerts name the metrics that there are."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import handbook
import yaml

from identra.metrics import EVERY
from identra.metrics.causes import every_label
from identra.tries import SUCCEEDED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from identra.metrics import Metric

PAGE = "docs/operate/metrics.md"
METRICS = {metric.name: metric for metric in EVERY}
SELECTED = re.compile(r"(identra_[a-z_]+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'([a-z_]+)(?:=~|!~|!=|=)"([^"]*)"')
TARGETS = {"job", "instance"}
"""Labels that Prometheus adds."""


def test_every_metric_is_explained_with_its_type_and_labels_and_no_other() -> None:
    rows = handbook.rows(handbook.read(PAGE), "metric")
    told = [(handbook.coded(row[0])[0], row[1], tuple(handbook.coded(row[2]))) for row in rows]
    assert told == [(m.name, m.kind, m.told_labels) for m in EVERY]
    assert all(row[3] for row in rows)


def test_every_cause_is_listed() -> None:
    rows = handbook.rows(handbook.read(PAGE), "token")
    told = [(handbook.coded(r[0])[0], cause) for r in rows for cause in handbook.coded(r[1])]
    assert tuple(told) == every_label()


def _alerts() -> list[dict[str, Any]]:
    text = (handbook.ROOT / "configs/alerts.yml").read_text(encoding="utf-8")
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def _panels() -> list[dict[str, Any]]:
    text = (handbook.ROOT / "configs/grafana-dashboard.json").read_text(encoding="utf-8")
    panels: list[dict[str, Any]] = json.loads(text)["panels"]
    return panels


def _selected(expression: str) -> Iterator[tuple[Metric, set[str]]]:
    """Each metric of a query, and the labels that it is selected by."""
    for name, matchers in SELECTED.findall(expression):
        plain = re.sub(r"_(bucket|sum|count)$", "", name)
        metric = METRICS.get(name) or METRICS[plain]
        assert (metric.kind == "histogram") == (metric.name != name), name
        labels = {label for label, _ in MATCHER.findall(matchers)}
        assert labels <= {*metric.told_labels, *TARGETS}, (name, labels)
        yield metric, labels


def _grouped(expression: str) -> set[str]:
    found = re.findall(r"(?:by|on) \(([^)]*)\)", expression)
    return {label.strip() for group in found for label in group.split(",")}


def _check(expression: str) -> set[str]:
    """The names of the metrics in a query, each selected and grouped by labels that it has."""
    assert expression.count("(") == expression.count(")")
    selected = list(_selected(expression))
    known = {label for metric, _ in selected for label in metric.told_labels}
    assert _grouped(expression) <= known | TARGETS | {"le"}, expression
    return {metric.name for metric, _ in selected}


def test_every_alert_asks_for_what_there_is() -> None:
    rules = _alerts()
    names = [rule["alert"] for rule in rules]
    assert len(set(names)) == len(names)
    for rule in rules:
        asked = _check(rule["expr"])
        assert asked or "up{" in rule["expr"]
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in {"critical", "warning"}
        shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        assert shown <= {label for name in asked for label in METRICS[name].told_labels} | TARGETS


def test_every_value_that_a_query_selects_can_be_there() -> None:
    """A misspelt reason would never fire."""
    known = {
        metric.name: {value for labels in metric.known for value in labels}
        for metric in EVERY
        if metric.known
    }
    queries = [rule["expr"] for rule in _alerts()]
    queries += [target["expr"] for panel in _panels() for target in panel["targets"]]
    found = 0
    for name, matchers in SELECTED.findall(" ".join(queries)):
        for label, value in MATCHER.findall(matchers):
            if name in known and label not in TARGETS:
                assert set(value.split("|")) <= known[name], (name, label, value)
                found += 1
    assert found >= 4
    assert SUCCEEDED == "succeeded"


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    panels = _panels()
    assert len({panel["id"] for panel in panels}) == len(panels)
    shown = {name for p in panels for target in p["targets"] for name in _check(target["expr"])}
    assert shown == set(METRICS)
    for panel in panels:
        for target in panel["targets"]:
            legend = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert legend <= _grouped(target["expr"])
