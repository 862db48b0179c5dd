from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.prompt_loader import load_prompts
from include.distill.config.sections import CriticSettings
from include.distill.core.errors import InvalidRequestError, RefusedError, ServiceError, ThrottledError
from include.distill.cost.estimate import ESTIMATED, UNDECIDED_SHARE, TokenRate, estimate
from include.distill.cost.prices import load_prices
from include.distill.cost.token_counts import measure_token_rate, prompt_probes, sample_rows
from include.distill.dataset.splits import row_tokens
from include.distill.inference.requests import ModelRequest
from tests.fakes.memory_store import MemoryStore
from tests.fakes.variables import VARIABLES

SAMPLE = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)
CRITIC = CriticSettings(model="nova-lite", max_spend_usd=1e9)
USE_CASE = SAMPLE.model_copy(update={"curation": SAMPLE.curation.model_copy(update={"critic": CRITIC})})
PROMPTS = load_prompts(USE_CASE.prompts, MemoryStore())[1]
STEPS = {probe.step: probe for probe in prompt_probes(USE_CASE, PROMPTS)}
ROWS = [
    {"row_id": str(n), "document": "word " * 10 * n, "question": "What is it?", "answer": "A word.", "group": "g"}
    for n in range(1, 31)
]


def half_the_characters(request: ModelRequest) -> int:
    return (len(request.system) + len(request.user)) // 2


def test_there_is_a_probe_for_every_model_that_is_called_on_demand() -> None:
    assert set(STEPS) == {"synthesis", "critic", "answers", "claude-haiku-4-5", "mistral-large-3"}
    assert {probe.request(ROWS[0]).model.key for probe in STEPS.values()} == {
        USE_CASE.teacher,
        "nova-lite",
        USE_CASE.student,
        *USE_CASE.judges,
    }


@pytest.mark.parametrize("step", sorted(STEPS))
def test_counting_the_tokens_of_some_rows_gives_the_tokens_of_all_rows(step: str) -> None:
    probe = STEPS[step]
    rate = measure_token_rate(probe, ROWS[::3], half_the_characters)
    real_tokens = sum(half_the_characters(probe.request(row)) for row in ROWS)
    assert rate.input_tokens(row_tokens(ROWS), *probe.columns) == pytest.approx(real_tokens, rel=0.01)
    assert rate.method == "CountTokens on 10 rows"


@pytest.mark.parametrize("error", [InvalidRequestError, RefusedError, ThrottledError])
def test_tokens_that_cannot_be_counted_are_estimated_and_the_reason_is_kept(error: type[ServiceError]) -> None:
    def refuse(_: ModelRequest) -> int:
        raise error("not in this Region")

    rate = measure_token_rate(STEPS["synthesis"], ROWS, refuse)
    assert rate == TokenRate(method=f"{ESTIMATED}, because CountTokens failed: not in this Region")


def test_tokens_are_estimated_when_there_are_no_rows() -> None:
    assert measure_token_rate(STEPS["synthesis"], [], half_the_characters) == TokenRate()


def test_the_estimate_uses_the_counted_tokens_only_for_input() -> None:
    rows: list[Any] = row_tokens(ROWS)
    plain = {line.what: line.quantity for line in estimate(USE_CASE, train=rows, evaluation=rows, prices=load_prices())}
    rates = {step: TokenRate(1000.0, 0.0, "counted") for step in STEPS}
    lines = estimate(USE_CASE, train=rows, evaluation=rows, prices=load_prices(), rates=rates)
    now = {line.what: line.quantity for line in lines}
    assert now["synthesis: claude-sonnet-5-5 input"] == 1000 * len(rows)
    assert now["critic: nova-lite input"] == pytest.approx(UNDECIDED_SHARE * 3 * 1000 * len(rows))
    assert now["answers base: nova-micro input"] == 1000 * len(rows)
    assert now["judging: mistral-large-3 input"] == 2 * 1000 * len(rows)
    changed = {what for what in now if now[what] != plain[what]}
    assert all(what.endswith("input") for what in changed)


def test_the_lengths_of_texts_give_the_same_estimate_as_the_texts() -> None:
    def lines(rows: Any) -> Any:
        return estimate(USE_CASE, train=rows, evaluation=rows, prices=load_prices())

    assert lines(row_tokens(ROWS)) == lines(ROWS)
    assert "word" not in str(row_tokens(ROWS))


def test_the_sample_is_drawn_from_all_rows_and_is_always_the_same() -> None:
    drawn = sample_rows(iter(ROWS), 10, seed=1)
    assert drawn == sample_rows(iter(ROWS), 10, seed=1)
    assert len({row["row_id"] for row in drawn}) == 10
    assert any(row in ROWS[20:] for row in drawn)
    assert sample_rows(iter(ROWS[:3]), 10, seed=1) == ROWS[:3]
