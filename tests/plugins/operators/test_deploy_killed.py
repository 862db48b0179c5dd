"""Kill the tasks that serve on demand at every call to the AWS simulator, and check that a retry ends well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.operators.deploy import BedrockDeployModelOperator, BedrockUndeployModelOperator
from include.distill.core.naming import throughput_names
from tests.fakes.aws_simulator import RunningSimulator, connected_simulator
from tests.fakes.fake_bedrock import RUN_KEY
from tests.plugins.conftest import RUN_URI
from tests.tools.aws_simulator import builders

FIRST = throughput_names("test", "aws_docs_qa", "tuned", RUN_KEY, 1).name


class Killed(BaseException):
    """The worker's process is killed."""


class MortalHook(BedrockDistillHook):
    """The real hook. The process is killed before or after the first call of one method."""

    def __init__(self, method: str, *, after: bool) -> None:
        super().__init__()
        self.method, self.after = method, after

    def call(self, service: str, method: str, what: str = "", **parameters: Any) -> Any:
        is_end, self.method = method == self.method, "" if method == self.method else self.method
        if is_end and not self.after:
            raise Killed
        answer = super().call(service, method, what, **parameters)
        if is_end:
            raise Killed
        return answer


@pytest.fixture
def simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningSimulator]:
    with connected_simulator(tmp_path / "state", monkeypatch) as simulator:
        yield simulator


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "method",
    ["create_custom_model_deployment", "get_custom_model_deployment", "delete_custom_model_deployment"],
)
def test_a_killed_task_leaves_nothing_that_a_retry_does_not_find(
    simulator: RunningSimulator, equip: Any, context: Any, method: str, after: bool
) -> None:
    trained = {"model_arn": builders.custom_model(simulator)}

    def deploy(hook: BedrockDistillHook) -> Any:
        task = equip(BedrockDeployModelOperator(task_id="tuned.deploy", arm="tuned", run_uri=RUN_URI, trained=trained))
        task.__dict__["hook"] = hook
        return task.execute(context)

    def undeploy(hook: BedrockDistillHook) -> Any:
        task = equip(BedrockUndeployModelOperator(task_id="tuned.undeploy", arm="tuned", run_uri=RUN_URI))
        task.__dict__["hook"] = hook
        return task.execute(context)

    kills = 0
    for run in (deploy, undeploy):
        try:
            run(MortalHook(method, after=after))
        except Killed:
            kills += 1
            run(BedrockDistillHook())
        if run is deploy:
            [entry] = simulator.ledger["deployments"]
            assert (entry["name"], entry["alive"]) == (FIRST, True)
    assert kills > 0
    assert [entry["alive"] for entry in simulator.ledger["deployments"]] == [False]
    assert BedrockDistillHook().list_throughputs() == []
