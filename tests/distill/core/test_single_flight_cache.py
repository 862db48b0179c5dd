from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from include.distill.core.single_flight_cache import single_flight_cache


def test_a_value_is_computed_once_when_many_threads_request_it_at_the_same_time() -> None:
    computed: list[int] = []

    @single_flight_cache
    def twice(number: int) -> int:
        time.sleep(0.01)
        computed.append(number)
        return 2 * number

    with ThreadPoolExecutor(20) as pool:
        values = list(pool.map(twice, [1, 2] * 10))
    assert values == [2, 4] * 10
    assert sorted(computed) == [1, 2]
