"""Measure how the time of reading grows with the size of an input. Twice the input may take 2.5 times as long."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from tools.fuzz.targets import TARGETS

MAX_RATIO = 2.5
# Other programs on the machine only slow a measurement down, so the smallest time of several counts for both sizes.
_ATTEMPTS = 3
_MOST_ATTEMPTS = 12  # a ratio above the limit is measured this often before it counts
_LEAST_SECONDS = 0.2  # shorter times depend more on chance than on the size
_MOST_DOUBLINGS = 12


@dataclass(frozen=True)
class Shape:
    """
    Inputs of one shape.

    :param make: returns an input with about ``size`` repeated parts.
    :param largest: size at which the shape ends, because the reader refuses larger inputs.
    """

    target: str
    name: str
    make: Callable[[int], bytes]
    largest: int = 2**30


@dataclass(frozen=True)
class Growth:
    """How the time grew: ``seconds`` for ``size`` parts, and how many times as long for twice as many."""

    shape: str
    size: int
    seconds: float
    ratio: float

    @property
    def is_linear(self) -> bool:
        """Whether the time grew in proportion to the size."""
        return self.ratio <= MAX_RATIO


_HEADER = b"document,question,answer\n"
_PAIR = json.dumps({"question": "Why?", "answer": 'It "is" so.', "topic": "t"}).encode() + b"\n"
_SCORED = {"inputRecord": {"prompt": "x"}, "automatedEvaluationResult": {"scores": [{"metricName": "x", "result": 1}]}}

SHAPES = (
    Shape("csv", "rows", lambda size: _HEADER + b"".join(
        b"Text %d.,Why %d?,So %d.\n" % (n, n, n) for n in range(size))),
    Shape("csv", "an open quote", lambda size: _HEADER + b'"' + b"Text.,Why?,So.\n" * size),
    Shape("csv", "quotes", lambda size: _HEADER + b'"A ""b"".",Why?,"So, ""c""."\n' * size),
    Shape("csv", "wrong numbers of fields", lambda size: _HEADER + b"Text, with commas, in it.,Why?,So.\n" * size),
    Shape("ingest", "rows", lambda size: _HEADER + b"".join(
        b"Text %d of %d.,Why %d?,So %d.\n" % (n, n * n, n, n) for n in range(size))),
    Shape("teacher", "pairs", lambda size: _PAIR * size),
    Shape("teacher", "open braces", lambda size: b'{"a":' * size),
    Shape("teacher", "broken objects", lambda size: b'{"question": "Why? {"' * size),
    Shape("teacher", "white space", lambda size: b'{ "question":' + b" " * size * 10 + b"}"),
    Shape("verdict", "objects", lambda size: b'{"reason": "x"}\n' * size + b'{"reason": "x", "verdict": "A"}'),
    Shape("verdict", "open braces", lambda size: b'{"\n' * size + b'"verdict": "A"'),
    Shape("verdict", "white space", lambda size: b"\n \t" * size + b'{"reason": "x", "verdict": "A"}'),
    Shape("verdict", "escapes", lambda size: b'{"reason": "' + b"\\d" * size + b'", "verdict": "A"}'),
    Shape("reply", "blocks", lambda size: json.dumps(
        {"content": [{"type": "text", "text": "x"}] * size, "stop_reason": "s",
         "usage": {"input_tokens": 1, "output_tokens": 1}}).encode()),
    Shape("batch", "lines", lambda size: b'{"recordId": "other"}\n' * size),
    Shape("evaluation", "lines", lambda size: json.dumps(_SCORED).encode().join([b"\n"] * size)),
    Shape("workers", "lines", lambda size: b'{"humanEvaluationResult": []}\n' * size),
    Shape("losses", "steps", lambda size: b"step_number,training_loss\n" + b"".join(
        b"%d,1.5\n" % n for n in range(size)), largest=50_000),
    Shape("use_case", "keys", lambda size: b"".join(b"key_%d: [a, b]\n" % n for n in range(size)), largest=5_000),
    Shape("use_case", "braces", lambda size: b"name: " + b"[" * size, largest=40_000),
)  # fmt: skip


def measure(shape: Shape, seconds: Callable[[bytes], float] | None = None) -> Growth:
    """
    Double the size of an input until reading takes long enough to be measured, and compare the last two sizes.

    :param seconds: returns the time of reading an input; by default, the processor time of the shape's target.
    """
    timed = seconds or _reader_time(shape.target)
    size = 64
    before = timed(shape.make(size))
    for _ in range(_MOST_DOUBLINGS):
        if before >= _LEAST_SECONDS or size * 4 > shape.largest:
            break
        size *= 2
        before = timed(shape.make(size))
    small, large = shape.make(size), shape.make(size * 2)
    before = after = float("inf")
    for attempt in range(1, _MOST_ATTEMPTS + 1):
        # Two small inputs take as long as the large one, so a short undisturbed moment favors neither of them.
        before = min(before, (timed(small) + timed(small)) / 2)
        after = min(after, timed(large))
        if attempt >= _ATTEMPTS and after <= MAX_RATIO * before:
            break
    return Growth(f"{shape.target}: {shape.name}", size, round(before, 3), round(after / max(before, 1e-9), 2))


def _reader_time(target: str) -> Callable[[bytes], float]:
    read = TARGETS[target].read

    def timed(data: bytes) -> float:
        # A collection also visits all other objects of the process, and it is chance which reading triggers it.
        gc.collect()
        gc.disable()
        start = time.process_time()
        try:
            read(data)
            return time.process_time() - start
        finally:
            gc.enable()

    return timed
