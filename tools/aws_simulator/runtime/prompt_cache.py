"""
Cache the prefixes of prompts, as Bedrock does for requests with cache checkpoints.

A prefix is cached if it has at least the number of tokens that the model requires. It is kept for five minutes or an
hour after its last use. A checkpoint also finds a prefix whose end is at most 20 blocks before the checkpoint. The
cache is in memory, so a restart empties it. https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tools.aws_simulator.catalog.catalog import CacheTtl, PromptCache
from tools.aws_simulator.models.dialogue import CacheUse

SECONDS: dict[CacheTtl, float] = {"5m": 300, "1h": 3600}
_LOOKBACK = 20


@dataclass(frozen=True)
class Block:
    """A block of a request, in the order tools, system, messages. ``value`` is the block as it is in the request."""

    field: str
    value: Any
    tokens: int


@dataclass(frozen=True)
class Checkpoint:
    """A mark after a block: the prefix up to here is to be cached."""

    field: str
    ttl: CacheTtl = "5m"


@dataclass(frozen=True)
class Prefix:
    """The beginning of a request up to the end of a block. ``ttl`` is None if there is no checkpoint at its end."""

    field: str
    digest: str
    tokens: int
    ttl: CacheTtl | None = None


def prefixes(blocks: Iterable[Block | Checkpoint]) -> tuple[Prefix, ...]:
    """Return the prefixes of a request that has at least one checkpoint."""
    digest, tokens = hashlib.sha256(), 0
    found: list[Prefix] = []
    for block in blocks:
        if isinstance(block, Block):
            content = json.dumps(block.value, sort_keys=True, default=lambda data: hashlib.sha256(data).hexdigest())
            digest.update(f"{block.field}\n{content}\n".encode(errors="replace"))
            tokens += block.tokens
            found.append(Prefix(block.field, digest.hexdigest(), tokens))
        else:
            found[-1:] = [Prefix(block.field, digest.hexdigest(), tokens, block.ttl)]
    return tuple(found)


class PromptCaches:
    """
    The cached prefixes of all models. Not thread-safe: use them only from the event loop.

    :param clock: returns monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends: dict[tuple[str, str], tuple[float, CacheTtl]] = {}

    def use(self, scope: str, request: Sequence[Prefix], limits: PromptCache) -> CacheUse:
        """
        Read the longest cached prefix of a request, and write the longer ones that have a checkpoint.

        :param scope: the Region and the model that own the cached prefixes.
        """
        now = self._clock()
        self._ends = {key: entry for key, entry in self._ends.items() if entry[0] > now}
        marked = [number for number, prefix in enumerate(request) if prefix.ttl]
        usable = [number for number in marked if request[number].tokens >= limits.minimum_tokens]
        read = max((self._found(scope, request, number) for number in usable), default=0)
        written = {"5m": 0, "1h": 0}
        before = read
        for number in usable:
            prefix = request[number]
            ttl = prefix.ttl or "5m"
            self._ends[scope, prefix.digest] = (now + SECONDS[ttl], ttl)
            written[ttl] += max(0, prefix.tokens - before)
            before = max(before, prefix.tokens)
        return CacheUse(read, written["5m"], written["1h"])

    def _found(self, scope: str, request: Sequence[Prefix], checkpoint: int) -> int:
        """Return the tokens of the longest cached prefix that a checkpoint finds, and restart its lifetime."""
        for prefix in reversed(request[max(0, checkpoint - _LOOKBACK) : checkpoint + 1]):
            if entry := self._ends.get((scope, prefix.digest)):
                self._ends[scope, prefix.digest] = (self._clock() + SECONDS[entry[1]], entry[1])
                return prefix.tokens
        return 0
