"""Ask Bedrock which endpoints of the use cases are billed by the hour now, but not for long: a page waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import lru_cache

from bedrock_distill.hooks.aws import FAIL_FAST_CONFIG
from bedrock_distill.hooks.bedrock import BedrockDistillHook, Throughput
from bedrock_distill.hooks.statuses import THROUGHPUT_STATUS, Progress
from bedrock_distill.ui.served_pages import clients_period, logged
from include.distill.cleanup.expiry import PROJECT_TAG
from include.distill.cleanup.ownership import is_standing
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError
from include.distill.cost.prices import load_prices
from include.distill.trend.overview import BilledEndpoint

PATIENCE_SECONDS = 1.2
_CALLS_AT_A_TIME = 8
Place = tuple[str, str | None]  # connection and Region
Listed = tuple[Throughput, dict[str, str]]


def billed_now(use_cases: Sequence[UseCase]) -> dict[str, list[BilledEndpoint] | None]:
    """
    Return the endpoints of each use case that are billed by the hour.

    For a use case whose account did not answer within :data:`PATIENCE_SECONDS`, or answered with an error, return
    ``None``. Each connection and Region is asked once.
    """
    places = list(dict.fromkeys(_place(use_case) for use_case in use_cases))
    pool = ThreadPoolExecutor(max_workers=max(1, len(places)), thread_name_prefix="billed-now")
    asked = {place: pool.submit(_list, place) for place in places}
    wait(asked.values(), timeout=PATIENCE_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    listed = {place: _answer(future, place) for place, future in asked.items()}
    return {use_case.name: _endpoints(use_case, listed[_place(use_case)]) for use_case in use_cases}


def prepare_bedrock(use_case: UseCase) -> None:
    """Create the client that :func:`billed_now` uses. Bedrock is not asked."""
    _hook(*_place(use_case), clients_period()).client("bedrock")


def _place(use_case: UseCase) -> Place:
    return use_case.aws.conn_id, use_case.aws.region


def _answer(future: Future[list[Listed]], place: Place) -> list[Listed] | None:
    """Return what Bedrock has answered; ``None`` if it has not answered yet, or with an error, which is logged."""
    if not future.done() or future.cancelled():
        return None
    error = future.exception()
    if isinstance(error, Exception):
        logged(error, f"the endpoints of connection {place[0]} in {place[1]}")
        return None
    return future.result()


def _list(place: Place) -> list[Listed]:
    hook = _hook(*place, clients_period())
    throughputs = [one for one in hook.list_throughputs() if THROUGHPUT_STATUS.get(one.status) is not Progress.FAILED]
    with ThreadPoolExecutor(max_workers=_CALLS_AT_A_TIME) as pool:
        return list(zip(throughputs, pool.map(lambda one: _tags(hook, one.arn), throughputs), strict=True))


@lru_cache(maxsize=16)
def _hook(conn_id: str, region: str | None, period: int) -> BedrockDistillHook:
    return BedrockDistillHook(conn_id, region, config=FAIL_FAST_CONFIG)


def _tags(hook: BedrockDistillHook, arn: str) -> dict[str, str]:
    try:
        return hook.tags(arn)
    except NotFoundError:  # deleted after it was listed
        return {}


def _endpoints(use_case: UseCase, listed: list[Listed] | None) -> list[BilledEndpoint] | None:
    if listed is None:
        return None
    wanted = {"project": PROJECT_TAG, "environment": use_case.environment, "use-case": use_case.name}
    return [
        BilledEndpoint(one.name, one.created, _usd_per_hour(use_case, one.units), is_standing(tags))
        for one, tags in listed
        if wanted.items() <= tags.items()
    ]


def _usd_per_hour(use_case: UseCase, units: int) -> float | None:
    """Return the price of an endpoint, which serves a custom model of the use case's student."""
    prices = load_prices()
    if not prices.has(use_case.student, "throughput_per_hour"):
        return None
    return units * prices.price(use_case.student, "throughput_per_hour")
