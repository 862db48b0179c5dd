"""A schedule that once ended badly ends well."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tools.simulate.conftest import opened
from tools.simulate.__main__ import REPLAYS
from tools.simulate.all_parts import PARTS
from tools.simulate.search import judge, load_replay


@pytest.mark.parametrize("path", sorted(REPLAYS.glob("*.json")), ids=lambda path: path.stem)
def test_a_defect_that_was_corrected_stays_corrected(path: Path, tmp_path: Path) -> None:
    name, schedule = load_replay(path)
    part = next(one for one in PARTS if one.name == name)
    with contextmanager(opened)(tmp_path, part) as world:
        assert judge(world, schedule)[0] == []
