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
