from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from include.distill.core.errors import ContractError, TransientError
from include.distill.inference.answer_store import AnswerStore, ParsedReply, Usage, ask_until_readable
from include.distill.inference.requests import Completion, ModelRequest
from tests.distill.conftest import ROOT, make_answer, make_request
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore


def of_run(store: MemoryStore, run: str) -> AnswerStore:
    return AnswerStore(store, ROOT, run)


class TestPaidOnce:
    def test_an_answer_is_paid_once_and_is_the_same_ever_after(self, store: MemoryStore, paid: AnswerStore) -> None:
        bedrock = FakeBedrock(lambda _: 'é\u2028\n"x"')
        first = paid.get_or_ask(make_request(), bedrock)
        assert paid.get_or_ask(make_request(), bedrock) == first
        assert of_run(store, "run-1").find(make_request()) == first
        assert len(bedrock.asked) == 1
        assert first.completion == Completion('é\u2028\n"x"', "end_turn", 100, 10, simulated=True)

    def test_another_run_finds_it_and_knows_who_paid(self, store: MemoryStore, paid: AnswerStore) -> None:
        paid.get_or_ask(make_request(), FakeBedrock())
        bedrock = FakeBedrock()
        assert of_run(store, "run-2").get_or_ask(make_request(), bedrock).paid_by == "run-1"
        assert bedrock.asked == []

    def test_a_question_asked_by_many_threads_at_once_is_paid_once(self, paid: AnswerStore) -> None:
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

    def test_a_failed_ask_leaves_nothing_and_can_be_asked_again(self, store: MemoryStore, paid: AnswerStore) -> None:
        bedrock = FakeBedrock()
        bedrock.refuse["ask"] = TransientError("lost")
        with pytest.raises(TransientError):
            paid.get_or_ask(make_request(), bedrock)
        assert store.objects == {}
        bedrock.refuse.clear()
        paid.get_or_ask(make_request(), bedrock)
        assert paid.has(make_request())

    def test_an_empty_answer_is_an_answer(self, paid: AnswerStore) -> None:
        bedrock = FakeBedrock(lambda _: "")
        paid.get_or_ask(make_request(), bedrock)
        paid.get_or_ask(make_request(), bedrock)
        assert len(bedrock.asked) == 1


class TestPlaces:
    def test_answers_of_models_lie_apart_by_readable_names(self, paid: AnswerStore) -> None:
        base = make_request("nova-micro")
        arn = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-micro-v1:0:128k/abc123"
        tuned = make_request("nova-micro", identity=arn)
        assert paid.uri(base) == f"{ROOT}/us-amazon-nova-micro-v1-0/{base.key[:2]}/{base.key}.json"
        assert paid.uri(tuned) == f"{ROOT}/128k-abc123/{tuned.key[:2]}/{tuned.key}.json"

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"{", id="cut"),
            pytest.param(b"\xff\xfe\xff", id="no text"),
            pytest.param(b"[]", id="a list"),
            pytest.param(b'{"completion": {"text": "a"}}', id="half a completion"),
            pytest.param(b'{"completion": "a", "paid_by": "r"}', id="completion is text"),
        ],
    )
    def test_a_corrupt_object_is_an_error_and_is_not_paid_again(
        self, store: MemoryStore, paid: AnswerStore, body: bytes
    ) -> None:
        uri = paid.uri(make_request())
        store.write(uri, body)
        bedrock = FakeBedrock()
        with pytest.raises(ContractError, match=r"is not a stored answer.*remove the object to ask again") as raised:
            paid.get_or_ask(make_request(), bedrock)
        assert uri in str(raised.value)
        assert bedrock.asked == []


class TestUsage:
    def test_of_nothing_is_nothing(self) -> None:
        assert Usage.from_answers([], "run") == Usage(0, 0, 0, 0, simulated=False)

    def test_what_this_run_paid_is_summed_and_what_others_paid_counts_as_found(self) -> None:
        answers = [make_answer(user="1"), make_answer(user="2"), make_answer(user="3", paid_by="another")]
        assert Usage.from_answers(answers, "run") == Usage(calls=2, cache_hits=1, input_tokens=200, output_tokens=20)

    def test_one_answer_for_two_rows_is_paid_once(self) -> None:
        assert Usage.from_answers([make_answer(), make_answer()], "run") == Usage(1, 1, 100, 10)

    def test_one_simulated_answer_marks_all(self, paid: AnswerStore) -> None:
        simulated = paid.get_or_ask(make_request(user="s"), FakeBedrock())
        assert Usage.from_answers([simulated, make_answer()], "run-1").simulated
        assert not Usage.from_answers([make_answer()], "run-1").simulated

    def test_a_second_run_pays_nothing_and_a_retry_of_the_first_has_the_same_bill(
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
        )

    def test_a_readable_answer_is_taken_at_once(self, paid: AnswerStore) -> None:
        bedrock = FakeBedrock(lambda _: "7")
        assert self.read_number(paid, bedrock).parsed == "7"
        assert [request.sample for request in bedrock.asked] == [0]

    def test_a_malformed_one_is_asked_again_under_the_next_sample_and_kept(
        self, store: MemoryStore, paid: AnswerStore
    ) -> None:
        bedrock = FakeBedrock(lambda request: "7" if request.sample == 2 else "no")
        asked = self.read_number(paid, bedrock)
        assert asked.parsed == "7"
        assert [answer.completion.text for answer in asked.answers] == ["no", "no", "7"]
        assert [request.sample for request in bedrock.asked] == [0, 1, 2]
        assert len(store.objects) == 3

    def test_after_the_last_attempt_what_came_is_handed_over(self, paid: AnswerStore) -> None:
        bedrock = FakeBedrock(lambda request: f"no {request.sample}")
        asked = self.read_number(paid, bedrock, attempts=2)
        assert asked.parsed == "no 1"
        assert len(bedrock.asked) == 2

    def test_a_retry_walks_the_same_path_without_paying(self, store: MemoryStore, paid: AnswerStore) -> None:
        bedrock = FakeBedrock(lambda request: "7" if request.sample else "no")
        first = self.read_number(paid, bedrock)
        again = self.read_number(of_run(store, "run-2"), bedrock)
        assert again.parsed == first.parsed
        assert len(bedrock.asked) == 2
        assert Usage.from_answers(again.answers, "run-2").calls == 0

    def test_a_crash_between_answer_and_reading_costs_nothing(self, store: MemoryStore, paid: AnswerStore) -> None:
        def crash(_: str) -> str:
            raise RuntimeError("killed")

        bedrock = FakeBedrock(lambda _: "7")
        with pytest.raises(RuntimeError):
            self.read_number(paid, bedrock, read=crash)
        retried = self.read_number(of_run(store, "run-1"), bedrock)
        assert retried.parsed == "7"
        assert len(bedrock.asked) == 1
        assert Usage.from_answers(retried.answers, "run-1").calls == 1, "this run paid for it, before it crashed"
