from __future__ import annotations

import copy
import inspect

import pytest

from include.distill.core import errors
from include.distill.core.errors import DistillError, StoredRecordError

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, DistillError)]
PARTS = {"left": "The job runs on.", "billed": "It is billed.", "to_do": "Stop it."}


class TestText:
    def test_an_error_may_have_no_text(self) -> None:
        error = DistillError()
        assert (str(error), error.happened, error.left, error.billed, error.to_do) == ("", "", "", "", "")

    def test_a_whole_message_is_not_changed(self) -> None:
        error = DistillError("File a.csv is empty")
        assert (str(error), error.happened) == ("File a.csv is empty", "File a.csv is empty")
        assert (error.left, error.billed, error.to_do) == ("", "", "")

    def test_the_text_is_all_parts_in_order(self) -> None:
        error = DistillError("The wait timed out.", to_do="Stop it.", billed="It is billed.", left="The job runs on.")
        assert str(error) == "The wait timed out. The job runs on. It is billed. Stop it."
        assert {name: getattr(error, name) for name in PARTS} == PARTS

    @pytest.mark.parametrize("part", PARTS)
    def test_each_part_may_be_the_only_other_one(self, part: str) -> None:
        assert str(DistillError("It broke.", **{part: PARTS[part]})) == f"It broke. {PARTS[part]}"

    @pytest.mark.parametrize(
        ("happened", "text"),
        [
            ("Row 7", "Row 7. Stop it."),
            ("Zeile fehlt für Größe", "Zeile fehlt für Größe. Stop it."),
            ("It broke.", "It broke. Stop it."),
            ("It broke!", "It broke! Stop it."),
            ("File 'a.csv'", "File 'a.csv'. Stop it."),
            ("It broke (twice)", "It broke (twice). Stop it."),
            ("", "Stop it."),
            ("Two rows:\n- a\n- b", "Two rows:\n- a\n- b\nStop it."),
        ],
    )
    def test_what_happened_ends_with_one_full_stop_before_other_parts(self, happened: str, text: str) -> None:
        error = DistillError(happened, to_do="Stop it.")
        assert (str(error), error.happened) == (text, happened)

    def test_other_parts_must_be_named(self) -> None:
        with pytest.raises(TypeError):
            DistillError("It broke.", "The job runs on.")  # type: ignore[misc]


class TestClasses:
    @pytest.mark.parametrize("kind", CLASSES)
    def test_every_error_keeps_its_parts_on_the_way_between_two_processes(self, kind: type[DistillError]) -> None:
        """``copy`` takes an exception apart and makes it again as ``pickle`` does."""
        error = kind("It broke.")
        error.left, error.billed, error.to_do = PARTS.values()
        again = copy.copy(error)
        assert (type(again), str(again), again.happened) == (kind, "It broke.", "It broke.")
        assert {name: getattr(again, name) for name in PARTS} == PARTS

    @pytest.mark.parametrize("kind", sorted(set(CLASSES) - {StoredRecordError}, key=str))
    def test_every_error_takes_its_parts_separately(self, kind: type[DistillError]) -> None:
        assert str(kind("It broke", **PARTS)) == "It broke. The job runs on. It is billed. Stop it."

    @pytest.mark.parametrize("kind", [errors.InputError, StoredRecordError])
    def test_a_wrong_value_is_also_a_value_error(self, kind: type[DistillError]) -> None:
        assert issubclass(kind, ValueError)

    @pytest.mark.parametrize("kind", sorted(set(CLASSES) - {DistillError}, key=str))
    def test_every_error_is_of_one_group(self, kind: type[DistillError]) -> None:
        """The groups say what to do, so an error of two groups would be ambiguous."""
        groups = (errors.InputError, errors.ServiceError, errors.OutcomeError)
        alone = (errors.SpendCapError, errors.UnexpectedError)
        assert sum(issubclass(kind, group) for group in (*groups, *alone)) == 1

    def test_an_error_without_aws_details_has_empty_ones(self) -> None:
        error = errors.RefusedError("no")
        assert (error.code, error.bucket_region) == ("", "")

    def test_aws_details_belong_to_one_error_only(self) -> None:
        first = errors.RefusedError("no")
        first.code, first.bucket_region = "AccessDenied", "eu-west-1"
        assert (errors.RefusedError("no").code, errors.ServiceError.bucket_region) == ("", "")

    def test_a_call_that_may_be_billed_may_help_if_repeated_but_a_refusal_may_not(self) -> None:
        assert issubclass(errors.PossiblyBilledError, errors.TransientError)
        assert not issubclass(errors.DailyQuotaError, errors.TransientError | errors.ThrottledError)
        assert issubclass(errors.MissingObjectError, errors.NotFoundError)

    def test_the_fault_of_a_stored_record_is_stated_separately(self) -> None:
        error = StoredRecordError("a.json has no run_key. Clear report.", fault="has no run_key")
        again = copy.copy(error)
        assert (str(again), again.fault) == ("a.json has no run_key. Clear report.", "has no run_key")
        assert StoredRecordError("a.json is not JSON.").fault == ""
