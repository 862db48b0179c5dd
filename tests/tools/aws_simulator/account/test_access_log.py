from __future__ import annotations

from tools.aws_simulator.account.access_log import AccessLog


def test_decisions_are_counted_by_caller_action_resource_and_outcome() -> None:
    log = AccessLog()
    for allowed in (True, True, False):
        log.add("run", "bedrock:InvokeModel", "*", allowed=allowed)
    log.add("check", "iam:GetRole", "*", allowed=True)
    found = [(entry["caller"], entry["allowed"], entry["count"]) for entry in log.entries()]
    assert found == [("check", True, 1), ("run", False, 1), ("run", True, 2)]
    log.clear()
    assert log.entries() == []
