"""
Let the work that the pipeline gives to threads run at once, in the thread of the simulation.

So a schedule always makes the same calls in the same order. At most one call of a task is in flight.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager, nullcontext
from typing import ParamSpec, TypeVar
from unittest.mock import patch

from bedrock_distill.operators import smoke
from bedrock_distill.run import model_task
from include.distill.cost import paid_answers
from include.distill.history import months
from include.distill.inference import client, fan_out
from include.distill.inference.paced_client import PacedClient
from tools.simulate.clock import VirtualClock

P = ParamSpec("P")
ReturnT = TypeVar("ReturnT")


class SameThread(Executor):
    """An executor without threads. It runs the work when it is submitted."""

    def __init__(self, max_workers: int | None = None) -> None:
        del max_workers

    def submit(self, fn: Callable[P, ReturnT], /, *args: P.args, **kwargs: P.kwargs) -> Future[ReturnT]:
        """Run the work, and return its result."""
        done: Future[ReturnT] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # a killed process too, as a thread pool would pass it on
            done.set_exception(error)
        return done


async def _at_once(function: Callable[P, ReturnT], /, *args: P.args, **kwargs: P.kwargs) -> ReturnT:
    return function(*args, **kwargs)


@contextmanager
def one_thread(clock: VirtualClock) -> Iterator[None]:
    """
    Inside the block, nothing of a task runs in another thread, and the waits before model calls move the clock.

    ``boto3`` copies an object of S3 in threads, unless it is told otherwise. The progress of a task is not stored,
    because the pipeline stores it in a thread, every few seconds of real time.
    """
    from boto3.s3 import inject
    from boto3.s3.transfer import TransferConfig

    def wait(condition: threading.Condition, seconds: float | None) -> None:
        del condition
        with clock.guard():
            if seconds is None:
                raise RuntimeError("A task waits for another thread, which a simulation with one thread does not have.")
            clock.sleep(seconds)

    paced = functools.partial(PacedClient, clock=clock.time, wait=wait, sleep=clock.sleep)
    with ExitStack() as stack:
        for module in (fan_out, months, paid_answers):
            stack.enter_context(patch.object(module, "ThreadPoolExecutor", SameThread))
        for module in (client, smoke):
            stack.enter_context(patch.object(module, "PacedClient", paced))
        stack.enter_context(
            patch.object(inject, "TransferConfig", functools.partial(TransferConfig, use_threads=False))
        )
        stack.enter_context(patch.object(asyncio, "to_thread", _at_once))  # the AWS simulator answers in a thread
        stack.enter_context(patch.object(model_task, "recorded_progress", lambda writer: nullcontext()))
        yield
