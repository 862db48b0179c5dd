from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.errors import UseCaseError
from include.distill.cost.amounts import usd_text
from include.distill.cost.estimate import (
    PROMPT_TOKENS,
    VERDICT_TOKENS,
    distillation_notes,
    estimate,
    expected_calls,
    pairs_usd,
)
from include.distill.cost.prices import BillLine, Prices, total_usd
from include.distill.cost.records import ServingChoice
from include.distill.cost.task_budget import model_calls_usd
from include.distill.text.token_count import central_token_count
from tests.distill.conftest import make_use_case

BASE = {"name": "base", "kind": "base"}
WITH_NOISE_CONTROL = {"answering": {"temperature": 0.5}, "judging": {"noise_control": True}}
WITHOUT_NOISE_CONTROL = {"answering": {"temperature": 0.5}, "judging": {"noise_control": False}}
# Round prices, so that a bill can be worked out by hand: $1 per million input tokens, $2 per million output tokens.
ROUND = {
    "input_per_million": 1,
    "output_per_million": 2,
    "training_per_thousand": 0.01,
    "throughput_per_hour": 10,
    "custom_input_per_million": 3,
    "custom_output_per_million": 4,
}
PRICES = Prices(dict.fromkeys(("claude-sonnet-4-6", "nova-micro", "claude-haiku-4-5"), ROUND), batch_share=0.5)
ROW = {"document": "one two three four five six seven eight nine ten.", "question": "one two three.", "answer": "one."}
DOCUMENT, QUESTION, ANSWER = (central_token_count(text) for text in ROW.values())
TEXTS = DOCUMENT + QUESTION + ANSWER


def quantities(lines: list[BillLine]) -> dict[str, float]:
    return {line.what: line.quantity for line in lines}


class TestEstimate:
    def test_the_estimate_equals_a_bill_worked_out_by_hand(self) -> None:
        use_case = make_use_case(
            synthesis={"pairs_per_document": 2},
            training={"hyperparameters": {"epochCount": 3}},
            serving={"expected_hours": 0.5, "model_units": 4},
        )
        lines = estimate(use_case, train=[ROW, ROW], evaluation=[ROW], prices=PRICES)
        answering = DOCUMENT + QUESTION + PROMPT_TOKENS
        assert quantities(lines) == {
            "synthesis: claude-sonnet-4-6 input": 2 * (TEXTS + PROMPT_TOKENS),
            "synthesis: claude-sonnet-4-6 output": 2 * 2 * (QUESTION + ANSWER),
            "answers base: nova-micro input": answering,
            "answers base: nova-micro output": ANSWER,
            "throughput tuned: nova-micro": 0.5 * 4,
            "training tuned: nova-micro": 3 * (1 + 2) * 2 * TEXTS,
            "judging: claude-haiku-4-5 input": 2 * (TEXTS + ANSWER + PROMPT_TOKENS),
            "judging: claude-haiku-4-5 output": 2 * VERDICT_TOKENS,
        }
        # $1 a million input tokens, $2 a million output tokens, $0.01 a thousand trained tokens, two hours at $10
        assert [line.usd for line in lines] == [
            round(line.quantity * price, 4)
            for line, price in zip(lines, [1e-6, 2e-6, 1e-6, 2e-6, 10, 1e-5, 1e-6, 2e-6], strict=True)
        ]
        assert total_usd(lines) == pytest.approx(sum(line.usd for line in lines), abs=1e-4)

    def test_continued_pre_training_pays_for_documents_alone_and_for_no_teacher(self) -> None:
        use_case = make_use_case(
            student="titan-text-lite",
            training={"method": "continued_pre_training", "hyperparameters": {"epochCount": 3}},
            arms=[BASE, {"name": "tuned", "originals": 2, "synthetic": 0}],
        )
        prices = Prices({**PRICES.models, "titan-text-lite": ROUND}, batch_share=0.5)
        rows = [{**ROW, "group": group} for group in "abc"]
        bill = quantities(estimate(use_case, train=rows, evaluation=[ROW], prices=prices))
        assert bill["training tuned: titan-text-lite"] == 3 * 2 * DOCUMENT
        assert not [what for what in bill if what.startswith("synthesis")]

    @pytest.mark.parametrize("as_tokens", [False, True])
    def test_continued_pre_training_pays_once_for_a_document_that_several_rows_share(self, as_tokens: bool) -> None:
        use_case = make_use_case(
            student="titan-text-lite",
            training={"method": "continued_pre_training", "hyperparameters": {"epochCount": 1}},
            arms=[BASE, {"name": "tuned", "synthetic": 0}],
        )
        prices = Prices({**PRICES.models, "titan-text-lite": ROUND}, batch_share=0.5)
        document: dict[str, Any] = {"document": DOCUMENT, "question": 1, "answer": 1} if as_tokens else ROW
        rows = [{**document, "group": group} for group in "aaab"]
        bill = quantities(estimate(use_case, train=rows, evaluation=[ROW], prices=prices))
        assert bill["training tuned: titan-text-lite"] == 2 * DOCUMENT

    def test_an_arm_is_billed_for_its_own_mix_and_the_teacher_for_the_rows_that_it_receives(self) -> None:
        arms = [
            BASE,
            {"name": "few", "originals": 2, "synthetic": 0},
            {"name": "mix", "originals": 2, "synthetic": 3},
            {"name": "pairs", "originals": 0, "synthetic": 4},
        ]
        pairs = {"synthesis": {"pairs_per_document": 2}, "training": {"hyperparameters": {"epochCount": 1}}}
        bill = quantities(estimate(make_use_case(arms=arms, **pairs), train=[ROW] * 5, evaluation=[ROW], prices=PRICES))
        trained = {what.split()[1]: quantity / TEXTS for what, quantity in bill.items() if what.startswith("training")}
        assert trained == {"few:": 2, "mix:": 5, "pairs:": 4}
        assert bill["synthesis: claude-sonnet-4-6 output"] == 5 * 2 * (QUESTION + ANSWER)
        sent = quantities(
            estimate(make_use_case(arms=arms[:3], **pairs), train=[ROW] * 5, evaluation=[ROW], prices=PRICES)
        )
        assert sent["synthesis: claude-sonnet-4-6 output"] == 2 * 2 * (QUESTION + ANSWER)

    def test_the_teacher_costs_nothing_without_synthetic_pairs(self) -> None:
        use_case = make_use_case(arms=[BASE, {"name": "few", "synthetic": 0}])
        lines = estimate(use_case, train=[ROW], evaluation=[ROW], prices=PRICES)
        assert not [what for what in quantities(lines) if what.startswith("synthesis")]

    @pytest.mark.parametrize(
        ("champion", "line"),
        [
            ("nova-micro", "throughput best: nova-micro"),
            ("claude-haiku-4-5", "throughput best: claude-haiku-4-5"),  # another student than that of this run
            (None, "answers best: nova-micro input"),
        ],
    )
    def test_a_champion_is_served_on_throughput_and_without_a_champion_the_base_student_answers(
        self, champion: str | None, line: str
    ) -> None:
        use_case = make_use_case(arms=[BASE, {"name": "tuned"}, {"name": "best", "kind": "champion"}])
        bill = quantities(estimate(use_case, train=[ROW], evaluation=[ROW], prices=PRICES, champion=champion))
        assert next(what for what in bill if " best" in what) == line
        assert not [what for what in bill if what.startswith("training best")]

    @pytest.mark.parametrize("mode", ["on_demand", "provisioned"])
    def test_an_arm_on_a_deployment_has_tokens_at_the_price_of_the_custom_model_and_no_hours(self, mode: Any) -> None:
        choice: ServingChoice = {"mode": mode, "reason": "r", "options": []}
        lines = estimate(make_use_case(), train=[ROW], evaluation=[ROW], prices=PRICES, serving={"tuned": choice})
        of_arm = {line.what: (line.quantity, line.unit_price_usd) for line in lines if " tuned:" in line.what}
        del of_arm["training tuned: nova-micro"]
        assert of_arm == (
            {"throughput tuned: nova-micro": (1, 10)}
            if mode == "provisioned"
            else {
                "answers tuned: nova-micro custom model input": (DOCUMENT + QUESTION + PROMPT_TOKENS, 3e-6),
                "answers tuned: nova-micro custom model output": (ANSWER, 4e-6),
            }
        )

    @pytest.mark.parametrize(
        ("changes", "grows"),
        [
            pytest.param({"arms": [BASE, {"name": "a"}, {"name": "b"}]}, "throughput b: nova-micro", id="arm"),
            pytest.param({"judges": ["claude-haiku-4-5", "nova-micro"]}, "judging: nova-micro input", id="judge"),
        ],
    )
    def test_an_additional_arm_or_judge_has_its_own_lines(self, changes: dict[str, Any], grows: str) -> None:
        plain = estimate(make_use_case(), train=[ROW], evaluation=[ROW], prices=PRICES)
        more = estimate(make_use_case(**changes), train=[ROW], evaluation=[ROW], prices=PRICES)
        assert grows in quantities(more)
        assert grows not in quantities(plain)
        assert total_usd(more) > total_usd(plain)

    def test_an_estimate_without_a_price_is_refused(self) -> None:
        with pytest.raises(UseCaseError, match="no input_per_million for claude-sonnet-4-6"):
            estimate(make_use_case(), train=[ROW], evaluation=[ROW], prices=Prices({}, batch_share=0.5))


class TestNoiseControl:
    def test_the_noise_control_adds_a_second_answer_of_the_base_arm_to_every_question(self) -> None:
        once, twice = (
            quantities(estimate(make_use_case(**changes), train=[ROW], evaluation=[ROW], prices=PRICES))
            for changes in (WITHOUT_NOISE_CONTROL, WITH_NOISE_CONTROL)
        )
        for line in ("answers base: nova-micro input", "answers base: nova-micro output"):
            assert twice[line] == 2 * once[line]


class TestSmokePrompts:
    def test_the_prompts_of_a_promotion_cost_as_much_as_average_answers_of_a_deployment(self) -> None:
        use_case = make_use_case(promotion={"serve": "on_demand", "smoke_prompts": 3})
        long = {**ROW, "document": 3 * ROW["document"]}
        lines = estimate(use_case, train=[ROW], evaluation=[ROW, long], prices=PRICES)[-2:]
        documents = DOCUMENT + central_token_count(long["document"])
        assert quantities(lines) == {
            "smoke prompts: nova-micro custom model input": 3 * (documents / 2 + QUESTION + PROMPT_TOKENS),
            "smoke prompts: nova-micro custom model output": 3 * ANSWER,
        }
        assert model_calls_usd(line.as_record() for line in lines) == pytest.approx(sum(line.usd for line in lines))
        assert expected_calls(use_case, train=1, evaluation=2)["smoke prompts"] == 3

    @pytest.mark.parametrize("serve", ["none", "provisioned"])
    def test_they_cost_nothing_by_the_token_without_a_standing_deployment(self, serve: str) -> None:
        lines = estimate(make_use_case(promotion={"serve": serve}), train=[ROW], evaluation=[ROW], prices=PRICES)
        assert not [line for line in lines if line.what.startswith("smoke")]


class TestExpectedCalls:
    def test_expected_calls_are_counted_for_each_step_arm_and_judge(self) -> None:
        use_case = make_use_case(
            **WITH_NOISE_CONTROL,
            synthesis={"pairs_per_document": 3},
            curation={"critic": {"model": "nova-micro", "max_spend_usd": 1}},
        )
        pairs_of_arms = len(use_case.judged_pairs)
        assert expected_calls(use_case, train=10, evaluation=4) == {
            "synthesis": 10,
            "critic": 5,  # the share of the 30 pairs that words are expected not to decide, rounded up
            "answers base": 8,
            "answers tuned": 4,
            "judging claude-haiku-4-5": 2 * 4 * pairs_of_arms,
        }

    @pytest.mark.parametrize(
        ("arms", "calls"),
        [
            pytest.param([{"name": "few", "originals": 3}], 3, id="only the rows of the arm"),
            pytest.param([{"name": "few", "originals": 3}, {"name": "more", "originals": 7}], 7, id="the larger arm"),
            pytest.param([{"name": "many", "originals": 99}], 10, id="no more rows than there are"),
            pytest.param([{"name": "pairs", "originals": 0, "synthetic": 4}], 10, id="pairs of all rows"),
            pytest.param([{"name": "none", "synthetic": 0}], 0, id="no pairs"),
        ],
    )
    def test_the_teacher_is_called_once_for_each_row_from_which_an_arm_takes_pairs(
        self, arms: list[Any], calls: int
    ) -> None:
        use_case = make_use_case(arms=[BASE, *arms])
        assert expected_calls(use_case, train=10, evaluation=4)["synthesis"] == calls


class TestBatches:
    @pytest.mark.parametrize(
        ("rows", "inference", "batch"),
        [(100, "batch", True), (99, "batch", False), (100, "on_demand", False)],
    )
    def test_a_batch_step_with_enough_calls_for_a_batch_job_is_estimated_at_the_batch_price(
        self, rows: int, inference: str, batch: bool
    ) -> None:
        use_case = make_use_case(synthesis={"inference": inference})
        lines = estimate(use_case, train=[ROW] * rows, evaluation=[ROW], prices=PRICES)
        assert ("synthesis: claude-sonnet-4-6 batch input" in quantities(lines)) is batch

    def test_a_judge_is_called_twice_for_each_row_and_pair_of_arms(self) -> None:
        use_case = make_use_case(judging={"inference": "batch"})
        for rows, batch in ((50, True), (49, False)):
            lines = estimate(use_case, train=[ROW], evaluation=[ROW] * rows, prices=PRICES)
            assert ("judging: claude-haiku-4-5 batch input" in quantities(lines)) is batch


class TestDistilled:
    ARMS = (BASE, {"name": "managed", "kind": "distilled", "teacher": "nova-pro"})
    PRICES = Prices({**PRICES.models, "nova-pro": ROUND}, batch_share=0.5)

    def test_the_teacher_that_bedrock_asks_has_lines_of_its_own(self) -> None:
        use_case = make_use_case(arms=self.ARMS, training={"hyperparameters": {"epochCount": 3}})
        lines = quantities(estimate(use_case, train=[ROW, ROW], evaluation=[ROW], prices=self.PRICES))
        prompts, answers = 2 * (DOCUMENT + QUESTION + PROMPT_TOKENS), 2 * ANSWER
        assert {what: quantity for what, quantity in lines.items() if "managed" in what} == {
            "teacher managed: nova-pro input": prompts,
            "teacher managed: nova-pro output": answers,
            "training managed: nova-micro": 2 * (prompts + answers),  # the hyperparameters do not apply
            "throughput managed: nova-micro": 1,
        }
        assert not any(what.startswith("synthesis") for what in lines)

    def test_a_note_says_what_a_job_costs_if_bedrock_adds_prompts(self) -> None:
        use_case = make_use_case(arms=self.ARMS, answering={"max_tokens": 100})
        (note,) = distillation_notes(use_case, [ROW, ROW], self.PRICES)
        prompts, answers = 15_000 * (DOCUMENT + QUESTION + PROMPT_TOKENS), 15_000 * 100
        highest = (prompts + 2 * answers) / 1e6 + 2 * (prompts + answers) / 1e5
        lines = estimate(use_case, train=[ROW, ROW], evaluation=[ROW], prices=self.PRICES)
        expected = total_usd([line for line in lines if line.what.startswith(("teacher managed", "training managed"))])
        assert f"is estimated at {usd_text(expected)}." in note
        assert f"the job costs ${highest:,.2f}." in note
        assert "Neither the estimate, the spend cap nor an approval includes these prompts" in note

    def test_an_arm_that_we_train_has_no_such_note(self) -> None:
        assert distillation_notes(make_use_case(), [ROW, ROW], PRICES) == []

    def test_the_questions_of_pairs_are_prompts_too(self) -> None:
        arms = [BASE, {**self.ARMS[1], "originals": 50, "synthetic": 100}]
        use_case = make_use_case(arms=arms, synthesis={"pairs_per_document": 2})
        lines = quantities(estimate(use_case, train=[ROW] * 50, evaluation=[ROW], prices=self.PRICES))
        assert lines["teacher managed: nova-pro output"] == 150 * ANSWER
        assert lines["teacher managed: nova-pro input"] == 150 * (DOCUMENT + QUESTION + PROMPT_TOKENS)
        assert lines["synthesis: claude-sonnet-4-6 output"] == 100 * (QUESTION + ANSWER)

    def test_the_teacher_that_bedrock_asks_is_not_one_of_the_calls_that_tasks_share_a_budget_for(self) -> None:
        use_case = make_use_case(arms=self.ARMS)
        lines = estimate(use_case, train=[ROW] * 1000, evaluation=[ROW], prices=self.PRICES)
        records = [line.as_record() for line in lines]
        others = [record for record in records if not record["what"].startswith(("teacher", "training", "throughput"))]
        assert model_calls_usd(records) == sum(record["usd"] for record in others) > 0

    def test_the_price_of_the_pairs_is_that_of_the_rows_that_an_arm_takes_them_from(self) -> None:
        arms = [*self.ARMS, {"name": "half", "originals": 500}, {"name": "whole"}]
        use_case = make_use_case(arms=arms)
        costs = pairs_usd(use_case, [ROW] * 1000, self.PRICES)
        synthesis = [
            line.usd
            for line in estimate(use_case, train=[ROW] * 1000, evaluation=[ROW], prices=self.PRICES)
            if line.what.startswith("synthesis")
        ]
        assert costs == {"managed": 0, "half": pytest.approx(sum(synthesis) / 2), "whole": round(sum(synthesis), 4)}
