"""The lines of the tutorial that call a champion work, as they are on the page, and are few."""

from __future__ import annotations

import json
import re
from pathlib import Path

import boto3
import pytest

from include.distill.config.layout import Layout
from include.distill.config.loader import load_use_case
from include.distill.core.paths import INCLUDE
from include.distill.core.storage import split_uri
from include.distill.evaluation.endpoint_records import SmokePrompts
from tests.docs.pages import page
from tests.fakes.aws_simulator import start_simulator
from tests.plugins.conftest import make_champion
from tests.tools.aws_simulator import builders
from tools.local_airflow.settings import LOCAL_INSTALLATION

PROMPT = (
    "<document>\nContext: Doc 1: Vaults. A vault stores archives. You can create up to 1,000 vaults.\n</document>\n\n"
    "<question>\nHow many vaults can I create?\n</question>"
)
ARN = re.compile(r'^arn = "(.+)"$', re.MULTILINE)


def lines_of_the_page(word: str = "converse") -> str:
    """Return the block of Python that contains a word. By default, this is the block that calls the endpoint."""
    blocks = re.findall(r"```python\n(.*?)```", page("tutorial/from_csv_to_verdict.md"), re.DOTALL)
    (block,) = (block for block in blocks if word in block)
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


def test_the_lines_that_read_the_records_provide_what_the_call_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abcdefghijkl"
    smoke: SmokePrompts = {
        "prompts": [{"row_id": "r", "system": "Answer.", "user": PROMPT, "max_tokens": 9, "temperature": 0}]
    }
    places = Layout(load_use_case(INCLUDE / "use_cases" / "promote_demo.yaml", LOCAL_INSTALLATION).storage)
    endpoint = {"name": "e", "arn": arn, "kind": "on_demand", "region": "us-east-1", "created": "2026-11-21T02:00:00Z"}
    champion = make_champion(endpoint=endpoint)
    with start_simulator(tmp_path) as simulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL", simulator.url)
        for uri, body in (
            (places.champion("promote_demo"), champion.model_dump_json()),
            (places.smoke_prompts("promote_demo"), json.dumps(smoke)),
        ):
            bucket, key = split_uri(uri)
            builders.put(simulator, key, body.encode(), bucket=bucket)
        names: dict[str, object] = {"boto3": boto3}
        exec(lines_of_the_page("get_object"), names)  # noqa: S102 the lines of the page
    assert (names["arn"], names["system"], names["prompt"]) == (arn, "Answer.", PROMPT)
