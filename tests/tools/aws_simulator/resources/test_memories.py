from __future__ import annotations

from pathlib import Path

from tools.aws_simulator.account.state import State
from tools.aws_simulator.models.examples import TrainingExample
from tools.aws_simulator.models.memory import Memory
from tools.aws_simulator.resources.memories import Memories


def test_a_memory_survives_a_restart(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db")
    Memories(state).store("arn:1", Memory([TrainingExample("", "Ja?", "Yes.")], [0.5, 0.5]))
    Memories(state).store("arn:2", None)
    state.close()
    state = State(tmp_path / "state.db")
    memories = Memories(state)
    loaded = memories.load("arn:1")
    assert loaded is not None
    assert (loaded.answer("", "", "ja?"), loaded.mixture) == ("Yes.", (0.5, 0.5))
    assert memories.load("arn:1") is loaded
    assert memories.load("arn:2") is None
    state.close()


def test_only_a_few_memories_are_kept_loaded(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db")
    memories = Memories(state)
    for number in range(6):
        memories.store(f"arn:{number}", Memory([TrainingExample("", "Ja?", f"Yes {number}.")], [1.0]))
    first = memories.load("arn:0")
    assert [memories.load(f"arn:{number}") is not None for number in range(6)] == [True] * 6
    assert memories.load("arn:0") is not first
    state.close()
