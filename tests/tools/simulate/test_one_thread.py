"""Work for threads is done at once, and the waits before a call to a model move the virtual clock."""

from __future__ import annotations

import threading

import pytest
from boto3.s3 import inject

from include.distill.config.catalog import load_catalog
from include.distill.core.errors import ThrottledError
from include.distill.inference import client, fan_out
from include.distill.inference.rate_limits import Quota
from include.distill.inference.requests import Completion, ModelRequest
from tools.simulate.clock import VirtualClock
from tools.simulate.faults import KilledError
from tools.simulate.one_thread import SameThread, one_thread

MODEL = load_catalog().model("nova-lite")


def test_the_rows_of_a_task_are_processed_in_order_in_the_same_thread() -> None:
    with one_thread(VirtualClock()):
        threads = list(fan_out.for_each(range(3), lambda row: (row, threading.current_thread()), threads=2))
    assert threads == [(row, threading.main_thread()) for row in range(3)]


def test_a_killed_process_ends_all_work() -> None:
    def work(row: int) -> int:
        raise KilledError

    with one_thread(VirtualClock()), pytest.raises(KilledError):
        list(fan_out.for_each(range(3), work, threads=2))


def test_boto3_copies_an_object_without_threads() -> None:
    assert inject.TransferConfig().use_threads
    with one_thread(VirtualClock()):
        assert not inject.TransferConfig().use_threads


def test_an_error_is_raised_when_the_result_is_read() -> None:
    with pytest.raises(ZeroDivisionError):
        SameThread().submit(lambda: 1 // 0).result()


def test_a_throttled_call_is_repeated_later_on_the_virtual_clock() -> None:
    asked_at: list[float] = []
    clock = VirtualClock()

    class Server:
        def ask(self, request: ModelRequest) -> Completion:
            asked_at.append(clock.now)
            if len(asked_at) == 1:
                raise ThrottledError("Throttled.")
            return Completion("an answer", "end_turn", 1, 1, simulated=True)

    asked = ModelRequest(MODEL, MODEL.inference_id, MODEL.inference_id, "a question", 100)
    with one_thread(clock), vars(client)["PacedClient"](Server(), Quota(), concurrency=1).answer(asked) as answer:
        assert answer.text == "an answer"
    assert asked_at[1] > asked_at[0]
