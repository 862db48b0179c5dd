from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.aws_simulator import start_simulator
from tests.tools.aws_simulator import builders
from tools.promote_demo.application import ask


def test_the_application_gets_the_answer_of_the_deployed_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = (
        "<document>\nContext: Doc 1: Vaults. A vault stores archives. You can create up to 1,000 vaults.\n</document>"
        "\n\n<question>\nHow many vaults can I create?\n</question>"
    )
    with start_simulator(tmp_path) as simulator:
        arn = builders.deploy(simulator, builders.custom_model(simulator))
        monkeypatch.setenv("AWS_ENDPOINT_URL", simulator.url)
        answer = ask(arn, instruction="Answer from the document.", prompt=prompt, region="us-east-1")
        assert "1,000 vaults" in answer
        [entry] = simulator.ledger["deployments"]
        assert entry["calls"] == 1
