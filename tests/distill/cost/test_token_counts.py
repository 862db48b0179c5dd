from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.prompt_loader import load_prompts
from include.distill.config.sections import CriticSettings
from include.distill.core.errors import InvalidRequestError, RefusedError, ServiceError, ThrottledError
from include.distill.cost.estimate import TokenRate, estimate
from include.distill.cost.prices import load_prices
from include.distill.cost.token_counts import measure_token_rate, prompt_probes, sample_rows
from include.distill.dataset.splits import text_lengths
from include.distill.inference.requests import ModelRequest
from tests.fakes.memory_store import MemoryStore

SAMPLE = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment={})
CRITIC = CriticSettings(model="nova-lite", max_spend_usd=1e9)
USE_CASE = SAMPLE.model_copy(update={"curation": SAMPLE.curation.model_copy(update={"critic": CRITIC})})
PROMPTS = load_prompts(USE_CASE.prompts, MemoryStore())[1]
STEPS = {asked.step: asked for asked in prompt_probes(USE_CASE, PROMPTS)}
ROWS = [
    {"row_id": str(n), "document": "word " * 10 * n, "question": "What is it?", "answer": "A word."}
    for n in range(1, 31)
]


def half_the_characters(request: ModelRequest) -> int:
    return (len(request.system) + len(request.user)) // 2


def test_every_model_that_is_asked_on_demand_is_counted() -> None:
    assert set(STEPS) == {"synthesis", "critic", "answers", "claude-haiku-4-5", "llama-3-3-70b"}
    assert {asked.request(ROWS[0]).model.key for asked in STEPS.values()} == {
        USE_CASE.teacher,
        "nova-lite",
        USE_CASE.student,
        *USE_CASE.judges,
    }


@pytest.mark.parametrize("step", sorted(STEPS))
def test_counting_some_rows_tells_the_tokens_of_all(step: str) -> None:
    asked = STEPS[step]
    counting = measure_token_rate(asked, ROWS[::3], half_the_characters)
    really = sum(half_the_characters(asked.request(row)) for row in ROWS)
    assert counting.input_tokens(text_lengths(ROWS), *asked.columns) == pytest.approx(really, rel=0.01)
    assert counting.method == "CountTokens on 10 rows"


@pytest.mark.parametrize("error", [InvalidRequestError, RefusedError, ThrottledError])
def test_where_nothing_can_be_counted_it_is_an_estimate_and_says_why(error: type[ServiceError]) -> None:
    def refuse(_: ModelRequest) -> int:
        raise error("not in this Region")

    counting = measure_token_rate(STEPS["synthesis"], ROWS, refuse)
    assert counting == TokenRate(method="estimated at 4 characters a token, for CountTokens failed: not in this Region")


def test_no_rows_are_no_reason_to_fail() -> None:
    assert measure_token_rate(STEPS["synthesis"], [], half_the_characters) == TokenRate()


def test_what_was_counted_is_what_the_lines_say() -> None:
    rows: list[Any] = text_lengths(ROWS)
    plain = {line.what: line.quantity for line in estimate(USE_CASE, train=rows, evaluation=rows, prices=load_prices())}
    counted = {step: TokenRate(1000.0, 0.0, "counted") for step in STEPS}
    lines = estimate(USE_CASE, train=rows, evaluation=rows, prices=load_prices(), counted=counted)
    now = {line.what: line.quantity for line in lines}
    assert now["synthesis: claude-sonnet-5-5 input"] == 1000 * len(rows)
    assert now["critic: nova-lite input"] == 3 * 1000 * len(rows)
    assert now["answers base: nova-micro input"] == 1000 * len(rows)
    assert now["judging: llama-3-3-70b input"] == 2 * 1000 * len(rows)
    changed = {what for what in now if now[what] != plain[what]}
    assert all(what.endswith("input") for what in changed)


def test_lengths_are_estimated_as_the_texts_are_and_hold_none() -> None:
    def lines(rows: Any) -> Any:
        return estimate(USE_CASE, train=rows, evaluation=rows, prices=load_prices())

    grouped = [{**row, "group": "g"} for row in ROWS]
    assert lines(text_lengths(grouped)) == lines(grouped)
    assert "word" not in str(text_lengths(grouped))


def test_a_sample_is_of_the_whole_stream_and_the_same_each_time() -> None:
    drawn = sample_rows(iter(ROWS), 10, seed=1)
    assert drawn == sample_rows(iter(ROWS), 10, seed=1)
    assert len({row["row_id"] for row in drawn}) == 10
    assert any(row in ROWS[20:] for row in drawn)
    assert sample_rows(iter(ROWS[:3]), 10, seed=1) == ROWS[:3]
