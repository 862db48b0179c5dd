from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from tests.fakes.night import main

CONCURRENCY = 8
ROWS = 120


def start(folder: Path, answers: float) -> subprocess.Popen[str]:
    given = [str(folder), str(ROWS), "night-1", str(CONCURRENCY), str(answers)]
    command = [sys.executable, "-m", "tests.fakes.night", *given]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> int:
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return int(json.loads(said))


def bill(folder: Path) -> list[str]:
    path = folder / "bill"
    return path.read_text().splitlines() if path.exists() else []


def test_killed_at_half_and_run_again_only_what_was_under_way_is_paid_twice(tmp_path: Path) -> None:
    process = start(tmp_path, answers=ROWS // 2)
    while len(bill(tmp_path)) < ROWS // 2:
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    paid = len(bill(tmp_path))
    assert ROWS // 2 <= paid < ROWS
    assert finish(start(tmp_path, answers=math.inf)) > 0
    asked = Counter(bill(tmp_path))
    assert len(asked) == ROWS
    assert sum(times - 1 for times in asked.values()) <= CONCURRENCY


def test_the_next_night_asks_only_about_the_new_rows(tmp_path: Path) -> None:
    (tmp_path / "objects").mkdir()
    main(tmp_path, 20, "night-1", CONCURRENCY)
    first = bill(tmp_path)
    main(tmp_path, 30, "night-2", CONCURRENCY)
    assert len(first) == 20
    assert sorted(bill(tmp_path)[20:]) == sorted(f"What is number {number}?" for number in range(20, 30))
