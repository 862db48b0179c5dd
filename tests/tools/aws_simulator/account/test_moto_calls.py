from __future__ import annotations

import asyncio
import threading

from tools.aws_simulator.account.moto_calls import MotoThread, ask_moto


def test_all_calls_run_in_one_thread() -> None:
    moto = MotoThread()

    async def names() -> set[str]:
        return set(await asyncio.gather(*(moto.run(lambda: threading.current_thread().name) for _ in range(20))))

    assert len(asyncio.run(names())) == 1
    moto.close()


def test_arguments_and_results_are_passed_on() -> None:
    moto = MotoThread()
    assert asyncio.run(moto.run(sorted, [2, 3, 1], reverse=True)) == [3, 2, 1]
    moto.close()


def test_the_request_and_the_answer() -> None:
    seen = []

    def dispatch(request: object, url: str, headers: dict[str, str]) -> tuple[int, dict[str, object], str]:
        seen.append((url, headers["X-A"]))
        return 201, {"Content-Length": 3}, "abc"

    answer = ask_moto(dispatch, "PUT", "/b/k%20ey", "a=1", {"host": "localhost:1", "x-a": "b"}, b"body")
    assert answer == (201, {"content-length": "3"}, "abc")
    assert seen == [("http://localhost:1/b/k%20ey?a=1", "b")]
