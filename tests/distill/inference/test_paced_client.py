from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Any

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.core.errors import (
    ContractError,
    DailyQuotaError,
    ExpiredCredentialsError,
    InvalidRequestError,
    PossiblyBilledError,
    RefusedError,
    ServiceError,
    ThrottledError,
    TransientError,
    UnreadableAnswerError,
)
from include.distill.inference.lost_calls import LostCalls, lost_call_records
from include.distill.inference.paced_client import MAX_ATTEMPTS, PacedClient
from include.distill.inference.rate_limits import Quota
from include.distill.inference.requests import Completion, ModelRequest
from tests.fakes.memory_store import MemoryStore

TEACHER = load_catalog().model("claude-haiku-4-5")  # an output token counts five times


def request(text: str = "\U0001f600" * 25, max_tokens: int = 100) -> ModelRequest:
    return ModelRequest(TEACHER, TEACHER.inference_id, TEACHER.inference_id, text, max_tokens)


class Time:
    """A clock that advances only when a thread waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, _: threading.Condition, seconds: float | None) -> None:
        assert seconds, "a wait without a timeout would never end"
        self.now += seconds


class Server:
    """A model that records the times of its calls."""

    def __init__(self, time: Time, answers: Callable[[int], Exception | None] = lambda _: None) -> None:
        self.time, self.answers = time, answers
        self.asked_at: list[float] = []

    def ask(self, request: ModelRequest) -> Completion:
        self.asked_at.append(self.time())
        if error := self.answers(len(self.asked_at)):
            raise error
        return Completion("text", "end_turn", input_tokens=75, output_tokens=10)


def paced(server: Any, time: Time, quota: Quota, **more: Any) -> PacedClient:
    return PacedClient(server, quota, concurrency=4, clock=time, wait=time.wait, sleep=time.sleep, **more)


def ask(client: PacedClient, asked: ModelRequest | None = None) -> Completion:
    with client.answer(asked or request()) as completion:
        return completion


def with_code(error: ServiceError, code: str) -> ServiceError:
    error.code = code
    return error


def asked_at(quota: Quota, times: int) -> list[float]:
    time = Time()
    server = Server(time)
    client = paced(server, time, quota)
    for _ in range(times):
        ask(client)
    return server.asked_at


class TestRequests:
    def test_the_calls_of_the_burst_start_at_once_and_later_calls_start_at_the_rate(self) -> None:
        at = asked_at(Quota(requests_per_minute=600, burst_share=0.1), 100)
        # The burst is 60 calls. One second's worth is held back, because the first calls may arrive late.
        assert at[49] == pytest.approx(0, abs=0.12)
        assert at[99] == pytest.approx(5.0, abs=0.1)

    def test_no_minute_has_more_calls_than_the_quota_plus_the_burst(self) -> None:
        at = asked_at(Quota(requests_per_minute=60, burst_share=0.5), 200)
        windows = [sum(start <= moment < start + 60 for moment in at) for start in at]
        assert max(windows) <= 60 + 30

    def test_a_quota_that_does_not_start_full_has_no_burst(self) -> None:
        quota = Quota(requests_per_minute=60, burst_share=0.5)
        assert asked_at(quota.scaled(0.5, starts_full=False), 3) == pytest.approx([2, 4, 6])
        assert asked_at(quota.scaled(0.5, starts_full=True), 3) == pytest.approx([0, 0, 0], abs=0.01)


class TestTokens:
    def test_input_tokens_and_max_tokens_are_reserved_and_unused_tokens_are_refunded(self) -> None:
        # 25 emoji have 100 bytes and are estimated at 100 tokens, and max_tokens is 100. The
        # bucket gets 100 tokens per second.
        assert asked_at(Quota(tokens_per_minute=6000, starts_full=False), 1) == pytest.approx([2.0])
        # The call used 75 input tokens and 10 output tokens that count five times, so 75 of 200 tokens are refunded.
        # The second call is estimated at 75 + 100 tokens, so it waits until 100 more tokens have been refilled.
        assert asked_at(Quota(tokens_per_minute=6000, starts_full=False), 2) == pytest.approx([2.0, 3.0])

    @pytest.mark.parametrize(
        ("error", "next_call_at"),
        [
            pytest.param(ContractError("format"), 4.0, id="billed, so the tokens stay used"),
            pytest.param(UnreadableAnswerError("format"), 4.0, id="billed and unreadable, so the tokens stay used"),
            pytest.param(InvalidRequestError("too long"), 2.0, id="not billed, so the tokens are refunded"),
        ],
    )
    def test_a_failed_call_keeps_its_tokens_only_if_it_was_billed(self, error: Exception, next_call_at: float) -> None:
        time = Time()
        server = Server(time, lambda n: error if n == 1 else None)
        client = paced(server, time, Quota(tokens_per_minute=6000, starts_full=False))
        with pytest.raises(type(error)):
            ask(client)
        ask(client)
        assert server.asked_at == pytest.approx([2.0, next_call_at], abs=0.01)

    def test_a_waiting_call_starts_when_another_call_refunds_enough_tokens(self) -> None:
        answer, asked = threading.Event(), threading.Semaphore(0)

        class Slow:
            def ask(self, _: ModelRequest) -> Completion:
                asked.release()
                assert answer.wait(5)
                return Completion("text", "end_turn", 75, 1)

        # The bucket holds 300 tokens. One reservation of 200 fits, and the second would have to wait for 20 s.
        client = PacedClient(Slow(), Quota(tokens_per_minute=300, token_burst_share=1), concurrency=2)
        threads = [threading.Thread(target=ask, args=[client]) for _ in range(2)]
        for thread in threads:
            thread.start()
        assert asked.acquire(timeout=5)
        assert not asked.acquire(timeout=0.1), "the second call started before enough tokens were free"
        answer.set()
        for thread in threads:
            thread.join(timeout=5)
        assert not any(thread.is_alive() for thread in threads)


class TestErrors:
    def test_a_throttled_call_is_repeated_until_it_succeeds(self) -> None:
        time = Time()
        server = Server(time, lambda n: ThrottledError("slow") if n < 4 else None)
        assert ask(paced(server, time, Quota())).text == "text"
        assert len(server.asked_at) == 4
        pauses = [after - before for before, after in zip(server.asked_at, server.asked_at[1:], strict=False)]
        assert pauses == pytest.approx([0.5, 1, 2])

    def test_a_call_that_is_throttled_for_too_long_fails_and_the_error_says_what_to_do(self) -> None:
        time = Time()
        server = Server(time, lambda _: with_code(ThrottledError("Too many tokens"), "ThrottlingException"))
        with pytest.raises(
            ThrottledError,
            match=r"(?s)throttled one request .* for \d\d s .*Too many.*not billed.*quota for claude-haiku",
        ) as raised:
            ask(paced(server, time, Quota(), patience_seconds=30))
        assert 30 <= time.now <= 60
        assert raised.value.code == "ThrottlingException"
        assert "model inference requests per minute" in raised.value.to_do

    def test_an_endpoint_that_is_throttled_has_no_quota_to_compare(self) -> None:
        time = Time()
        client = paced(Server(time, lambda _: ThrottledError("slow")), time, Quota(), patience_seconds=30)
        with pytest.raises(ThrottledError) as raised:
            ask(client, dataclasses.replace(request(), invoke_id="arn:provisioned-model/x"))
        assert "serving.model_units" in raised.value.to_do
        assert "quota" not in raised.value.to_do

    def test_a_deployment_that_is_throttled_has_a_quota_of_its_own_that_the_use_case_cannot_state(self) -> None:
        time = Time()
        client = paced(Server(time, lambda _: ThrottledError("slow")), time, Quota(), patience_seconds=30)
        with pytest.raises(ThrottledError) as raised:
            ask(client, dataclasses.replace(request(), invoke_id="arn:aws:bedrock:r:1:custom-model-deployment/x"))
        assert "custom model deployment requests per minute" in raised.value.to_do
        assert "set serving.mode to provisioned" in raised.value.to_do
        assert "`quotas`" not in raised.value.to_do

    @pytest.mark.parametrize(("answered_at", "calls"), [(29.999, 2), (30.0, 1)])
    def test_patience_ends_exactly_when_its_seconds_have_passed(self, answered_at: float, calls: int) -> None:
        time = Time()

        def throttle(number: int) -> Exception:
            time.now = answered_at if number == 1 else 60.0
            return ThrottledError("Too many requests")

        server = Server(time, throttle)
        with pytest.raises(ThrottledError):
            ask(paced(server, time, Quota(), patience_seconds=30))
        assert len(server.asked_at) == calls

    @pytest.mark.parametrize(
        ("kind", "advice"),
        [
            (TransientError, "Check the proxy. Look for the model and its Region in AWS Health, and wait until"),
            (ExpiredCredentialsError, "Check the proxy."),
        ],
    )
    def test_the_error_after_the_last_attempt_names_the_model_and_keeps_the_code_and_the_advice(
        self, kind: type[ServiceError], advice: str
    ) -> None:
        time = Time()
        server = Server(time, lambda _: with_code(kind("Status 503.", to_do="Check the proxy."), "ServiceUnavailable"))
        with pytest.raises(kind, match=r"claude-haiku.* \(attempts: 6\)\. The last error: Status 503\.") as raised:
            ask(paced(server, time, Quota()))
        assert raised.value.code == "ServiceUnavailable"
        assert raised.value.to_do.startswith(advice)

    def test_transient_errors_are_repeated_a_few_times(self) -> None:
        time = Time()
        server = Server(time, lambda _: TransientError("500"))
        with pytest.raises(TransientError):
            ask(paced(server, time, Quota()))
        assert len(server.asked_at) == MAX_ATTEMPTS

    def test_a_billed_call_with_an_answer_in_an_unknown_format_is_not_repeated(self) -> None:
        time = Time()
        server = Server(time, lambda _: ContractError("shape"))
        with pytest.raises(ContractError):
            ask(paced(server, time, Quota()))
        assert len(server.asked_at) == 1

    def test_an_invalid_request_does_not_stop_other_requests(self) -> None:
        time = Time()
        server = Server(time, lambda n: InvalidRequestError("too long") if n == 1 else None)
        client = paced(server, time, Quota())
        with pytest.raises(InvalidRequestError):
            ask(client)
        assert ask(client).text == "text"

    def test_no_further_call_is_sent_after_a_refusal(self) -> None:
        time = Time()
        server = Server(time, lambda _: RefusedError("no access"))
        client = paced(server, time, Quota())
        for _ in range(3):
            with pytest.raises(RefusedError, match="no access"):
                ask(client)
        assert len(server.asked_at) == 1

    @pytest.mark.parametrize(
        ("message", "next_at"),
        [pytest.param("Too many requests", 1.0, id="requests"), pytest.param("Too many tokens", 2.0, id="tokens")],
    )
    def test_a_throttled_call_empties_the_bucket_of_requests_or_of_tokens(self, message: str, next_at: float) -> None:
        time = Time()
        server = Server(time, lambda n: ThrottledError(message) if n == 1 else None)
        ask(paced(server, time, Quota(requests_per_minute=60, tokens_per_minute=6000)))
        assert server.asked_at == [0, pytest.approx(next_at)]


def test_no_more_calls_are_in_flight_than_allowed() -> None:
    maximum, in_flight, lock = 0, 0, threading.Lock()

    class Busy:
        def ask(self, _: ModelRequest) -> Completion:
            nonlocal maximum, in_flight
            with lock:
                in_flight += 1
                maximum = max(maximum, in_flight)
            threading.Event().wait(0.02)
            with lock:
                in_flight -= 1
            return Completion("text", "end_turn", 75, 10)

    client = PacedClient(Busy(), Quota(), concurrency=3)
    threads = [threading.Thread(target=ask, args=[client]) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=5)
    assert maximum == 3


def test_a_call_counts_as_in_flight_until_its_answer_is_stored() -> None:
    time = Time()
    server = Server(time)
    client = PacedClient(server, Quota(), concurrency=1)
    with client.answer(request()):
        second = threading.Thread(target=ask, args=[client])
        second.start()
        second.join(timeout=0.1)
        assert len(server.asked_at) == 1
    second.join(timeout=5)
    assert len(server.asked_at) == 2


def test_a_call_whose_answer_cannot_be_stored_ends_and_is_not_repeated() -> None:
    time = Time()
    server = Server(time)
    client = PacedClient(server, Quota(), concurrency=1)
    with pytest.raises(TransientError, match="S3"), client.answer(request()):
        raise TransientError("S3 was not available")
    assert len(server.asked_at) == 1
    ask(client)
    assert len(server.asked_at) == 2


LOST_FOLDER = "s3://b/p/runs/r/lost_calls/"


def lost_calls(store: MemoryStore) -> LostCalls:
    return LostCalls(store, LOST_FOLDER, "task 0", 2)


class TestLostAnswers:
    def test_a_request_whose_answer_is_lost_is_sent_once_more_and_both_calls_are_recorded(self) -> None:
        time, store = Time(), MemoryStore()
        server = Server(time, lambda _: PossiblyBilledError("read timeout"))
        with pytest.raises(PossiblyBilledError, match="sent 2 times"):
            ask(paced(server, time, Quota(), lost_calls=lost_calls(store)))
        assert len(server.asked_at) == 2
        assert len(list(lost_call_records(store, LOST_FOLDER))) == 2

    def test_the_second_answer_is_used_and_only_the_lost_call_is_recorded(self) -> None:
        time, store = Time(), MemoryStore()
        server = Server(time, lambda n: PossiblyBilledError("read timeout") if n == 1 else None)
        assert ask(paced(server, time, Quota(), lost_calls=lost_calls(store))).text == "text"
        assert len(list(lost_call_records(store, LOST_FOLDER))) == 1

    def test_a_retry_of_the_task_does_not_send_the_request_a_third_time(self) -> None:
        time, store = Time(), MemoryStore()
        server = Server(time, lambda _: PossiblyBilledError("read timeout"))
        for _ in range(3):
            with pytest.raises(PossiblyBilledError, match="sent 2 times"):
                ask(paced(server, time, Quota(), lost_calls=lost_calls(store)))
        assert len(server.asked_at) == 2

    def test_a_second_row_with_the_same_request_does_not_send_it_a_third_time(self) -> None:
        time, store = Time(), MemoryStore()
        server = Server(time, lambda n: InvalidRequestError("x") if n == 2 else PossiblyBilledError("read timeout"))
        client = paced(server, time, Quota(), lost_calls=lost_calls(store))
        with pytest.raises(InvalidRequestError):
            ask(client)
        with pytest.raises(PossiblyBilledError, match="sent 2 times"):
            ask(client)
        assert len(list(lost_call_records(store, LOST_FOLDER))) == 2

    def test_a_silent_endpoint_is_asked_twice_and_the_error_allows_a_retry_because_no_call_is_billed(self) -> None:
        time = Time()
        server = Server(time, lambda _: PossiblyBilledError("read timeout"))
        with pytest.raises(TransientError, match=r"(?s)sent 2 times.*billed by the hour") as raised:
            ask(paced(server, time, Quota()))
        assert type(raised.value) is TransientError
        assert len(server.asked_at) == 2

    def test_a_call_whose_record_cannot_be_stored_stops_the_task(self) -> None:
        class BrokenStore(MemoryStore):
            def write(self, uri: str, body: bytes) -> None:
                raise TransientError("S3 was not available")

        time = Time()
        server = Server(time, lambda _: PossiblyBilledError("read timeout"))
        client = paced(server, time, Quota(), lost_calls=lost_calls(BrokenStore()))
        for row in range(3):
            with (
                pytest.raises(TransientError, match=r"(?s)could not be stored.*S3 was not.*read timeout"),
                client.answer(request(f"row {row}")),
            ):
                pass
        assert len(server.asked_at) == 1

    def test_two_lost_requests_without_an_answer_in_between_stop_the_task(self) -> None:
        time, store = Time(), MemoryStore()
        server = Server(time, lambda _: PossiblyBilledError("read timeout"))
        client = paced(server, time, Quota(), lost_calls=lost_calls(store))
        errors = []
        for row in range(50):
            with pytest.raises(TransientError) as raised, client.answer(request(f"row {row}")):
                pass
            errors.append(raised.value)
        assert len(server.asked_at) == len(list(lost_call_records(store, LOST_FOLDER))) == 4
        assert [type(error) for error in errors] == [PossiblyBilledError] * 2 + [TransientError] * 48
        assert "AWS may bill each call" in str(errors[-1])

    def test_lost_requests_with_an_answer_in_between_do_not_stop_the_task(self) -> None:
        time = Time()
        server = Server(time, lambda n: None if n % 3 == 0 else PossiblyBilledError("read timeout"))
        client = paced(server, time, Quota())
        for row in range(20):
            if row % 2:
                with client.answer(request(f"row {row}")) as completion:
                    assert completion.text == "text"
            else:
                with pytest.raises(TransientError, match="sent 2 times"), client.answer(request(f"row {row}")):
                    pass
        assert len(server.asked_at) == 30

    def test_unreadable_answers_are_recorded_as_billed_and_the_second_one_stops_the_task(self) -> None:
        time, store = Time(), MemoryStore()
        server = Server(time, lambda _: UnreadableAnswerError("unknown format"))
        client = paced(server, time, Quota(), lost_calls=lost_calls(store))
        for row in range(9):
            with pytest.raises(ContractError, match="unknown format"), client.answer(request(f"row {row}")):
                pass
        assert len(server.asked_at) == len(list(lost_call_records(store, LOST_FOLDER))) == 2

    def test_a_lost_answer_keeps_its_tokens_of_the_quota(self) -> None:
        time = Time()
        server = Server(time, lambda n: PossiblyBilledError("read timeout") if n == 1 else None)
        # 200 tokens are reserved for each call, and the bucket gets 100 tokens per second.
        ask(paced(server, time, Quota(tokens_per_minute=6000, starts_full=False)))
        assert server.asked_at == pytest.approx([2.0, 4.0])


class TestTaskWithoutAnswers:
    def calls_until_stopped(self, error: Exception, rows: int = 24, patience: float = 30) -> tuple[float, int]:
        """Ask for ``rows`` rows one after another; return the seconds and the number of calls."""
        time = Time()
        server = Server(time, lambda _: error)
        client = paced(server, time, Quota(), patience_seconds=patience)
        for number in range(rows):
            with pytest.raises(type(error)), client.answer(request(f"row {number}")):
                pass
        return time.now, len(server.asked_at)

    @pytest.mark.parametrize("error", [ThrottledError("Too many requests"), TransientError("500")])
    def test_all_rows_together_fail_within_about_the_patience_of_one_row(self, error: Exception) -> None:
        seconds, calls = self.calls_until_stopped(error)
        assert 30 <= seconds <= 80
        seconds_of_more_rows, calls_of_more_rows = self.calls_until_stopped(error, rows=500)
        assert seconds_of_more_rows <= 80
        assert calls_of_more_rows == pytest.approx(calls, abs=4)

    def test_the_error_says_what_happened_and_what_to_do(self) -> None:
        time = Time()
        server = Server(time, lambda _: ThrottledError("slow"))
        client = paced(server, time, Quota(), patience_seconds=30)
        with pytest.raises(ThrottledError):
            ask(client)
        with (
            pytest.raises(ThrottledError, match=r"(?s)No call .* for 30 s .*slow.*are stored.*quota for claude"),
            client.answer(request("another row")),
        ):
            pass

    def test_expired_credentials_are_renewed_and_not_waited_for(self) -> None:
        time = Time()
        server = Server(time, lambda _: ExpiredCredentialsError("ExpiredToken", to_do="Renew those of aws_other."))
        client = paced(server, time, Quota(), patience_seconds=1)
        for number in range(2):
            with pytest.raises(TransientError) as error, client.answer(request(f"row {number}")):
                pass
        assert error.value.to_do == "Renew those of aws_other."

    @pytest.mark.parametrize("kind", [TransientError, ExpiredCredentialsError])
    def test_the_error_keeps_the_code_and_the_advice_of_the_last_error(self, kind: type[ServiceError]) -> None:
        time = Time()
        error = with_code(kind("It broke.", to_do="Renew the credentials."), "ExpiredToken")
        client = paced(Server(time, lambda _: error), time, Quota(), patience_seconds=10)
        with pytest.raises(TransientError) as raised:
            ask(client)
        with pytest.raises(TransientError, match="No call") as raised, client.answer(request("another row")):
            pass
        assert raised.value.code == "ExpiredToken"
        assert raised.value.to_do.startswith("Renew the credentials.")

    def test_an_answer_to_any_row_gives_the_other_rows_new_patience(self) -> None:
        time = Time()
        throttled = [True]
        server = Server(time, lambda _: ThrottledError("slow") if throttled[0] else None)
        client = paced(server, time, Quota(), patience_seconds=30)
        with pytest.raises(ThrottledError):
            ask(client)
        throttled[0] = False
        with client.answer(request("another row")) as completion:
            assert completion.text == "text"
        throttled[0] = True
        with pytest.raises(ThrottledError, match="throttled one request"), client.answer(request("a third row")):
            pass

    def test_one_row_that_always_fails_does_not_stop_the_others(self) -> None:
        time = Time()
        server = Server(time, lambda n: TransientError("500") if n <= MAX_ATTEMPTS else None)
        client = paced(server, time, Quota(), patience_seconds=1)
        with pytest.raises(TransientError, match="500"):
            ask(client)
        with client.answer(request("another row")) as completion:
            assert completion.text == "text"

    def test_a_quota_per_day_stops_every_row_after_one_call(self) -> None:
        seconds, calls = self.calls_until_stopped(DailyQuotaError("Too many tokens per day"))
        assert (seconds, calls) == (0, 1)
