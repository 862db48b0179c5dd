"""The lines of the tutorial that call a champion work, as they are on the page, and are few."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from include.distill.config.loader import load_use_case
from include.distill.core.paths import INCLUDE
from tests.docs.pages import page
from tests.fakes.aws_simulator import start_simulator
from tests.tools.aws_simulator import builders

PROMPT = (
    "<document>\nContext: Doc 1: Vaults. A vault stores archives. You can create up to 1,000 vaults.\n</document>\n\n"
    "<question>\nHow many vaults can I create?\n</question>"
)
ARN = re.compile(r'^arn = "(.+)"$', re.MULTILINE)


def lines_of_the_page() -> str:
    """Return the block of Python that calls the endpoint."""
    (block,) = (
        block
        for block in re.findall(r"```python\n(.*?)```", page("tutorial/from_csv_to_verdict.md"), re.DOTALL)
        if "converse" in block
    )
    return block


def test_the_call_has_six_lines() -> None:
    assert len([line for line in lines_of_the_page().splitlines() if line.strip()]) == 6


def test_the_call_gets_an_answer_from_a_deployed_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with start_simulator(tmp_path) as simulator:
        arn = builders.deploy(simulator, builders.custom_model(simulator))
        monkeypatch.setenv("AWS_ENDPOINT_URL", simulator.url)
        block = lines_of_the_page()
        shape = r"arn:aws:bedrock:us-east-1:\d{12}:custom-model-deployment/[a-z0-9]{12}"
        assert re.fullmatch(shape, arn)
        assert re.fullmatch(shape, ARN.findall(block)[0])
        instruction = load_use_case(INCLUDE / "use_cases" / "promote_demo.yaml").prompts.instruction
        exec(  # noqa: S102 the lines of the page
            ARN.sub(f'arn = "{arn}"', block), {"prompt": PROMPT, "system": instruction}
        )
    assert "1,000 vaults" in capsys.readouterr().out
