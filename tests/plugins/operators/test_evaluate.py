from __future__ import annotations

import json
from typing import Any

import pytest

from bedrock_distill.operators.evaluate import BedrockAnswerOperator, BedrockJudgeOperator
from include.distill.core.errors import (
    InvalidRequestError,
    NotFoundError,
    ReconciliationError,
    ThrottledError,
    ThroughputReleasedError,
    TooManyFailuresError,
)
from include.distill.core.storage import read_jsonl, write_jsonl
from include.distill.inference.requests import ModelRequest
from tests.fakes.dialogue import between, say, verdict
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_row

MODEL_ARN = "arn:aws:bedrock:us-east-1:123456789012:custom-model/nova/abc"
SERVING = {
    "model_arn": MODEL_ARN,
    "invoke_id": "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/xyz",
    "student": "nova-micro",
}
ROWS = [make_row(n) for n in range(101, 105)]


@pytest.fixture
def answer(equip: Any, bedrock: FakeBedrock, context: Any) -> Any:
    bedrock.say = say

    def run(arm: str = "tuned", serving: Any = SERVING, shard: int = 0, run_uri: str = RUN_URI) -> dict[str, Any]:
        task = equip(BedrockAnswerOperator(task_id="answer", run_uri=run_uri, arm=arm, shard=shard, serving=serving))
        manifest: dict[str, Any] = task.execute(context)
        return manifest

    return run


class TestAnswer:
    def test_every_row_of_the_shard_gets_one_answer(self, answer: Any, store: MemoryStore) -> None:
        write_jsonl(store, FOLDER.shard("evaluation", 0), ROWS)
        manifest = answer()
        assert manifest == {
            "arm": "tuned",
            "rows": 4,
            "calls": 4,
            "cache_hits": 0,
            "input_tokens": 400,
            "output_tokens": 40,
            "batch_calls": 0,
            "batch_input_tokens": 0,
            "batch_output_tokens": 0,
            "simulated": True,
        }
        answers = read_jsonl(store, FOLDER.answers("tuned", 0))
        assert [record["row_id"] for record in answers] == [row["row_id"] for row in ROWS]
        assert {record["arm"] for record in answers} == {"tuned"}
        assert len(json.dumps(manifest)) < 2048

    def test_the_tuned_arm_is_asked_through_its_throughput_the_base_on_demand(
        self, answer: Any, bedrock: FakeBedrock
    ) -> None:
        answer()
        answer(arm="base", serving=None)
        assert [request.invoke_id for request in bedrock.asked] == [
            SERVING["invoke_id"],
            "us.amazon.nova-micro-v1:0",
        ]

    def test_the_arm_of_the_noise_control_answers_twice_and_pays_for_both(
        self, answer: Any, bedrock: FakeBedrock, store: MemoryStore, use_case: Any
    ) -> None:
        freeze(store, use_case, answering={"temperature": 0.5})
        bedrock.say = lambda request: f"answer {request.sample}"
        assert answer(arm="base", serving=None)["calls"] == 2
        (record,) = read_jsonl(store, FOLDER.answers("base", 0))
        assert (record["answer"], record["second_answer"]) == ("answer 0", "answer 1")
        answer()
        assert "second_answer" not in read_jsonl(store, FOLDER.answers("tuned", 0))[0]

    def test_a_tuned_arm_without_an_endpoint_is_not_answered_for_by_the_base_student(
        self, answer: Any, bedrock: FakeBedrock
    ) -> None:
        """As when a person marks ``in_service`` success."""
        with pytest.raises(ThroughputReleasedError, match=r"Clear tuned\.provision with downstream"):
            answer(serving=None)
        assert bedrock.asked == []

    def test_an_answer_belongs_to_the_model_whatever_served_it(self, answer: Any, bedrock: FakeBedrock) -> None:
        answer()
        bedrock.asked.clear()
        manifest = answer(serving={**SERVING, "invoke_id": "arn:another"})
        assert (bedrock.asked, manifest["calls"]) == ([], 1)

    def test_a_released_endpoint_says_which_task_to_clear(self, answer: Any, bedrock: FakeBedrock) -> None:
        bedrock.refuse["ask"] = NotFoundError("converse: ResourceNotFoundException")
        with pytest.raises(
            ThroughputReleasedError, match=r"Nothing is billed\. Clear tuned\.provision with downstream"
        ):
            answer()

    def test_a_base_model_that_is_gone_is_not_called_a_released_endpoint(
        self, answer: Any, bedrock: FakeBedrock
    ) -> None:
        bedrock.refuse["ask"] = NotFoundError("past its end of life")
        with pytest.raises(NotFoundError, match="end of life"):
            answer(arm="base", serving=None)

    def test_a_row_that_failed_in_passing_is_tried_again_and_paid_once(
        self, answer: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
    ) -> None:
        write_jsonl(store, FOLDER.shard("evaluation", 0), ROWS)
        bedrock.say = throttled_on("102")
        context["ti"].try_number = 1
        with pytest.raises(ThrottledError):
            answer()
        bedrock.say = say
        bedrock.asked.clear()
        assert answer()["calls"] == 4
        assert len(bedrock.asked) == 1

    @pytest.mark.parametrize("error", [ThrottledError("slow down"), InvalidRequestError("too long")])
    def test_a_row_without_an_answer_fails_the_task_in_the_end(
        self, answer: Any, bedrock: FakeBedrock, store: MemoryStore, error: Any
    ) -> None:
        write_jsonl(store, FOLDER.shard("evaluation", 0), ROWS)
        bedrock.say = throttled_on("102", error)
        with pytest.raises(
            TooManyFailuresError, match=rf"no answer for 1 of 4 rows; first: .*{error}.*clear this task"
        ):
            answer()
        assert not store.exists(FOLDER.answers("tuned", 0))


def throttled_on(number: str, error: Exception | None = None) -> Any:
    def reply(request: ModelRequest) -> str:
        if number in between("question", request.user):
            raise error or ThrottledError("slow down")
        return say(request)

    return reply


@pytest.fixture
def judge(equip: Any, bedrock: FakeBedrock, answer: Any, context: Any) -> Any:
    """Return a function that has a judge compare the answers of both arms, all given before."""
    for shard in range(4):
        answer(shard=shard)
        answer(arm="base", serving=None, shard=shard)
    bedrock.asked.clear()

    def run() -> dict[str, Any]:
        task = equip(
            BedrockJudgeOperator(
                task_id="judge", run_uri=RUN_URI, judge="claude-haiku-4-5", candidate="tuned", baseline="base"
            )
        )
        manifest: dict[str, Any] = task.execute(context)
        return manifest

    return run


class TestJudge:
    def test_every_question_is_judged_in_both_orders(self, judge: Any, store: MemoryStore) -> None:
        manifest = judge()
        verdicts = read_jsonl(store, manifest["verdicts_uri"])
        assert sorted((v["row_id"], v["order"]) for v in verdicts) == sorted(
            (row["row_id"], order) for row in ROWS for order in ("candidate_first", "baseline_first")
        )
        assert {v["verdict"] for v in verdicts} == {"candidate"}
        assert manifest == {
            "judge": "claude-haiku-4-5",
            "candidate": "tuned",
            "baseline": "base",
            "verdicts_uri": FOLDER.judgments("claude-haiku-4-5", "tuned", "base"),
            "verdicts": 8,
            "calls": 8,
            "cache_hits": 0,
            "input_tokens": 800,
            "output_tokens": 80,
            "batch_calls": 0,
            "batch_input_tokens": 0,
            "batch_output_tokens": 0,
            "simulated": True,
        }
        assert len(json.dumps(manifest)) < 2048

    def test_the_two_orders_show_the_answers_in_exchanged_places(self, judge: Any, bedrock: FakeBedrock) -> None:
        judge()
        shown = {(between("answer_a", r.user), between("answer_b", r.user)) for r in bedrock.asked}
        assert {(b, a) for a, b in shown} == shown
        assert len(shown) == 8

    def test_a_judge_that_loves_the_first_place_is_seen_to(
        self, judge: Any, bedrock: FakeBedrock, store: MemoryStore
    ) -> None:
        bedrock.say = lambda _: verdict("A")
        chosen = {(v["order"], v["verdict"]) for v in read_jsonl(store, judge()["verdicts_uri"])}
        assert chosen == {("candidate_first", "candidate"), ("baseline_first", "baseline")}

    def test_what_is_no_verdict_is_asked_again_and_then_counted_as_unparsable(
        self, judge: Any, bedrock: FakeBedrock, store: MemoryStore
    ) -> None:
        bedrock.say = lambda request: "Both are fine." if "What says 101?" in request.user else say(request)
        manifest = judge()
        verdicts = read_jsonl(store, manifest["verdicts_uri"])
        unparsable = [v for v in verdicts if v["verdict"] == "unparsable"]
        assert {(v["row_id"], v["raw"]) for v in unparsable} == {(ROWS[0]["row_id"], "Both are fine.")}
        assert (len(verdicts), len(unparsable), manifest["calls"]) == (8, 2, 10)

    def test_a_retry_asks_only_for_verdicts_that_are_missing(
        self, judge: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.say = throttled_on("103")
        context["ti"].try_number = 1
        with pytest.raises(ThrottledError):
            judge()
        bedrock.say = say
        bedrock.asked.clear()
        assert judge()["calls"] == 8
        assert len(bedrock.asked) == 2

    def test_a_row_without_a_verdict_fails_the_task_in_the_end(self, judge: Any, bedrock: FakeBedrock) -> None:
        bedrock.say = throttled_on("103", InvalidRequestError("too long"))
        with pytest.raises(TooManyFailuresError, match="claude-haiku-4-5 gave no verdict on 2 of 8; first: too long"):
            judge()

    def test_answers_of_an_earlier_longer_reading_are_not_used(
        self, judge: Any, store: MemoryStore, bedrock: FakeBedrock
    ) -> None:
        stale = {**read_jsonl(store, FOLDER.answers("tuned", 0))[0], "answer": "Stale"}
        write_jsonl(store, FOLDER.answers("tuned", 4), [stale])
        judge()
        assert not any("Stale" in request.user for request in bedrock.asked)

    def test_an_arm_is_judged_against_its_second_answers(
        self, equip: Any, answer: Any, bedrock: FakeBedrock, store: MemoryStore, use_case: Any, context: Any
    ) -> None:
        freeze(store, use_case, answering={"temperature": 0.5})
        bedrock.say = lambda request: "same" if "What says 101?" in request.user else f"answer {request.sample}"
        for shard in range(4):
            answer(arm="base", serving=None, shard=shard)
        bedrock.asked.clear()
        bedrock.say = lambda _: verdict("A")
        pair = {"candidate": "base", "baseline": "base-again"}
        task = equip(BedrockJudgeOperator(task_id="judge", run_uri=RUN_URI, judge="claude-haiku-4-5", **pair))
        manifest = task.execute(context)
        shown = {between(place, request.user) for request in bedrock.asked for place in ("answer_a", "answer_b")}
        assert shown == {"answer 0", "answer 1"}
        assert (manifest["verdicts"], manifest["calls"]) == (8, 6)  # two equal answers are a tie unasked
        same = [record for record in read_jsonl(store, manifest["verdicts_uri"]) if record["same"]]
        assert {(record["row_id"], record["verdict"]) for record in same} == {(ROWS[0]["row_id"], "tie")}

    def test_a_row_that_one_arm_never_answered_is_named(self, judge: Any, store: MemoryStore) -> None:
        write_jsonl(store, FOLDER.answers("base", 2), [])
        with pytest.raises(ReconciliationError, match=f"1 rows have no answer of both arms, first {ROWS[2]['row_id']}"):
            judge()
