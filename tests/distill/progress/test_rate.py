from __future__ import annotations

from include.distill.progress.rate import WINDOW_SECONDS, RowRate


def test_there_is_no_rate_before_a_row_is_done() -> None:
    rate = RowRate(100.0)
    assert rate.observe(100.0, 0) is None
    assert rate.observe(110.0, 0) is None


def test_the_rate_at_the_start_is_that_of_all_rows_so_far() -> None:
    rate = RowRate(100.0)
    assert rate.observe(110.0, 5) == 0.5
    assert rate.observe(120.0, 10) == 0.5


def test_rows_that_came_from_the_store_at_once_do_not_make_the_rest_look_fast() -> None:
    rate = RowRate(0.0)
    rate.observe(1.0, 900)
    for second in range(10, 301, 10):
        measured = rate.observe(float(second), 900 + second // 10)
    assert measured == 0.1


def test_a_task_whose_rows_all_hang_has_no_rate() -> None:
    rate = RowRate(0.0)
    assert rate.observe(10.0, 4) == 0.4
    for second in range(20, 150, 10):
        measured = rate.observe(float(second), 4)
    assert measured is None


def test_the_window_is_never_shorter_than_two_minutes_once_the_task_is_older() -> None:
    """Observations may be far apart, for example if the machine slept."""
    rate = RowRate(0.0)
    rate.observe(50.0, 10)
    assert rate.observe(50.0 + WINDOW_SECONDS, 10 + 12) == 12 / WINDOW_SECONDS
    assert rate.observe(1000.0, 22 + 83) == 83 / 830
