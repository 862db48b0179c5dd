from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Asset

from bedrock_distill.lineage.assets import dataset_asset, model_asset, publish, report_asset
from tests.plugins.task_groups.conftest import PLAIN, TUNED, sample, tasks

ARMS = [{"name": "base", "kind": "base"}, TUNED, PLAIN]


@pytest.mark.parametrize("name", ["aws_docs_qa", "payroll"])
@pytest.mark.parametrize(
    ("asset", "kind"), [(dataset_asset, "dataset"), (model_asset, "model"), (report_asset, "report")]
)
def test_the_assets_have_the_documented_names_and_uris(asset: Any, kind: str, name: str) -> None:
    """The DAGs of other teams contain the names and the URIs. If they changed, these DAGs would never start."""
    assert asset(name) == Asset(name=f"distill_{kind}_{name}", uri=f"distill://{kind}s/{name}")


def test_every_trained_arm_makes_a_dataset_and_a_model_and_the_run_makes_one_report() -> None:
    outlets = {task_id: task.outlets for task_id, task in tasks(arms=ARMS).items() if task.outlets}
    name = sample().name
    assert {key: value for key, value in outlets.items() if key != "promote"} == {
        "tuned.upload": [dataset_asset(name)],
        "plain.upload": [dataset_asset(name)],
        "tuned.trained": [model_asset(name)],
        "plain.trained": [model_asset(name)],
        "report": [report_asset(name)],
    }


class TestPublish:
    @pytest.fixture
    def task(self) -> Any:
        return SimpleNamespace(outlets=[report_asset("payroll"), "something else"])

    @pytest.fixture
    def events(self) -> dict[Asset, SimpleNamespace]:
        return {report_asset("payroll"): SimpleNamespace(extra={})}

    def test_the_event_has_the_data(self, task: Any, events: Any) -> None:
        publish(task, {"outlet_events": events}, {"verdict": "tuned is better."})  # type: ignore[typeddict-item]
        assert events[report_asset("payroll")].extra == {"verdict": "tuned is better."}
        assert task.outlets[0] == report_asset("payroll")

    def test_without_data_the_assets_get_no_event(self, task: Any, events: Any) -> None:
        publish(task, {"outlet_events": events}, None)  # type: ignore[typeddict-item]
        assert task.outlets == ["something else"]
        assert events[report_asset("payroll")].extra == {}
