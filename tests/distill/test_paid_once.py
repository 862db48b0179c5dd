from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from tests.fakes.synthesis_run import main

CONCURRENCY = 8
ROWS = 120


def start(folder: Path, answers: float) -> subprocess.Popen[str]:
    arguments = [str(folder), str(ROWS), "run-1", str(CONCURRENCY), str(answers)]
    command = [sys.executable, "-m", "tests.fakes.synthesis_run", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> int:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return int(json.loads(output))


def bill(folder: Path) -> list[str]:
    path = folder / "bill"
    return path.read_text().splitlines() if path.exists() else []


def test_a_task_killed_halfway_pays_again_only_for_answers_that_were_not_stored_yet(tmp_path: Path) -> None:
    process = start(tmp_path, answers=ROWS // 2)
    while len(bill(tmp_path)) < ROWS // 2:
        assert process.poll() is None, "the task ended before it was killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    paid_calls = len(bill(tmp_path))
    assert ROWS // 2 <= paid_calls < ROWS
    assert finish(start(tmp_path, answers=math.inf)) > 0
    calls_by_question = Counter(bill(tmp_path))
    assert len(calls_by_question) == ROWS
    assert sum(calls - 1 for calls in calls_by_question.values()) <= CONCURRENCY


def test_the_next_run_sends_requests_only_for_new_rows(tmp_path: Path) -> None:
    (tmp_path / "objects").mkdir()
    main(tmp_path, 20, "run-1", CONCURRENCY)
    first = bill(tmp_path)
    main(tmp_path, 30, "run-2", CONCURRENCY)
    assert len(first) == 20
    assert sorted(bill(tmp_path)[20:]) == sorted(f"What is number {number}?" for number in range(20, 30))
