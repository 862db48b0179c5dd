from __future__ import annotations

import json
import time
from typing import Any

import pytest

from bedrock_distill.operators.judge import BedrockJudgeOperator
from include.distill.core.errors import (
    InvalidRequestError,
    ReconciliationError,
    ThrottledError,
    TooManyFailuresError,
)
from include.distill.core.storage import read_json, read_jsonl, write_jsonl
from include.distill.inference.requests import ModelRequest
from include.distill.progress.records import TaskProgress
from tests.fakes.dialogue import between, say, verdict
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze
from tests.plugins.operators.conftest import ROWS, throttled_on


@pytest.fixture
def judge(equip: Any, bedrock: FakeBedrock, answer: Any, context: Any) -> Any:
    """Return a function that makes a judge compare the stored answers of both arms."""
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
    def test_the_progress_counts_both_orders_of_each_question(self, judge: Any, store: MemoryStore) -> None:
        judge()
        progress = read_json(store, FOLDER.task_progress("judge", -1), TaskProgress)
        assert (progress["rows"], progress["rows_done"], progress["asked"]) == (8, 8, 8)

    def test_every_question_is_judged_in_both_orders(self, judge: Any, store: MemoryStore) -> None:
        manifest = judge()
        verdicts = read_jsonl(store, manifest["verdicts_uri"], dict)
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

    def test_the_two_orders_swap_the_answers(self, judge: Any, bedrock: FakeBedrock) -> None:
        judge()
        shown = {(between("answer_a", r.user), between("answer_b", r.user)) for r in bedrock.asked}
        assert {(b, a) for a, b in shown} == shown
        assert len(shown) == 8

    def test_a_judge_with_a_position_bias_decides_nothing(
        self, judge: Any, bedrock: FakeBedrock, store: MemoryStore
    ) -> None:
        bedrock.say = lambda _: verdict("A")
        chosen = {(v["order"], v["verdict"]) for v in read_jsonl(store, judge()["verdicts_uri"], dict)}
        assert chosen == {("candidate_first", "candidate"), ("baseline_first", "baseline")}

    def test_a_request_without_a_verdict_in_the_reply_is_repeated_and_then_counted_as_unparsable(
        self, judge: Any, bedrock: FakeBedrock, store: MemoryStore
    ) -> None:
        bedrock.say = lambda request: "Both are fine." if "What says 101?" in request.user else say(request)
        manifest = judge()
        verdicts = read_jsonl(store, manifest["verdicts_uri"], dict)
        unparsable = [v for v in verdicts if v["verdict"] == "unparsable"]
        assert {(v["row_id"], v["raw"]) for v in unparsable} == {(ROWS[0]["row_id"], "Both are fine.")}
        assert (len(verdicts), len(unparsable), manifest["calls"]) == (8, 2, 10)

    def test_unreadable_verdicts_are_logged_with_the_judge_their_number_and_what_to_change(
        self, judge: Any, bedrock: FakeBedrock, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bedrock.say = lambda request: "Both are fine." if "What says 101?" in request.user else say(request)
        judge()
        printed = capsys.readouterr().out
        assert "2 of 8 verdicts of claude-haiku-4-5 cannot be read" in printed
        assert "change the prompt for judging, or use another judge. Then clear preflight with downstream" in printed

    def stored(self, store: MemoryStore) -> int:
        return sum("/responses/" in uri for uri in store.list("s3://"))

    def test_a_retry_requests_only_missing_verdicts(
        self, judge: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
    ) -> None:
        throttled = throttled_on("103")
        before = self.stored(store)

        def throttled_after_four_answers(request: ModelRequest) -> str:
            # A throttled call stops the calls that have not been sent. Without the wait, it could be the first to end.
            deadline = time.monotonic() + 30
            while "103" in between("question", request.user) and self.stored(store) - before < 4:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            return str(throttled(request))

        bedrock.say = throttled_after_four_answers
        context["ti"].try_number = 1
        with pytest.raises(ThrottledError):
            judge()
        stored = self.stored(store) - before
        assert stored >= 4
        bedrock.say = say
        bedrock.asked.clear()
        assert judge()["calls"] == 8
        assert len(bedrock.asked) == 8 - stored

    def test_a_row_without_a_verdict_fails_the_task_after_the_last_attempt(
        self, judge: Any, bedrock: FakeBedrock
    ) -> None:
        bedrock.say = throttled_on("103", InvalidRequestError("too long"))
        with pytest.raises(
            TooManyFailuresError,
            match=r"Judge claude-haiku-4-5 gave no verdict on 2 of 8 comparisons: InvalidRequestError \(2 times\), for"
            r" example: too long",
        ):
            judge()

    def test_the_error_about_a_throttled_judge_has_the_advice_about_quotas(
        self, judge: Any, bedrock: FakeBedrock
    ) -> None:
        bedrock.say = throttled_on("103")
        with pytest.raises(
            TooManyFailuresError,
            match=r"(?s) of 8 comparisons: ThrottledError \(\d times\).*quota for claude-haiku-4-5 is too low",
        ):
            judge()

    def test_answers_of_an_earlier_larger_ingestion_are_not_used(
        self, judge: Any, store: MemoryStore, bedrock: FakeBedrock
    ) -> None:
        stale = {**read_jsonl(store, FOLDER.answers("tuned", 0), dict)[0], "answer": "Stale"}
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
        assert (manifest["verdicts"], manifest["calls"]) == (8, 6)  # two equal answers are a tie without a call
        same = [record for record in read_jsonl(store, manifest["verdicts_uri"], dict) if record["same"]]
        assert {(record["row_id"], record["verdict"]) for record in same} == {(ROWS[0]["row_id"], "tie")}

    def test_the_error_about_a_row_that_one_arm_never_answered_names_the_row(
        self, judge: Any, store: MemoryStore
    ) -> None:
        write_jsonl(store, FOLDER.answers("base", 2), [])
        with pytest.raises(ReconciliationError, match=f"without an answer from .*The first is row {ROWS[2]['row_id']}"):
            judge()
