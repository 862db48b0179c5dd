from __future__ import annotations

import pytest

from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.quota_check import quota_problems
from include.distill.config.sections import CriticSettings, ModelQuota
from tests.fakes.variables import VARIABLES

SAMPLE = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)


@pytest.mark.parametrize(
    ("model", "quota", "problem"),
    [
        pytest.param("claude-sonnet-5-5", {"tokens_per_minute": 4000}, "synthesis.max_tokens is 4096", id="teacher"),
        pytest.param("claude-sonnet-5-5", {"tokens_per_minute": 4096}, "allows 4096 tokens at once", id="equal"),
        pytest.param("nova-micro", {"tokens_per_minute": 1000}, "answering.max_tokens is 1024", id="student"),
        pytest.param("mistral-large-3", {"tokens_per_minute": 500}, "judging.max_tokens is 512", id="judge"),
        pytest.param(
            "claude-sonnet-5-5",
            {"tokens_per_minute": 10_000, "token_burst_share": 0.2},
            "allows 2000 tokens at once",
            id="burst",
        ),
    ],
)
def test_max_tokens_that_reach_the_quota_of_the_model_are_reported_as_a_problem(
    model: str, quota: dict[str, float], problem: str
) -> None:
    use_case = SAMPLE.model_copy(update={"quotas": {model: ModelQuota(**quota)}})
    (message,) = quota_problems(use_case)
    assert problem in message
    assert model in message


def test_large_or_unknown_quotas_are_not_a_problem() -> None:
    assert quota_problems(SAMPLE) == []
    large = {"claude-sonnet-5-5": ModelQuota(requests_per_minute=600, tokens_per_minute=200_000)}
    assert quota_problems(SAMPLE.model_copy(update={"quotas": large})) == []


def test_the_critics_quota_is_checked_too() -> None:
    critic = CriticSettings(model="nova-micro", max_spend_usd=1, max_tokens=4000)
    use_case = SAMPLE.model_copy(
        update={
            "curation": SAMPLE.curation.model_copy(update={"critic": critic}),
            "quotas": {"nova-micro": ModelQuota(tokens_per_minute=3000)},
        }
    )
    (message,) = quota_problems(use_case)
    assert message.startswith("curation.critic.max_tokens is 4000, and each call to nova-micro reserves")
