"""Every case is checked, and the message of the test names every case that failed."""

from __future__ import annotations

import pytest

from tests.fakes.each_case import each_case


def check(*values: object) -> None:
    """Check that all values are even numbers."""
    with each_case() as case:
        for value in values:
            with case(value, "even"):
                assert value % 2 == 0  # type: ignore[operator]


def test_cases_that_hold_pass() -> None:
    check(2, 4, 6)


def test_every_case_that_failed_is_named_with_its_line() -> None:
    with pytest.raises(AssertionError) as raised:
        check(1, 2, 5)
    first, *cases = str(raised.value).splitlines()
    assert first == "2 of 3 cases failed:"
    assert [line for line in cases if line.startswith("[")] == [
        "[1, 'even'] line 15: AssertionError: assert (1 % 2) == 0",
        "[5, 'even'] line 15: AssertionError: assert (5 % 2) == 0",
    ]


def test_an_error_fails_its_case_only() -> None:
    with pytest.raises(AssertionError, match=r"1 of 2 cases failed:\n\['x', 'even'\] line 15: TypeError: "):
        check("x", 2)


def test_an_expected_error_that_is_not_raised_fails_the_case() -> None:
    def check_nothing() -> None:
        with each_case() as case, case(KeyError), pytest.raises(KeyError):
            pass

    with pytest.raises(AssertionError, match=r"1 of 1 cases failed:\n\[KeyError\] line \d+: Failed: DID NOT RAISE"):
        check_nothing()


def test_no_case_at_all_fails() -> None:
    with pytest.raises(AssertionError, match="there is no case to check"):
        check()


def test_an_error_between_the_cases_is_raised_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError), each_case():
        raise ZeroDivisionError


def test_ctrl_c_ends_the_test_at_once() -> None:
    checked = []

    def interrupt() -> None:
        with each_case() as case:
            for number in (1, 2):
                with case(number):
                    checked.append(number)
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert checked == [1]
