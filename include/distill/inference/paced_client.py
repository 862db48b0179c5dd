"""
Call a model at the rate that its quota allows, and retry calls that were throttled or failed temporarily.

No retry library is used, because ``rate_limits.py`` must count every retry against the quota.
"""

from __future__ import annotations

import copy
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from include.distill.core.errors import (
    FAILED_TASK,
    ContractError,
    ExpiredCredentialsError,
    ModelNotReadyError,
    PossiblyBilledError,
    ServiceError,
    ThrottledError,
    TransientError,
    UnreadableAnswerError,
)
from include.distill.inference.call_progress import CallProgress
from include.distill.inference.lost_calls import MAX_SENT, LostCalls
from include.distill.inference.rate_limits import MAX_PAUSE_SECONDS, Quota, RateLimiter, TokenEstimator, Wait
from include.distill.inference.requests import Completion, ModelClient, ModelRequest

MAX_ATTEMPTS = 6
# One lost answer may be due to a single slow request. If a second answer is lost with no answer in between, the cause
# probably affects all requests.
MAX_GIVEN_UP = 2


class PacedClient:
    """
    Send calls through another client at the rate that a quota allows. Retry throttled calls and temporary failures.

    One instance serves all threads of a task for one model. The other client must not retry throttled calls itself,
    because its retries would not be counted against the quota.

    :param client: the other client, which sends the calls.
    :param quota: the task's share of the model's quota.
    :param concurrency: maximum number of calls in flight. A call is in flight until the ``with`` block of
        :meth:`answer` ends.
    :param patience_seconds: how long one request may be throttled, and how long all requests together may fail without
        a single answer, before an error is raised.
    :param lost_calls: records the calls whose answer did not arrive; ``None`` if the calls are not billed one by one.
    :param progress: counts the calls that are answered or fail.
    """

    def __init__(
        self,
        client: ModelClient,
        quota: Quota,
        *,
        concurrency: int,
        patience_seconds: float = 300.0,
        lost_calls: LostCalls | None = None,
        progress: CallProgress | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Wait = threading.Condition.wait,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._limiter = RateLimiter(quota, concurrency, clock=clock, wait=wait)
        self._estimate = TokenEstimator()
        self._patience_seconds = patience_seconds
        self._lost_calls = lost_calls
        self._progress = progress or CallProgress()
        self._clock = clock
        self._sleep = sleep

    def with_client(self, client: ModelClient) -> PacedClient:
        """Return a paced client that sends its calls through ``client`` and shares this client's quota and queue."""
        sibling = copy.copy(self)
        sibling._client = client
        return sibling

    @contextmanager
    def answer(self, request: ModelRequest) -> Iterator[Completion]:
        """
        Wait until the quota allows a call, send ``request`` and yield the answer.

        The call counts as in flight until the ``with`` block ends, and at most ``concurrency`` calls are in flight. If
        the block stores the answer, a killed task therefore loses at most ``concurrency`` answers.

        :raises ThrottledError: the request was throttled for longer than ``patience_seconds``. It was not billed.
        :raises PossiblyBilledError: the request was sent, but its answer was lost ``MAX_SENT`` times. If calls are not
            billed one by one, a :class:`TransientError` is raised instead, because a retry of the task costs nothing.
        :raises UnreadableAnswerError: the answer has an unknown format. The call was billed.
        :raises TransientError: the call failed ``MAX_ATTEMPTS`` times. The error is also raised if the endpoint was
            not ready for ``patience_seconds``, or if it answered no request of the task for that time.
        """
        started_at, failures, lost, throttled = self._clock(), 0, 0, 0
        if self._lost_calls:
            self._lost_calls.require_attempt_left(request)
            lost = self._lost_calls.count(request)
        while True:
            try:
                completion = self._ask_once(request)
                break
            except ThrottledError as error:
                throttled += 1
                self._stop_without_answers(request, error)
                if self._clock() - started_at >= self._patience_seconds:
                    raise _out_of_patience(request, throttled, self._clock() - started_at, error) from error
            except PossiblyBilledError as error:
                lost += 1
                if lost >= MAX_SENT:
                    self._stop_if_answers_are_lost(request, error)
                    given_up = self._lost_calls.given_up(request) if self._lost_calls else None
                    silent = given_up or _endpoint_silent(request, lost)
                    silent.code = error.code
                    raise silent from error
                self._stop_without_answers(request, error)
                self._pause(lost)
            except UnreadableAnswerError as error:
                self._stop_if_answers_are_lost(request, error)
                raise
            except TransientError as error:
                failures += 1
                if self._has_failed_for_good(error, failures, started_at):
                    raise _failed(request, failures, error) from error
                self._stop_without_answers(request, error)
                self._pause(failures)
        try:
            yield completion
        finally:
            self._limiter.end_call()

    def _has_failed_for_good(self, error: TransientError, failures: int, started_at: float) -> bool:
        """Return whether to stop retrying a request. If the endpoint is not ready, stop after ``patience_seconds``."""
        if isinstance(error, ModelNotReadyError):
            return self._clock() - started_at >= self._patience_seconds
        return failures >= MAX_ATTEMPTS

    def _stop_without_answers(self, request: ModelRequest, error: ServiceError) -> None:
        """
        Raise an error, and stop all later calls, if no call has been answered for ``patience_seconds``.

        Without this limit, the waiting rows would each retry for ``patience_seconds``, one after another.
        """
        if error is self._limiter.stopped_by:
            raise error
        if not self._limiter.fails_for_every_request(self._patience_seconds):
            return
        kind: type[ServiceError] = TransientError
        to_do = _advice_on_failures(error)
        if isinstance(error, ThrottledError):
            kind, to_do = ThrottledError, _advice_on_throttling(request)
        message = (
            f"No call to {request.invoke_id} has been answered for {self._patience_seconds:.0f} s"
            f" (fan_out.patience_seconds), so this task sends no further calls. The last error: {error.happened}"
        )
        stop = kind(
            message,
            left="All answers so far are stored.",
            to_do=to_do,
            then_clear=FAILED_TASK,
            effect="requests the missing answers",
        )
        stop.code = error.code
        self._limiter.stop(stop)
        raise stop from error

    def _stop_if_answers_are_lost(self, request: ModelRequest, error: ServiceError) -> None:
        """Stop all later calls if two requests are given up and no call is answered in between.

        Without this limit, all requests would be sent ``MAX_SENT`` times, and AWS may bill each of these calls.
        """
        if self._limiter.give_up(request.key) < MAX_GIVEN_UP or self._limiter.stopped_by:
            return
        kind = ContractError if isinstance(error, ContractError) else TransientError
        cost = "The endpoint is billed by the hour and not by call."
        if self._lost_calls:
            cost = (
                "AWS may bill each call that was sent; the report counts them as billed. A retry of the task sends each"
                f" request at most {MAX_SENT} times in all."
            )
        message = (
            f"The answers of {request.invoke_id} to {MAX_GIVEN_UP} requests were lost or unreadable, and no other"
            f" request was answered in between, so this task sends no further calls. The last error: {error.happened}"
        )
        stop = kind(
            message,
            left="All answers so far are stored.",
            billed=cost,
            to_do=(
                error.to_do
                if isinstance(error, ContractError)
                else "Check the model's status in AWS Health, and the network timeouts, or reduce max_tokens."
            ),
            then_clear=FAILED_TASK,
            effect="requests the missing answers",
        )
        stop.code = error.code
        self._limiter.stop(stop)

    def _pause(self, failures: int) -> None:
        self._sleep(random.uniform(0.5, 1.0) * min(2.0**failures, MAX_PAUSE_SECONDS))

    def _ask_once(self, request: ModelRequest) -> Completion:
        """
        Send the request once.

        After an answer, the call still counts as in flight until the caller calls ``end_call`` of the limiter. After
        a failure, this method calls ``end_call`` itself.
        """
        reserved = self._estimate.estimate(request)
        sent_at = self._limiter.acquire(reserved)
        try:
            completion = self._client.ask(request)
        except BaseException as error:
            # An answer that was lost or has an unknown format uses the quota too, but its token usage is not known.
            is_free = isinstance(error, ServiceError) and not isinstance(error, ContractError | PossiblyBilledError)
            service_error = error if isinstance(error, ServiceError) else None
            if service_error:
                self._progress.record_failure(service_error)
                self._progress.model_calls.add_rejected(request, service_error)
            try:
                if isinstance(error, PossiblyBilledError | UnreadableAnswerError):
                    self._record_lost(request, error)
            finally:
                unused = reserved if is_free else 0.0
                self._limiter.record_error(request.key, sent_at, service_error, unused_tokens=unused)
                self._limiter.end_call()
            raise
        self._progress.record_success()
        self._progress.model_calls.add_answer(request, completion)
        self._estimate.update(request, completion)
        used = completion.input_tokens + completion.output_tokens * request.model.output_burndown
        self._limiter.record_answer(sent_at, unused_tokens=reserved - used)
        return completion

    def _record_lost(self, request: ModelRequest, error: ServiceError) -> None:
        """Record a call whose answer is lost. If the record cannot be stored, stop all later calls."""
        if not self._lost_calls:
            return
        try:
            self._lost_calls.add(request)
        except ServiceError as storage_error:
            message = (
                f"A call to {request.invoke_id} got no readable answer, and the record of this call could not be stored"
                f" ({storage_error.happened}), so this task sends no further calls. The call's error: {error.happened}"
            )
            stop = TransientError(
                message,
                left="All answers so far are stored.",
                billed="AWS may bill the call, but the report does not count it.",
                to_do="Correct the access to S3.",
                then_clear=FAILED_TASK,
            )
            self._limiter.stop(stop)
            raise stop from storage_error


def _endpoint_silent(request: ModelRequest, times: int) -> TransientError:
    """Return the error for a request that was sent ``times`` times and never answered by the run's endpoint."""
    message = (
        f"{request.invoke_id} did not answer a request for up to {request.max_tokens:,} tokens. The request was sent"
        f" {times} times, and the answer did not arrive."
    )
    return TransientError(
        message,
        left="All other answers are stored.",
        billed="The endpoint is billed by the hour and not by call.",
        to_do="Check the endpoint's latency in CloudWatch, or reduce max_tokens.",
        then_clear=FAILED_TASK,
        effect="sends the request again",
    )


def _out_of_patience(request: ModelRequest, times: int, seconds: float, error: ThrottledError) -> ThrottledError:
    message = (
        f"Bedrock throttled one request to {request.invoke_id} for {seconds:.0f} s (attempts: {times})."
        f" Bedrock's message: {error.happened}"
    )
    throttled = ThrottledError(
        message,
        left="All answers so far are stored.",
        billed="The request was not billed.",
        to_do=_advice_on_throttling(request),
        then_clear=FAILED_TASK,
    )
    throttled.code = error.code
    return throttled


def _failed(request: ModelRequest, times: int, error: TransientError) -> TransientError:
    failed = type(error)(
        f"{request.invoke_id} did not answer one request (attempts: {times}). The last error: {error.happened}",
        left="All answers so far are stored.",
        to_do=_advice_on_failures(error),
    )
    failed.code = error.code
    return failed


def _advice_on_failures(error: ServiceError) -> str:
    """Return what to do if AWS cannot be reached or fails."""
    if isinstance(error, ExpiredCredentialsError):
        return error.to_do
    advice = "Look for the model and its Region in AWS Health, and wait until the model answers again."
    return f"{error.to_do} {advice}".lstrip()


def _advice_on_throttling(request: ModelRequest) -> str:
    """Return what to do about a model that is throttled for longer than ``patience_seconds``."""
    if not request.is_on_demand:
        return (
            "The endpoint cannot answer this many calls at once. In the use case, lower fan_out.concurrency to send"
            " fewer calls, or raise serving.model_units to serve more. Then clear preflight with downstream. Otherwise,"
            " wait some minutes."
        )
    if request.is_deployed:
        return (
            f"The quota for deployments of {request.model.key} is too low for these calls, or other callers use it up."
            ' The console of Service Quotas shows this quota under Amazon Bedrock: "on demand custom model deployment'
            ' requests per minute" and "on demand custom model deployment tokens per minute". To serve the model by'
            " provisioned throughput instead, which is billed by the hour, set serving.mode to provisioned in the use"
            " case, and clear preflight with downstream. Otherwise, ask for a higher quota, or wait until the other"
            " callers have finished."
        )
    return (
        f"The account's quota for {request.model.key} is too low for these calls, or other callers use it up. The"
        ' console of Service Quotas shows this quota under Amazon Bedrock: "model inference requests per minute" and'
        ' "model inference tokens per minute". To stay below the quota, enter its value under `quotas` in the use case,'
        " and clear preflight with downstream. Otherwise, ask for a higher quota, or wait until the other callers"
        " have finished."
    )
