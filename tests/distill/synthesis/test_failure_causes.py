from __future__ import annotations

from include.distill.synthesis.failure_causes import advice_on_causes, describe_causes, failure_causes
from include.distill.synthesis.records import FailedRow

QUOTA = "Compare `quotas` with the account's quota."


def failed(code: str, message: str = "Slow down.", advice: str = QUOTA, reason: str = "ThrottledError") -> FailedRow:
    return {
        "row_id": "1",
        "reason": reason,
        "code": code,
        "message": message,
        "advice": advice,
        "text": {"question": "Secret?"},
    }


THROTTLED = [failed("ThrottlingException", f"Slow down {n}.") for n in range(3)]
INVALID = failed("ValidationException", "Too long.", "Shorten the document.", "InvalidRequestError")
RECORD_OF_AN_EARLIER_VERSION: FailedRow = {
    "row_id": "1", "reason": "TransientError", "message": "Status 500.", "text": {"question": "Secret?"},
}  # fmt: skip


def test_each_cause_has_its_count_and_one_message_and_the_most_frequent_comes_first() -> None:
    assert describe_causes(failure_causes([INVALID, *THROTTLED])) == (
        "ThrottlingException (3 times), for example: Slow down 0. ValidationException (once), for example: Too long."
    )


def test_an_error_without_a_code_is_named_after_its_class() -> None:
    rows = [failed("", "Read timeout.", reason="PossiblyBilledError"), RECORD_OF_AN_EARLIER_VERSION]
    assert describe_causes(failure_causes(rows)) == (
        "PossiblyBilledError (once), for example: Read timeout. TransientError (once), for example: Status 500."
    )


def test_rare_causes_are_counted_together() -> None:
    rows = [*THROTTLED, *THROTTLED, *[failed(f"Code{n}") for n in range(4)]]
    assert describe_causes(failure_causes(rows)).endswith("Other errors: 2 times.")


def test_without_failed_rows_there_is_no_cause() -> None:
    assert describe_causes(failure_causes([])) == ""


def test_the_advice_of_one_cause_is_given_as_it_is() -> None:
    assert advice_on_causes(failure_causes(THROTTLED)) == QUOTA


def test_the_advice_of_several_causes_names_each_cause() -> None:
    rows = [*THROTTLED, failed("TooManyRequestsException"), INVALID]
    assert advice_on_causes(failure_causes(rows)) == (
        f"For ThrottlingException, TooManyRequestsException: {QUOTA} For ValidationException: Shorten the document."
    )


def test_records_of_earlier_versions_have_no_advice() -> None:
    assert advice_on_causes(failure_causes([RECORD_OF_AN_EARLIER_VERSION])) == ""
