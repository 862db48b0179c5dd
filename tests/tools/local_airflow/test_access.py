"""A run keeps what it asked of AWS, and names what the policies refused."""

from __future__ import annotations

import json
from pathlib import Path

from tests.fakes.aws_simulator import start_simulator
from tools.local_airflow.access import describe_refusals, keep_access

ROLE = "arn:aws:sts::123456789012:assumed-role/distill-run/distill-run"


def entry(action: str, *, allowed: bool) -> dict[str, object]:
    return {"caller": ROLE, "action": action, "resource": "arn:aws:s3:::b/k", "allowed": allowed, "count": 2}


def test_only_refused_requests_are_named_with_their_caller_and_resource() -> None:
    text = describe_refusals([entry("s3:GetObject", allowed=True), entry("s3:PutObject", allowed=False)])
    assert "  distill-run: s3:PutObject on arn:aws:s3:::b/k (2x)" in text.splitlines()
    assert "s3:GetObject" not in text
    assert describe_refusals([entry("s3:GetObject", allowed=True)]) == ""


def test_the_decisions_are_stored(tmp_path: Path) -> None:
    with start_simulator(tmp_path / "account", policies=[]) as simulator:
        simulator.boto("bedrock").list_foundation_models()
        assert keep_access(simulator.url, tmp_path / "state" / "access.json") == ""
    stored = json.loads((tmp_path / "state" / "access.json").read_text())
    assert [(one["action"], one["allowed"]) for one in stored] == [("bedrock:ListFoundationModels", True)]
