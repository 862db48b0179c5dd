"""Compare the sign test and Holm's correction with published values and exact arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.distill.stats.significance import clustered_sign_test, holm, sign_test

# Twice the smaller tail probability of a fair coin, at most 1. It is computed with integers and one final division.
P_VALUES = {
    (0, 0): 1.0,
    (0, 1): 1.0,
    (0, 3): 0.25,
    (0, 8): 0.0078125,
    (0, 22): 4.76837158203125e-07,
    (0, 45): 5.684341886080802e-14,
    (0, 80): 1.6543612251060553e-24,
    (1, 0): 1.0,
    (1, 1): 1.0,
    (1, 3): 0.625,
    (1, 8): 0.0390625,
    (1, 22): 5.7220458984375e-06,
    (1, 45): 1.3358203432289883e-12,
    (1, 80): 6.782881022934827e-23,
    (2, 0): 0.5,
    (2, 1): 1.0,
    (2, 3): 1.0,
    (2, 8): 0.109375,
    (2, 22): 3.5881996154785156e-05,
    (2, 45): 1.6044054973463062e-11,
    (2, 80): 1.4078614025652531e-21,
    (5, 0): 0.0625,
    (5, 1): 0.21875,
    (5, 3): 0.7265625,
    (5, 8): 0.5810546875,
    (5, 22): 0.0015137195587158203,
    (5, 45): 4.209852022540872e-09,
    (5, 80): 1.8057729139211306e-18,
    (10, 0): 0.001953125,
    (10, 1): 0.01171875,
    (10, 3): 0.09228515625,
    (10, 8): 0.8145294189453125,
    (10, 22): 0.050102459732443094,
    (10, 45): 2.0572645155203517e-06,
    (10, 80): 1.0521598690598086e-14,
    (20, 0): 1.9073486328125e-06,
    (20, 1): 2.09808349609375e-05,
    (20, 3): 0.00048828125,
    (20, 8): 0.03569813817739487,
    (20, 22): 0.8776143287523155,
    (20, 45): 0.0026263768106840383,
    (20, 80): 1.1159089057251951e-09,
    (40, 0): 1.8189894035458565e-12,
    (40, 1): 3.8198777474462986e-11,
    (40, 3): 3.0213413992896676e-09,
    (40, 8): 3.305266709219268e-06,
    (40, 22): 0.030015864349067292,
    (40, 45): 0.6646454904132143,
    (40, 80): 0.0003304000183913207,
    (58, 0): 6.938893903907228e-18,
    (58, 1): 2.0816681711721685e-16,
    (58, 3): 3.2857397358476703e-14,
    (58, 8): 1.7951476752580547e-10,
    (58, 22): 7.010573979919961e-05,
    (58, 45): 0.23690187778029265,
    (58, 80): 0.07345060421252658,
    (120, 0): 1.504632769052528e-36,
    (120, 1): 9.178259891220421e-35,
    (120, 3): 5.835116341662609e-32,
    (120, 8): 8.99210650658525e-27,
    (120, 22): 1.5677310787896847e-17,
    (120, 45): 4.5692952094527786e-09,
    (120, 80): 0.0056851559967503055,
}


@pytest.mark.parametrize(("wins", "losses"), P_VALUES)
def test_the_sign_test_equals_exact_arithmetic(wins: int, losses: int) -> None:
    assert sign_test(wins, losses) == pytest.approx(P_VALUES[wins, losses], rel=1e-12, abs=0)


def test_the_p_value_is_a_plain_float_that_json_can_store() -> None:
    assert type(sign_test(7, 3)) is float


@pytest.mark.parametrize(
    ("wins", "losses", "p"),
    [
        pytest.param(0, 0, 1.0, id="no decided question"),
        pytest.param(5, 5, 1.0, id="even"),
        pytest.param(2, 7, 2 * (1 + 9 + 36) / 512, id="two of nine, by the binomial table"),
        pytest.param(0, 5, 0.0625, id="five of five"),
    ],
)
def test_the_sign_test_equals_values_worked_out_by_hand(wins: int, losses: int, p: float) -> None:
    assert sign_test(wins, losses) == pytest.approx(p, abs=5e-5)


def test_a_document_counts_once_however_many_questions_it_has() -> None:
    assert clustered_sign_test([8.0, 8, 8, 8, 8, 8, 8, -8, -8, -8, 0]) == sign_test(7, 3)


def test_the_clustered_sign_test_equals_the_plain_sign_test_with_one_question_per_document() -> None:
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
def test_the_holm_correction_equals_published_values(p_values: list[float], adjusted: list[float]) -> None:
    assert holm(p_values) == pytest.approx(adjusted)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_the_holm_correction_keeps_the_order_and_is_between_the_raw_and_the_bonferroni_values(
    p_values: list[float],
) -> None:
    adjusted = holm(p_values)
    for raw, corrected in zip(p_values, adjusted, strict=True):
        assert raw <= corrected <= min(1.0, len(p_values) * raw) + 1e-12
    by_raw = [corrected for _, corrected in sorted(zip(p_values, adjusted, strict=True))]
    assert by_raw == sorted(by_raw)
