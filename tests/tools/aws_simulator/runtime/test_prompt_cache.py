"""Prefixes of prompts are cached for five minutes or an hour after their last use."""

from __future__ import annotations

import pytest

from tools.aws_simulator.catalog.catalog import PromptCache
from tools.aws_simulator.models.dialogue import CacheUse
from tools.aws_simulator.runtime.prompt_cache import Block, Checkpoint, PromptCaches, prefixes

LIMITS = PromptCache(minimum_tokens=100, ttls=("5m", "1h"))
SYSTEM = Block("system", {"text": "Long instructions"}, 150)
FIRST = Block("messages", {"text": "First question"}, 20)
SECOND = Block("messages", {"text": "Second question"}, 30)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_repeated_prefix_is_written_once_and_then_read() -> None:
    caches = PromptCaches(Clock())
    assert caches.use("r m", prefixes([SYSTEM, Checkpoint("system"), FIRST]), LIMITS) == CacheUse(0, 150, 0)
    assert caches.use("r m", prefixes([SYSTEM, Checkpoint("system"), SECOND]), LIMITS) == CacheUse(150, 0, 0)


def test_a_longer_conversation_reads_the_older_prefix_and_writes_the_rest() -> None:
    caches = PromptCaches(Clock())
    caches.use("r m", prefixes([SYSTEM, FIRST, Checkpoint("messages")]), LIMITS)
    longer = prefixes([SYSTEM, FIRST, SECOND, Checkpoint("messages")])
    assert caches.use("r m", longer, LIMITS) == CacheUse(170, 30, 0)


@pytest.mark.parametrize(
    ("scope", "first"),
    [
        pytest.param("other model", SYSTEM, id="another model"),
        pytest.param("r m", Block("system", {"text": "Other instructions"}, 150), id="another text"),
        pytest.param("r m", Block("tools", {"text": "Long instructions"}, 150), id="another place"),
    ],
)
def test_another_prefix_is_not_found(scope: str, first: Block) -> None:
    caches = PromptCaches(Clock())
    caches.use("r m", prefixes([SYSTEM, Checkpoint("system")]), LIMITS)
    assert caches.use(scope, prefixes([first, Checkpoint("system")]), LIMITS).read == 0


def test_a_short_prefix_is_not_cached() -> None:
    caches = PromptCaches(Clock())
    short = prefixes([FIRST, Checkpoint("messages"), SECOND])
    assert [caches.use("r m", short, LIMITS) for _ in range(2)] == [CacheUse()] * 2


@pytest.mark.parametrize(
    ("ttl", "written", "seconds"), [("5m", CacheUse(0, 150, 0), 300), ("1h", CacheUse(0, 0, 150), 3600)]
)
def test_a_prefix_ends_some_time_after_its_last_use(ttl: str, written: CacheUse, seconds: float) -> None:
    clock = Clock()
    caches = PromptCaches(clock)
    request = prefixes([SYSTEM, Checkpoint("system", ttl)])  # type: ignore[arg-type]
    assert caches.use("r m", request, LIMITS) == written
    for _ in range(2):  # each use restarts the time
        clock.now += seconds - 1
        assert caches.use("r m", request, LIMITS).read == 150
    clock.now += seconds + 1
    assert caches.use("r m", request, LIMITS) == written


def test_each_checkpoint_has_its_own_time() -> None:
    request = prefixes([SYSTEM, Checkpoint("system", "1h"), FIRST, Checkpoint("messages")])
    assert PromptCaches(Clock()).use("r m", request, LIMITS) == CacheUse(0, 20, 150)


def test_a_request_without_checkpoints_uses_no_cache() -> None:
    assert PromptCaches(Clock()).use("r m", (), LIMITS) == CacheUse()


def test_bytes_are_part_of_a_prefix() -> None:
    first, second = (prefixes([Block("messages", {"bytes": data}, 5), Checkpoint("messages")]) for data in (b"a", b"b"))
    assert first[0].digest != second[0].digest
