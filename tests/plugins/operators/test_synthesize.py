from __future__ import annotations

import json
from typing import Any

import pytest

from bedrock_distill.operators.synthesize import BedrockSynthesizeOperator
from include.distill.config.use_case import UseCase
from include.distill.core.errors import (
    InvalidRequestError,
    PossiblyBilledError,
    RefusedError,
    ServiceError,
    SpendCapError,
    ThrottledError,
    TooManyFailuresError,
    TransientError,
)
from include.distill.core.storage import read_json, read_jsonl, write_json, write_jsonl
from include.distill.cost.estimate import synthesis_lines
from include.distill.cost.prices import load_prices
from include.distill.inference.requests import ModelRequest
from include.distill.progress.records import TaskProgress
from tests.fakes.dialogue import grounding, pairs
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_row

PROGRESS = FOLDER.task_progress("synthesize", -1)


@pytest.fixture
def synthesize(equip: Any, store: MemoryStore, bedrock: FakeBedrock) -> Any:
    """Return a function that makes the task for a shard of four rows. Each new task is a new attempt."""
    write_jsonl(store, FOLDER.shard("train", 0), [make_row(n) for n in range(1, 5)])
    bedrock.say = pairs
    return lambda: equip(BedrockSynthesizeOperator(task_id="synthesize", run_uri=RUN_URI, shard=0))


def failing_on_row(number: int, error: ServiceError) -> Any:
    def say(request: ModelRequest) -> str:
        if f"What says {number}?" in request.user:
            raise error
        return pairs(request)

    return say


class TestProgress:
    def test_the_last_record_has_the_rows_and_calls(
        self, synthesize: Any, store: MemoryStore, bedrock: FakeBedrock, context: Any
    ) -> None:
        synthesize().execute(context)
        progress = read_json(store, PROGRESS, TaskProgress)
        assert (progress["rows"], progress["rows_done"], progress["asked"], progress["stored"]) == (4, 4, 4, 0)
        assert progress["ended_at"] is not None
        assert store.writes.count(PROGRESS) == 2

    def test_a_mapped_task_has_its_own_record(self, synthesize: Any, store: MemoryStore, context: Any) -> None:
        context["ti"].map_index = 7
        synthesize().execute(context)
        assert read_json(store, FOLDER.task_progress("synthesize", 7), TaskProgress)["map_index"] == 7

    def test_a_row_that_fails_is_not_done_and_the_record_is_ended(
        self, synthesize: Any, store: MemoryStore, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.say = failing_on_row(2, InvalidRequestError("the prompt is too long"))
        synthesize().execute(context)
        progress = read_json(store, PROGRESS, TaskProgress)
        assert (progress["rows_done"], progress["asked"]) == (3, 3)
        assert progress["ended_at"] is not None

    def test_a_progress_that_cannot_be_written_does_not_fail_the_task(
        self, synthesize: Any, store: MemoryStore, context: Any
    ) -> None:
        write = store.write

        def refuse(uri: str, body: bytes) -> None:
            if uri == PROGRESS:
                raise ThrottledError("slow down")
            write(uri, body)

        store.write = refuse  # type: ignore[method-assign]
        assert synthesize().execute(context)["documents"] == 4
        assert PROGRESS not in store.objects


class TestPairs:
    def test_every_row_gets_its_pairs_and_the_counts_add_up(
        self, synthesize: Any, store: MemoryStore, context: Any
    ) -> None:
        manifest = synthesize().execute(context)
        assert manifest == {
            "documents": 4,
            "requested": 12,
            "accepted": 12,
            "rejected": 0,
            "missing": 0,
            "surplus": 0,
            "undecided": 12,  # the fake answers begin with words that the document lacks
            "dropped": {},
            "calls": 4,
            "cache_hits": 0,
            "input_tokens": 400,
            "output_tokens": 40,
            "batch_calls": 0,
            "batch_input_tokens": 0,
            "batch_output_tokens": 0,
            "simulated": True,
            "failed": 0,
            "new_pairs": {"documents": 4, "requested": 12, "accepted": 12},
        }
        accepted = read_jsonl(store, FOLDER.synthetic(0), dict)
        assert len(accepted) == 12
        assert {pair["document"] for pair in accepted} == {make_row(n)["document"] for n in range(1, 5)}
        assert len(json.dumps(manifest)) < 2048

    @pytest.mark.parametrize(
        ("say", "counts"),
        [
            pytest.param(lambda r: pairs(r, 2), (8, 0, 4, 0), id="fewer than asked"),
            pytest.param(lambda r: pairs(r, 5), (12, 0, 0, 8), id="more than asked"),
            pytest.param(lambda r: f'{pairs(r, 2)}\n{{"question": "Q?", "topic": "t"}}', (8, 4, 0, 0), id="one broken"),
        ],
    )
    def test_missing_surplus_and_malformed_pairs_are_counted(
        self, synthesize: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any, say: Any, counts: Any
    ) -> None:
        bedrock.say = say
        manifest = synthesize().execute(context)
        assert tuple(manifest[name] for name in ("accepted", "rejected", "missing", "surplus")) == counts
        kept_apart = read_jsonl(store, FOLDER.synthetic_rejected(0), dict)
        assert len(kept_apart) == manifest["rejected"] + manifest["surplus"]
        assert all(reject["reason"] and reject["text"] for reject in kept_apart)

    def test_a_request_with_an_unreadable_answer_is_repeated_and_both_calls_are_paid_for(
        self, synthesize: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.say = lambda request: "I would rather not." if request.sample == 0 else pairs(request)
        manifest = synthesize().execute(context)
        assert (manifest["accepted"], manifest["calls"]) == (12, 8)

    def test_the_label_of_a_shard_gives_the_numbers_of_its_rows(self, synthesize: Any, context: Any) -> None:
        synthesize().execute(context)
        assert context["shard_label"] == "rows 1 to 4"


class TestRetry:
    @pytest.mark.parametrize("error", [ThrottledError("slow down"), TransientError("500")])
    def test_a_row_with_a_transient_error_is_retried_with_the_task(
        self, synthesize: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any, error: ServiceError
    ) -> None:
        bedrock.say = failing_on_row(2, error)
        context["ti"].try_number = 2
        with pytest.raises(type(error)):
            synthesize().execute(context)
        assert not store.exists(FOLDER.synthetic(0))

    def test_a_retry_requests_only_missing_answers_and_the_bill_includes_all_calls(
        self, synthesize: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.say = failing_on_row(2, ThrottledError("slow down"))
        context["ti"].try_number = 1
        with pytest.raises(ThrottledError):
            synthesize().execute(context)
        bedrock.say = pairs
        bedrock.asked.clear()
        manifest = synthesize().execute(context)
        assert ["What says 2?" in request.user for request in bedrock.asked] == [True]
        assert (manifest["calls"], manifest["cache_hits"], manifest["input_tokens"]) == (4, 0, 400)

    def test_in_the_last_attempt_a_failed_row_is_recorded_with_its_reason(
        self, synthesize: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
    ) -> None:
        bedrock.say = failing_on_row(2, with_code(ThrottledError("slow down"), "ThrottlingException"))
        manifest = synthesize().execute(context)
        assert (manifest["failed"], manifest["documents"], manifest["accepted"], manifest["missing"]) == (1, 4, 9, 3)
        (record,) = read_jsonl(store, FOLDER.synthetic_rejected(0), dict)
        assert (record["row_id"], record["reason"]) == (make_row(2)["row_id"], "ThrottledError")
        assert record["message"].endswith("slow down")
        assert record["code"] == "ThrottlingException"
        assert "quota for claude-sonnet-5-5 is too low" in record["advice"]

    def test_a_row_for_which_a_retry_cannot_help_is_recorded_at_once(
        self, synthesize: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.say = failing_on_row(2, InvalidRequestError("too long"))
        context["ti"].try_number = 1
        assert synthesize().execute(context)["failed"] == 1

    @pytest.mark.parametrize(
        ("error", "advice"),
        [
            (ThrottledError("slow down"), "quota for claude-sonnet-5-5 is too low"),
            (TransientError("500", to_do="Check the firewall."), "Check the firewall."),
            (PossiblyBilledError("read timeout"), "Check the model's status in AWS Health"),
        ],
    )
    def test_a_shard_without_a_single_answer_fails_and_names_the_cause_and_the_remedy(
        self, synthesize: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any, error: Any, advice: str
    ) -> None:
        bedrock.refuse["ask"] = with_code(error, "SomeCode")
        with pytest.raises(TooManyFailuresError) as raised:
            synthesize().execute(context)
        lines = str(raised.value).splitlines()
        assert "Not one of the 4 rows of shard 0 has the answers that it needs from claude-sonnet-5-5" in lines[0]
        assert "SomeCode (4 times), for example: " in lines[0]
        assert advice in lines[-1]
        assert lines[-1].endswith("clear synthesize with downstream, which requests only the missing answers.")
        assert not store.exists(FOLDER.synthetic(0))
        # A row that is not sent because other rows lost their answers has another class.
        assert ("AWS may also bill the calls whose answers were lost" in lines[2]) is isinstance(
            error, PossiblyBilledError
        )

    def test_a_shard_in_which_every_row_is_refused_goes_on_because_other_rows_may_be_valid(
        self, synthesize: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.refuse["ask"] = InvalidRequestError("too long")
        assert synthesize().execute(context)["failed"] == 4

    def test_the_log_of_a_shard_with_a_few_failed_rows_counts_them_by_cause(
        self, synthesize: Any, bedrock: FakeBedrock, context: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bedrock.say = failing_on_row(2, InvalidRequestError("too long"))
        synthesize().execute(context)
        printed = capsys.readouterr().out
        assert "Rows without pairs: 1. Rows with pairs: 3. InvalidRequestError (once), for example: too long" in printed

    def test_refused_access_stops_the_shard_because_every_row_would_be_refused(
        self, synthesize: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        bedrock.refuse["ask"] = RefusedError("AccessDenied")
        with pytest.raises(RefusedError, match="AccessDenied"):
            synthesize().execute(context)

    def test_the_next_run_pays_for_nothing(
        self, synthesize: Any, equip: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
    ) -> None:
        synthesize().execute(context)
        bedrock.asked.clear()
        tomorrow = RUN_URI.replace("manual-1", "manual-2")
        for uri, body in list(store.objects.items()):
            if uri.startswith(RUN_URI):
                store.write(uri.replace(RUN_URI, tomorrow), body)
        task = equip(BedrockSynthesizeOperator(task_id="synthesize", run_uri=tomorrow, shard=0))
        manifest = task.execute(context)
        assert bedrock.asked == []
        assert (manifest["calls"], manifest["cache_hits"], manifest["input_tokens"]) == (0, 4, 0)
        assert manifest["accepted"] == 12


def with_code(error: ServiceError, code: str) -> ServiceError:
    error.code = code
    return error


class TestSpendCap:
    def test_the_spend_cap_stops_the_task_and_paid_answers_are_kept(
        self, synthesize: Any, store: MemoryStore, bedrock: FakeBedrock, context: Any
    ) -> None:
        """The task has a tenth of the estimated rows, and its share of the cap is too small for four rows."""
        lines = [line.as_record() for line in synthesis_lines(synthesize().use_case, [make_row(1)] * 40, load_prices())]
        write_json(store, FOLDER.estimate, {"estimated_usd": 150.0, "lines": lines, "critic_by_characters_usd": 0.0})
        bedrock.usage = (200_000, 10)
        with pytest.raises(SpendCapError, match=r"(?s)The spend cap is reached. This task has paid \$.*max_spend_usd"):
            synthesize().execute(context)
        assert 0 < len(bedrock.asked) < 4
        for _ in range(4):
            with pytest.raises(SpendCapError):
                synthesize().execute(context)
        # A retry may pay for a call for which another thread had reserved the money, so the count is not exact.
        assert len(bedrock.asked) < 4, "a retry counts the calls that this run has paid for"


CRITIC = "claude-haiku-4-5"


class TestCritic:
    @pytest.fixture
    def criticise(self, synthesize: Any, store: MemoryStore, bedrock: FakeBedrock, use_case: UseCase) -> Any:
        """Return a function that makes the task with a critic's budget. The critic rejects each row's first pair."""

        def say(request: ModelRequest) -> str:
            if request.model.key != CRITIC:
                return pairs(request)
            return grounding("UNGROUNDED" if "Secret a:" in request.user else "GROUNDED")

        def make(usd: float = 5) -> Any:
            freeze(store, use_case, curation={"critic": {"model": CRITIC, "max_spend_usd": usd}, "min_grounding": 0})
            bedrock.say = say
            return synthesize()

        return make

    def test_the_critic_runs_after_the_filters_and_its_verdicts_and_usage_are_counted_separately(
        self, criticise: Any, store: MemoryStore, context: Any
    ) -> None:
        manifest = criticise().execute(context)
        assert (manifest["accepted"], manifest["rejected"], manifest["dropped"]) == (8, 4, {"critic": 4})
        assert (manifest["calls"], manifest["input_tokens"]) == (4, 400)
        assert manifest["critic"] == {
            "grounded": 8,
            "ungrounded": 4,
            "unparsable": 0,
            "not_looked_at": 0,
            "calls": 12,
            "cache_hits": 0,
            "input_tokens": 1200,
            "output_tokens": 120,
            "simulated": True,
        }
        assert {pair["critic"] for pair in read_jsonl(store, FOLDER.synthetic(0), dict)} == {"grounded"}
        assert {drop["reason"] for drop in read_jsonl(store, FOLDER.synthetic_rejected(0), dict)} == {"ungrounded"}
        assert len(json.dumps(manifest)) < 2048

    def test_a_retry_pays_nothing_and_writes_the_same_files(
        self, criticise: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
    ) -> None:
        first = criticise().execute(context)
        before, paid = dict(store.objects), len(bedrock.asked)
        assert criticise().execute(context) == first
        for objects in (before, store.objects):
            del objects[PROGRESS]
        assert (len(bedrock.asked), store.objects) == (paid, before)

    def test_the_progress_counts_the_calls_and_dollars_of_the_critic_too(
        self, criticise: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
    ) -> None:
        criticise().execute(context)
        teacher = sum(request.model.key != CRITIC for request in bedrock.asked)
        progress = read_json(store, PROGRESS, TaskProgress)
        assert (progress["rows_done"], progress["asked"], progress["stored"]) == (4, len(bedrock.asked), 0)
        assert len(bedrock.asked) > teacher == 4
        assert progress["usd"] > 0
        criticise().execute(context)
        retried = read_json(store, PROGRESS, TaskProgress)
        assert (retried["asked"], retried["stored"]) == (0, len(bedrock.asked))
        assert retried["usd"] == pytest.approx(progress["usd"])

    def test_a_spent_budget_stops_only_the_critic_and_unchecked_pairs_are_kept_and_counted(
        self, criticise: Any, bedrock: FakeBedrock, store: MemoryStore, context: Any
    ) -> None:
        """All twelve questions of the short rows are estimated at less than a cent, but each costs a dollar."""
        bedrock.usage = (1_000_000, 0)
        manifest = criticise(2).execute(context)
        looked = [request for request in bedrock.asked if request.model.key == CRITIC]
        critic = manifest["critic"]
        assert 1 <= len(looked) < 12
        assert critic["calls"] == len(looked)
        assert critic["not_looked_at"] == 12 - len(looked)
        assert manifest["accepted"] == critic["grounded"] + critic["not_looked_at"]
        marks = [pair["critic"] for pair in read_jsonl(store, FOLDER.synthetic(0), dict)]
        assert marks.count("not_looked_at") == critic["not_looked_at"]
        assert store.exists(FOLDER.critic_ended(0))
        again = criticise(2).execute(context)
        assert again == manifest
        assert [request for request in bedrock.asked if request.model.key == CRITIC] == looked

    def test_refused_access_to_the_critic_stops_the_shard(
        self, criticise: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        task, say = criticise(), bedrock.say

        def refusing(request: ModelRequest) -> str:
            if request.model.key == CRITIC:
                raise RefusedError("AccessDenied")
            return say(request)

        bedrock.say = refusing
        with pytest.raises(RefusedError, match="AccessDenied"):
            task.execute(context)

    def test_a_throttled_critic_fails_the_shard_with_the_advice_about_its_own_quota(
        self, criticise: Any, bedrock: FakeBedrock, context: Any
    ) -> None:
        task, say = criticise(), bedrock.say

        def throttling(request: ModelRequest) -> str:
            if request.model.key == CRITIC:
                raise ThrottledError("slow down")
            return say(request)

        bedrock.say = throttling
        with pytest.raises(
            TooManyFailuresError,
            match=rf"(?s)and the critic {CRITIC}: ThrottledError \(4 times\).*quota for {CRITIC} is too low",
        ):
            task.execute(context)
