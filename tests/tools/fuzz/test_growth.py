"""The judgement is tested with made-up times. Real times are measured by `make simulate` only."""

from __future__ import annotations

import pytest

from tools.fuzz.growth import SHAPES, Shape, measure
from tools.fuzz.targets import TARGETS


@pytest.mark.parametrize(("exponent", "is_linear"), [(1.0, True), (1.3, True), (1.4, False), (2.0, False)])
def test_only_linear_growth_is_accepted(exponent: float, is_linear: bool) -> None:
    found = measure(Shape("csv", "rows", lambda size: b"x" * size), lambda data: (len(data) / 1_000) ** exponent)
    assert found.is_linear is is_linear
    assert found.ratio == round(2**exponent, 2)


def test_a_single_slow_measurement_does_not_count() -> None:
    slow = iter([5.0])
    found = measure(Shape("csv", "rows", lambda size: b"x" * size, 128), lambda data: len(data) + next(slow, 0.0))
    assert found.is_linear


def test_a_shape_that_the_reader_limits_is_not_made_larger() -> None:
    sizes: list[int] = []
    measure(Shape("csv", "rows", lambda size: b"x" * size, 1_000), lambda data: sizes.append(len(data)) or 0.0)  # type: ignore[func-returns-value]
    assert max(sizes) <= 1_000


def test_each_shape_is_read_by_its_target() -> None:
    for shape in SHAPES:
        TARGETS[shape.target].read(shape.make(3))
        assert len(shape.make(200)) > len(shape.make(3))


def test_a_slow_measurement_of_the_smaller_input_does_not_hide_growth() -> None:
    slow = iter([0.0, 9.0, 0.0, 9.0, 0.0])  # the first one measures the smaller size, and so do the next two
    shape = Shape("csv", "rows", lambda size: b"x" * size, 128)
    found = measure(shape, lambda data: (len(data) / 64) ** 2 + next(slow, 0.0))
    assert (found.ratio, found.is_linear) == (4.0, False)


def test_a_ratio_above_the_limit_is_measured_again_before_it_counts() -> None:
    taken: list[int] = []

    def seconds(data: bytes) -> float:
        taken.append(len(data))
        return len(data) * (5.0 if len(data) == 128 and taken.count(128) < 8 else 1.0)

    assert measure(Shape("csv", "rows", lambda size: b"x" * size, 128), seconds).is_linear
    assert taken.count(128) == 8
