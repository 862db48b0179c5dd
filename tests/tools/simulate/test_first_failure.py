"""A failure that a share has reported is known to all shares."""

from __future__ import annotations

from pathlib import Path

from tools.simulate.first_failure import FirstFailure


def test_all_shares_know_of_the_first_failure(tmp_path: Path) -> None:
    own, other = (FirstFailure(tmp_path / "new" / "failed") for _ in range(2))
    own.forget()
    assert not other.is_found()
    own.report()
    own.report()
    assert other.is_found()
    other.forget()
    assert not own.is_found()


def test_a_search_that_goes_on_after_failures_reports_nothing() -> None:
    failure = FirstFailure()
    failure.report()
    assert not failure.is_found()
    failure.forget()
