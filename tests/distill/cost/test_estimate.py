from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.core.errors import UseCaseError
from include.distill.core.tokens import rough_token_count
from include.distill.cost.estimate import PROMPT_TOKENS, VERDICT_TOKENS, estimate
from include.distill.cost.prices import BillLine, Prices, total_usd
from tests.distill.conftest import make_use_case

BASE = {"name": "base", "kind": "base"}
# Round prices, so that a bill can be worked out by hand: input $1, output $2 a million tokens and so on.
ROUND = {
    "input_per_million": 1,
    "output_per_million": 2,
    "training_per_thousand": 0.01,
    "throughput_per_hour": 10,
}
PRICES = Prices(dict.fromkeys(("claude-sonnet-4-6", "nova-micro", "claude-haiku-4-5"), ROUND), batch_share=0.5)
# 39 characters are 10 tokens, 19 are 5, 7 are 2.
ROW = {"document": "d" * 39, "question": "q" * 19, "answer": "a" * 7}


def quantities(lines: list[BillLine]) -> dict[str, float]:
    return {line.what: line.quantity for line in lines}


class TestLines:
    def test_a_line_is_quantity_times_price_to_the_hundredth_of_a_cent(self) -> None:
        line = BillLine("w", 3, "token", 0.00003)
        assert line.usd == 0.0001
        assert line.as_record() == {
            "what": "w",
            "quantity": 3,
            "unit": "token",
            "unit_price_usd": 0.00003,
            "usd": 0.0001,
        }

    @given(st.lists(st.builds(BillLine, st.just("w"), st.floats(0, 1e9), st.just("u"), st.floats(0, 100))))
    def test_the_total_is_the_sum_of_what_is_printed(self, lines: list[BillLine]) -> None:
        assert total_usd(lines) == pytest.approx(sum(line.as_record()["usd"] for line in lines), abs=1e-4)

    def test_units(self) -> None:
        asked = PRICES.token_lines("w", "nova-micro", 1_000_000, 500_000)
        assert [line.usd for line in asked] == [1, 1]
        assert PRICES.training_line("tuned", "nova-micro", 2000).usd == 0.02
        assert PRICES.throughput_line("tuned", "nova-micro", 1.5).usd == 15

    def test_a_token_of_a_batch_job_costs_its_share_and_says_so(self) -> None:
        asked = PRICES.token_lines("w", "nova-micro", 1_000_000, 500_000, batch=True)
        assert {line.what: line.usd for line in asked} == {
            "w: nova-micro batch input": 0.5,
            "w: nova-micro batch output": 0.5,
        }

    @pytest.mark.parametrize(("model", "what"), [("nobody", "input_per_million"), ("nova-micro", "per_moon")])
    def test_a_price_that_is_not_known_is_an_error_not_zero(self, model: str, what: str) -> None:
        with pytest.raises(UseCaseError, match=f"no {what} for {model}"):
            PRICES.price(model, what)


class TestEstimate:
    def test_worked_out_by_hand(self) -> None:
        use_case = make_use_case(
            synthesis={"pairs_per_document": 2},
            training={"hyperparameters": {"epochCount": 3}},
            serving={"expected_hours": 0.5, "model_units": 4},
        )
        lines = estimate(use_case, train=[ROW, ROW], evaluation=[ROW], prices=PRICES)
        asked = 10 + 5 + PROMPT_TOKENS
        assert quantities(lines) == {
            "synthesis: claude-sonnet-4-6 input": 2 * (10 + 5 + 2 + PROMPT_TOKENS),
            "synthesis: claude-sonnet-4-6 output": 2 * 2 * (5 + 2),
            "answers base: nova-micro input": asked,
            "answers base: nova-micro output": 2,
            "throughput tuned: nova-micro": 0.5 * 4,
            "training tuned: nova-micro": 3 * (1 + 2) * 2 * (10 + 5 + 2),
            "judging: claude-haiku-4-5 input": 2 * (10 + 5 + 2 + 2 + PROMPT_TOKENS),
            "judging: claude-haiku-4-5 output": 2 * VERDICT_TOKENS,
        }
        # 734 + 2x28, 365 + 2x2, 738 + 2x120 tokens at $1 a million, 306 x $0.01 a thousand, two hours at $10.
        assert [line.usd for line in lines] == [0.0007, 0.0001, 0.0004, 0.0, 20.0, 0.0031, 0.0007, 0.0002]
        assert total_usd(lines) == 20.0052

    def test_an_arm_costs_what_its_own_mix_costs_and_the_teacher_what_is_sent(self) -> None:
        arms = [
            BASE,
            {"name": "few", "originals": 2, "synthetic": 0},
            {"name": "mix", "originals": 2, "synthetic": 3},
            {"name": "pairs", "originals": 0, "synthetic": 4},
        ]
        pairs = {"synthesis": {"pairs_per_document": 2}, "training": {"hyperparameters": {"epochCount": 1}}}
        found = quantities(
            estimate(make_use_case(arms=arms, **pairs), train=[ROW] * 5, evaluation=[ROW], prices=PRICES)
        )
        trained = {what.split()[1]: quantity / 17 for what, quantity in found.items() if what.startswith("training")}
        assert trained == {"few:": 2, "mix:": 5, "pairs:": 4}
        assert found["synthesis: claude-sonnet-4-6 output"] == 5 * 2 * (5 + 2)
        sent = quantities(
            estimate(make_use_case(arms=arms[:3], **pairs), train=[ROW] * 5, evaluation=[ROW], prices=PRICES)
        )
        assert sent["synthesis: claude-sonnet-4-6 output"] == 2 * 2 * (5 + 2)

    def test_without_synthetic_pairs_no_teacher_is_paid(self) -> None:
        use_case = make_use_case(arms=[BASE, {"name": "few", "synthetic": 0}])
        lines = estimate(use_case, train=[ROW], evaluation=[ROW], prices=PRICES)
        assert not [what for what in quantities(lines) if what.startswith("synthesis")]

    @pytest.mark.parametrize(
        ("champion", "line"),
        [(True, "throughput best: nova-micro"), (False, "answers best: nova-micro input")],
    )
    def test_a_champion_is_served_and_before_there_is_one_the_base_answers(self, champion: bool, line: str) -> None:
        use_case = make_use_case(arms=[BASE, {"name": "tuned"}, {"name": "best", "kind": "champion"}])
        found = quantities(estimate(use_case, train=[ROW], evaluation=[ROW], prices=PRICES, champion=champion))
        assert next(what for what in found if " best" in what) == line
        assert not [what for what in found if what.startswith("training best")]

    @pytest.mark.parametrize(
        ("changes", "grows"),
        [
            pytest.param({"arms": [BASE, {"name": "a"}, {"name": "b"}]}, "throughput b: nova-micro", id="arm"),
            pytest.param({"judges": ["claude-haiku-4-5", "nova-micro"]}, "judging: nova-micro input", id="judge"),
        ],
    )
    def test_one_more_has_a_line_of_its_own(self, changes: dict[str, Any], grows: str) -> None:
        plain = estimate(make_use_case(), train=[ROW], evaluation=[ROW], prices=PRICES)
        more = estimate(make_use_case(**changes), train=[ROW], evaluation=[ROW], prices=PRICES)
        assert grows in quantities(more)
        assert grows not in quantities(plain)
        assert total_usd(more) > total_usd(plain)

    def test_without_a_price_there_is_no_estimate(self) -> None:
        with pytest.raises(UseCaseError, match="no input_per_million for claude-sonnet-4-6"):
            estimate(make_use_case(), train=[ROW], evaluation=[ROW], prices=Prices({}, batch_share=0.5))

    @pytest.mark.parametrize(("text", "tokens"), [("", 1), ("abc", 1), ("abcd", 2), ("é" * 8, 3)])
    def test_tokens_are_characters_by_four(self, text: str, tokens: int) -> None:
        assert rough_token_count(text) == tokens


class TestBatches:
    @pytest.mark.parametrize(
        ("rows", "inference", "batch"),
        [(100, "batch", True), (99, "batch", False), (100, "on_demand", False)],
    )
    def test_what_is_large_enough_for_a_job_is_estimated_at_its_price(
        self, rows: int, inference: str, batch: bool
    ) -> None:
        use_case = make_use_case(synthesis={"inference": inference})
        lines = estimate(use_case, train=[ROW] * rows, evaluation=[ROW], prices=PRICES)
        assert ("synthesis: claude-sonnet-4-6 batch input" in quantities(lines)) is batch

    def test_a_judge_is_asked_twice_for_each_row_and_pair(self) -> None:
        use_case = make_use_case(judging={"inference": "batch"})
        for rows, batch in ((50, True), (49, False)):
            lines = estimate(use_case, train=[ROW], evaluation=[ROW] * rows, prices=PRICES)
            assert ("judging: claude-haiku-4-5 batch input" in quantities(lines)) is batch
