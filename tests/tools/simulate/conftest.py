"""Open a simulated installation for the tests of a module. Its first state is computed only once per process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from tools.simulate.environment import variables
from tools.simulate.parts import TRAINING, Part
from tools.simulate.record import FirstState
from tools.simulate.world import World, open_world

FIRST: dict[str, FirstState] = {}


def opened(folder: Path, part: Part, *, keeps_ends: bool = True) -> Iterator[World]:
    """
    Open an installation.

    :param keeps_ends: whether a process runs only once from the same state. A test that changes the code of the
        pipeline must do so inside ``world.worker.remembering()``.
    """
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in variables(folder).items():
            monkeypatch.setenv(name, value)
        with open_world(folder, part, FIRST.get(part.name)) as world:
            FIRST[part.name] = world.first
            with world.worker.remembering() if keeps_ends else nullcontext():
                yield world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation whose schedules train a model."""
    yield from opened(tmp_path_factory.mktemp("training"), TRAINING, keeps_ends=False)
