"""
Store what custom models remember of their training files, so that it survives a restart.

A memory can be large, and every list of custom models reads the records of all models. So a model's memory is not part
of its record. It is loaded only when it is needed, and the last few memories are kept loaded.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from tools.aws_simulator.account.state import State
from tools.aws_simulator.models.memory import Memory

_KEPT = 4  # loaded memories


class Memories:
    """The memories of the custom models, by the ARN of the model."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._loaded: OrderedDict[str, Memory | None] = OrderedDict()
        self._lock = threading.Lock()

    def store(self, arn: str, memory: Memory | None) -> None:
        """Store a model's memory. If ``memory`` is None, the model remembers nothing, and nothing is stored."""
        if memory is not None:
            self._state.store(_name(arn), memory.to_json())

    def load(self, arn: str) -> Memory | None:
        """Return a model's memory; None if the model remembers nothing."""
        with self._lock:
            if arn not in self._loaded:
                stored = self._state.load(_name(arn), None)
                self._loaded[arn] = None if stored is None else Memory.from_json(stored)
            self._loaded.move_to_end(arn)
            if len(self._loaded) > _KEPT:
                self._loaded.popitem(last=False)
            return self._loaded[arn]


def _name(arn: str) -> str:
    return f"memory of {arn}"
