from __future__ import annotations

from tools.token_counts.measure import recount


def test_a_count_that_differs_from_the_stored_one_is_reported_and_corrected() -> None:
    lines = ['{"text": "abc", "tokens": 3}', '{"text": "é", "tokens": 7}']
    measured, differences = recount(lines, len)
    assert measured == ['{"text": "abc", "tokens": 3}', '{"text": "é", "tokens": 1}']
    assert differences == ["line 2: 7 is stored, 1 measured"]
