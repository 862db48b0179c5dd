"""The sign test and Holm's correction against published values and second implementations."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest

from include.distill.stats.significance import clustered_sign_test, holm, sign_test


@given(wins=st.integers(0, 400), losses=st.integers(0, 400))
def test_the_sign_test_equals_scipys(wins: int, losses: int) -> None:
    assume(wins + losses)
    assert sign_test(wins, losses) == pytest.approx(binomtest(wins, wins + losses, 0.5).pvalue, rel=1e-9)


@pytest.mark.parametrize(
    ("wins", "losses", "p"),
    [
        pytest.param(0, 0, 1.0, id="nothing decided is no evidence"),
        pytest.param(5, 5, 1.0, id="even"),
        pytest.param(2, 7, 2 * (1 + 9 + 36) / 512, id="two of nine, by the binomial table"),
        pytest.param(0, 5, 0.0625, id="five of five"),
    ],
)
def test_the_sign_test_by_hand(wins: int, losses: int, p: float) -> None:
    assert sign_test(wins, losses) == pytest.approx(p, abs=5e-5)


def test_a_document_has_one_sign_however_many_questions_it_has() -> None:
    assert clustered_sign_test([8.0, 8, 8, 8, 8, 8, 8, -8, -8, -8, 0]) == sign_test(7, 3)


def test_documents_of_one_question_are_the_plain_sign_test() -> None:
    assert clustered_sign_test([1.0] * 12 + [-1.0] * 4 + [0.0] * 3) == sign_test(12, 4)


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        pytest.param([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02], id="the textbook's four hypotheses"),
        pytest.param([0.9, 0.8], [1.0, 1.0], id="never above one"),
        pytest.param([0.02], [0.02], id="one comparison is not corrected"),
        pytest.param([], [], id="none"),
    ],
)
def test_holm_steps_down(p_values: list[float], adjusted: list[float]) -> None:
    assert holm(p_values) == pytest.approx(adjusted)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_keeps_the_order_and_lies_between_raw_and_bonferroni(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for raw, corrected in zip(p_values, adjusted, strict=True):
        assert raw <= corrected <= min(1.0, len(p_values) * raw) + 1e-12
    by_raw = [corrected for _, corrected in sorted(zip(p_values, adjusted, strict=True))]
    assert by_raw == sorted(by_raw)
