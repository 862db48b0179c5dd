from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.distill.core.errors import ContractError, TransientError
from include.distill.core.formats import FORMAT
from include.distill.core.version import VERSION
from include.distill.inference.answer_store import AnswerStore, ParsedReply, Usage, ask_until_readable
from include.distill.inference.requests import Completion, ModelRequest
from tests.distill.conftest import ROOT, make_answer, make_request
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore


def of_run(store: MemoryStore, run: str) -> AnswerStore:
    return AnswerStore(store, ROOT, run)


class TestPaidOnce:
    def test_an_answer_is_paid_once_and_read_back_unchanged(self, store: MemoryStore, paid: AnswerStore) -> None:
        bedrock = FakeBedrock(lambda _: 'é\u2028\n"x"')
        first = paid.get_or_ask(make_request(), bedrock)
        assert paid.get_or_ask(make_request(), bedrock) == first
        assert of_run(store, "run-1").find(make_request()) == first
        assert len(bedrock.asked) == 1
        assert first.completion == Completion('é\u2028\n"x"', "end_turn", 100, 10, simulated=True)

    def test_another_run_finds_a_stored_answer_and_the_run_that_paid_for_it(
        self, store: MemoryStore, paid: AnswerStore
    ) -> None:
        paid.get_or_ask(make_request(), FakeBedrock())
        bedrock = FakeBedrock()
        assert of_run(store, "run-2").get_or_ask(make_request(), bedrock).paid_by == "run-1"
        assert bedrock.asked == []

    def test_a_request_that_many_threads_send_at_once_is_paid_once(self, paid: AnswerStore) -> None:
        together = threading.Barrier(4)

        def slowly(_: ModelRequest) -> str:
            time.sleep(0.02)
            return "a"

        def ask(_: int) -> str:
            together.wait()
            return paid.get_or_ask(make_request(), bedrock).completion.text

        bedrock = FakeBedrock(slowly)
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(ask, range(4))) == ["a"] * 4
        assert len(bedrock.asked) == 1

    def test_a_failed_call_stores_nothing_and_can_be_repeated(self, store: MemoryStore, paid: AnswerStore) -> None:
        bedrock = FakeBedrock()
        bedrock.refuse["ask"] = TransientError("lost")
        with pytest.raises(TransientError):
            paid.get_or_ask(make_request(), bedrock)
        assert store.objects == {}
        bedrock.refuse.clear()
        paid.get_or_ask(make_request(), bedrock)
        assert paid.has(make_request())

    def test_an_empty_answer_is_stored_and_not_paid_again(self, paid: AnswerStore) -> None:
        bedrock = FakeBedrock(lambda _: "")
        paid.get_or_ask(make_request(), bedrock)
        paid.get_or_ask(make_request(), bedrock)
        assert len(bedrock.asked) == 1


class TestDeployment:
    """The key of an answer depends on the custom model, not on its endpoint. Only the price depends on the endpoint."""

    MODEL = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-micro-v1:0:128k/abc123def456"

    def request(self, endpoint: str) -> ModelRequest:
        arn = f"arn:aws:bedrock:us-east-1:123456789012:{endpoint}/abc123def456"
        return make_request("nova-micro", identity=self.MODEL, invoke_id=arn)

    def test_an_answer_of_a_deployment_is_marked_with_the_base_model_and_read_back(
        self, store: MemoryStore, paid: AnswerStore
    ) -> None:
        deployed, provisioned = self.request("custom-model-deployment"), self.request("provisioned-model")
        first = paid.get_or_ask(deployed, FakeBedrock())
        assert first.deployed
        assert json.loads(store.read(paid.uri(deployed)))["deployed"] == "nova-micro"
        found = of_run(store, "run-2").find(provisioned)
        assert found is not None
        assert (found.deployed, found.completion) == (True, first.completion)

    def test_an_answer_of_throughput_is_not_marked(self, store: MemoryStore, paid: AnswerStore) -> None:
        request = self.request("provisioned-model")
        assert not paid.get_or_ask(request, FakeBedrock()).deployed
        assert "deployed" not in json.loads(store.read(paid.uri(request)))
        assert not paid.get_or_ask(self.request("custom-model-deployment"), FakeBedrock()).deployed

    def test_only_the_tokens_of_deployments_are_counted_as_such(self) -> None:
        answers = [make_answer(user="1"), dataclasses.replace(make_answer(user="2"), deployed=True)]
        usage = Usage.from_answers(answers, "run")
        assert (usage.input_tokens, usage.output_tokens) == (200, 20)
        assert (usage.deployed_input_tokens, usage.deployed_output_tokens) == (100, 10)
        assert usage.as_record()["deployed_input_tokens"] == 100

    @pytest.mark.parametrize(
        ("endpoint", "is_deployed", "is_on_demand"),
        [("custom-model-deployment", True, True), ("provisioned-model", False, False)],
    )
    def test_the_endpoint_decides_how_a_request_is_billed(
        self, endpoint: str, is_deployed: bool, is_on_demand: bool
    ) -> None:
        request = self.request(endpoint)
        assert (request.is_deployed, request.is_on_demand) == (is_deployed, is_on_demand)
        assert make_request("nova-micro").is_on_demand
        assert not make_request("nova-micro").is_deployed


class TestObjects:
    def test_each_model_has_a_folder_with_a_readable_name(self, paid: AnswerStore) -> None:
        base = make_request("nova-micro")
        arn = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-micro-v1:0:128k/abc123"
        tuned = make_request("nova-micro", identity=arn)
        assert paid.uri(base) == f"{ROOT}/us-amazon-nova-micro-v1-0/{base.key[:2]}/{base.key}.json"
        assert paid.uri(tuned) == f"{ROOT}/128k-abc123/{tuned.key[:2]}/{tuned.key}.json"

    def test_the_name_of_a_folder_has_at_most_eighty_characters(self, paid: AnswerStore) -> None:
        folder = paid.uri(make_request(identity="m" * 100)).removeprefix(f"{ROOT}/").split("/")[0]
        assert len(folder) == 80

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"{", id="cut"),
            pytest.param(b"\xff\xfe\xff", id="not text"),
            pytest.param(b"[]", id="a list"),
            pytest.param(b'{"completion": {"text": "a"}}', id="half a completion"),
            pytest.param(b'{"completion": "a", "paid_by": "r"}', id="completion is text"),
        ],
    )
    def test_a_corrupt_object_raises_an_error_and_is_not_paid_again(
        self, store: MemoryStore, paid: AnswerStore, body: bytes
    ) -> None:
        uri = paid.uri(make_request())
        store.write(uri, body)
        bedrock = FakeBedrock()
        with pytest.raises(ContractError, match=r"is not a readable stored answer.*Delete the object") as raised:
            paid.get_or_ask(make_request(), bedrock)
        assert uri in str(raised.value)
        assert bedrock.asked == []


class TestUsage:
    def test_the_usage_of_no_answers_is_zero(self) -> None:
        assert Usage.from_answers([], "run") == Usage(0, 0, 0, 0, simulated=False)

    def test_answers_of_this_run_are_added_and_answers_of_other_runs_are_cache_hits(self) -> None:
        answers = [make_answer(user="1"), make_answer(user="2"), make_answer(user="3", paid_by="another")]
        assert Usage.from_answers(answers, "run") == Usage(calls=2, cache_hits=1, input_tokens=200, output_tokens=20)

    def test_one_answer_for_two_rows_counts_as_one_call_and_one_cache_hit(self) -> None:
        assert Usage.from_answers([make_answer(), make_answer()], "run") == Usage(1, 1, 100, 10)

    def test_usage_is_marked_as_simulated_if_any_answer_is_simulated(self, paid: AnswerStore) -> None:
        simulated = paid.get_or_ask(make_request(user="s"), FakeBedrock())
        assert Usage.from_answers([simulated, make_answer()], "run-1").simulated
        assert not Usage.from_answers([make_answer()], "run-1").simulated

    def test_a_second_run_pays_nothing_and_a_retry_of_the_first_run_has_the_same_usage(
        self, store: MemoryStore, paid: AnswerStore
    ) -> None:
        requests = [make_request(user=str(number)) for number in range(3)]
        bedrock = FakeBedrock()
        bills = []
        for run in ("run-1", "run-1", "run-2"):
            answers = [of_run(store, run).get_or_ask(request, bedrock) for request in requests]
            bills.append(Usage.from_answers(answers, run))
        assert bills[0] == bills[1] == Usage(3, 0, 300, 30, simulated=True)
        assert bills[2] == Usage(0, 3, 0, 0, simulated=True)
        assert len(bedrock.asked) == 3

    def test_the_usage_record_of_a_manifest_has_every_count(self) -> None:
        usage = Usage.from_answers([dataclasses.replace(make_answer(), batch=True, deployed=True)], "run")
        assert usage.as_record() == dataclasses.asdict(usage)
        assert list(usage.as_record()) == list(dataclasses.asdict(usage))


class TestStoredBytes:
    """The format of stored answers must not change, because all versions of this project share the answers."""

    MARK = f'{{"format": {FORMAT}, "version": "{VERSION}", '.encode()
    COMPLETION = b'"completion": {"text": "a", "stop_reason": "end_turn", "input_tokens": 100, "output_tokens": 10, '

    def test_the_stored_bytes_of_an_on_demand_answer_do_not_change(self, store: MemoryStore, paid: AnswerStore) -> None:
        paid.get_or_ask(make_request(identity="m", sample=2), FakeBedrock(lambda _: "a"))
        (stored,) = store.objects.values()
        assert stored == (
            self.MARK
            + b'"identity": "m", "sample": 2, "max_tokens": 64, "paid_by": "run-1", '
            + self.COMPLETION
            + b'"simulated": true}}'
        )

    def test_the_stored_bytes_of_a_batch_answer_do_not_change(self, store: MemoryStore, paid: AnswerStore) -> None:
        completion = Completion("a", "end_turn", 100, 10)
        assert paid.store_batch_answer("ab12", completion, identity="m", max_tokens=64)
        assert store.objects[f"{ROOT}/m/ab/ab12.json"] == (
            self.MARK
            + b'"identity": "m", "sample": 0, "max_tokens": 64, "batch": true, "paid_by": "run-1", '
            + self.COMPLETION
            + b'"simulated": false}}'
        )

    def test_a_batch_job_never_replaces_a_stored_answer(self, store: MemoryStore, paid: AnswerStore) -> None:
        request = make_request(identity="m")
        paid.get_or_ask(request, FakeBedrock(lambda _: "read already"))
        later = Completion("later", "end_turn", 100, 10)
        assert not paid.store_batch_answer(request.key, later, identity="m", max_tokens=64)
        stored = paid.find(request)
        assert stored is not None
        assert (stored.completion.text, stored.batch) == ("read already", False)


class TestUntilReadable:
    @staticmethod
    def read_number(
        paid: AnswerStore, bedrock: FakeBedrock, *, attempts: int = 3, read: Callable[[str], str] = str
    ) -> ParsedReply[str]:
        return ask_until_readable(
            make_request(),
            lambda request: paid.get_or_ask(request, bedrock),
            read=read,
            is_readable=str.isdigit,
            attempts=attempts,
            expected="a number",
        )

    def test_a_readable_answer_is_not_requested_again(self, paid: AnswerStore) -> None:
        bedrock = FakeBedrock(lambda _: "7")
        assert self.read_number(paid, bedrock).parsed == "7"
        assert [request.sample for request in bedrock.asked] == [0]

    def test_an_unreadable_answer_stays_stored_and_is_requested_again_with_the_next_sample_number(
        self, store: MemoryStore, paid: AnswerStore
    ) -> None:
        bedrock = FakeBedrock(lambda request: "7" if request.sample == 2 else "no")
        reply = self.read_number(paid, bedrock)
        assert reply.parsed == "7"
        assert [answer.completion.text for answer in reply.answers] == ["no", "no", "7"]
        assert [request.sample for request in bedrock.asked] == [0, 1, 2]
        assert len(store.objects) == 3

    def test_each_repetition_is_another_request_that_states_the_expected_format(self, paid: AnswerStore) -> None:
        bedrock = FakeBedrock(lambda _: "no")
        self.read_number(paid, bedrock, attempts=5)
        assert bedrock.asked[0] == make_request()
        prompts = [request.user for request in bedrock.asked]
        assert len(set(prompts)) == len({request.key for request in bedrock.asked}) == 5
        assert all(prompt.startswith(f"{prompts[0]}\n\n") for prompt in prompts[1:])
        assert all("not a number" in prompt for prompt in prompts[1:])

    def test_a_repetition_follows_an_unreadable_answer_from_a_batch_job(self, paid: AnswerStore) -> None:
        bedrock = FakeBedrock(lambda _: "7")
        first, unreadable = make_request(), Completion("no", "end_turn", 100, 10)
        paid.store_batch_answer(first.key, unreadable, identity=first.identity, max_tokens=first.max_tokens)
        assert self.read_number(paid, bedrock).parsed == "7"
        assert self.read_number(paid, bedrock).parsed == "7"
        (repetition,) = bedrock.asked
        assert (repetition.sample, repetition.user.startswith(first.user)) == (1, True)

    def test_the_last_answer_is_returned_even_if_it_is_unreadable(self, paid: AnswerStore) -> None:
        bedrock = FakeBedrock(lambda request: f"no {request.sample}")
        reply = self.read_number(paid, bedrock, attempts=2)
        assert reply.parsed == "no 1"
        assert len(bedrock.asked) == 2

    def test_sample_numbers_count_up_from_the_sample_number_of_the_first_request(self, paid: AnswerStore) -> None:
        bedrock = FakeBedrock(lambda _: "no")
        ask_until_readable(
            make_request(sample=3),
            lambda request: paid.get_or_ask(request, bedrock),
            read=str,
            is_readable=str.isdigit,
            attempts=2,
            expected="a number",
        )
        assert [request.sample for request in bedrock.asked] == [3, 4]

    def test_a_retry_reads_the_same_answers_and_pays_nothing(self, store: MemoryStore, paid: AnswerStore) -> None:
        bedrock = FakeBedrock(lambda request: "7" if request.sample else "no")
        first = self.read_number(paid, bedrock)
        again = self.read_number(of_run(store, "run-2"), bedrock)
        assert again.parsed == first.parsed
        assert len(bedrock.asked) == 2
        assert Usage.from_answers(again.answers, "run-2").calls == 0

    def test_a_crash_after_an_answer_was_stored_causes_no_second_call(
        self, store: MemoryStore, paid: AnswerStore
    ) -> None:
        def crash(_: str) -> str:
            raise RuntimeError("killed")

        bedrock = FakeBedrock(lambda _: "7")
        with pytest.raises(RuntimeError):
            self.read_number(paid, bedrock, read=crash)
        retried = self.read_number(of_run(store, "run-1"), bedrock)
        assert retried.parsed == "7"
        assert len(bedrock.asked) == 1
        assert Usage.from_answers(retried.answers, "run-1").calls == 1, "this run paid for the answer before the crash"
