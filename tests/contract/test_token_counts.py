"""The pipeline counts tokens with CountTokens where the model supports it, and estimates them elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bedrock_distill.hooks.bedrock import BedrockDistillHook
from include.distill.config.catalog import Model, load_catalog
from include.distill.cost.estimate import ESTIMATED, TokenRate
from include.distill.cost.token_counts import PromptProbe, measure_token_rate
from include.distill.dataset.records import Row
from include.distill.inference.requests import ModelRequest
from tests.fakes.aws_simulator import start_simulator
from tests.plugins.conftest import make_row
from tools.aws_simulator.catalog.catalog import load_catalog as simulator_catalog

ACTIVE = [model for model in load_catalog().models.values() if model.lifecycle == "active"]


@pytest.fixture(scope="module")
def hook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BedrockDistillHook]:
    with start_simulator(tmp_path_factory.mktemp("aws")) as simulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", simulator.url)
        patch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://test:test@?region_name=us-east-1")
        yield BedrockDistillHook("aws_default", "us-east-1")


@pytest.mark.parametrize("model", ACTIVE, ids=lambda model: model.key)
def test_tokens_are_counted_for_models_that_support_it_and_estimated_for_the_others(
    hook: BedrockDistillHook, model: Model
) -> None:
    def request(row: Row) -> ModelRequest:
        text = f"Answer from the document.\n{row['document']}\n{row['question']}"
        return ModelRequest(model, model.inference_id, model.inference_id, text, 100)

    rows = [make_row(number) for number in range(3)]
    rate = measure_token_rate(
        PromptProbe("answers", request, ("document", "question"), "evaluation"), rows, hook.count_tokens
    )
    if simulator_catalog().models[model.key].count_tokens:
        assert rate.method == "CountTokens on 3 rows"
        assert rate.prompt_tokens > 0
    else:
        assert (rate.prompt_tokens, rate.tokens_per_estimated_token) == (TokenRate().prompt_tokens, 1)
        reason = f"Bedrock does not count tokens for {model.foundation_id} in this Region."
        assert rate.method == f"{ESTIMATED}, because CountTokens failed: {reason}"
