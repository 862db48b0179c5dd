"""Parse a use case from the content of its YAML file, or from a stored use case and the values of the trigger form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from include.distill.config.environment import WHERE_VARIABLES_ARE_SET, environment_name
from include.distill.config.form_fields import ASK_BEFORE_SPENDING, FORM_FIELDS, check_form_values, form_fields
from include.distill.config.use_case import UseCase
from include.distill.config.use_case_checks import use_case_problems
from include.distill.config.use_case_faults import Fault, describe_faults, is_unchecked
from include.distill.core.errors import FAILED_TASK, UseCaseError
from include.distill.core.shown_values import shown

_PROBLEMS_SHOWN = 20  # a file can have as many problems as values
# The keys of the use-case file that the trigger form can change.
OVERRIDES = tuple(key for key, field in FORM_FIELDS.items() if field.path)


def with_overrides(use_case: UseCase, overrides: Mapping[str, object]) -> UseCase:
    """
    Return a copy of the use case with the values from the trigger form.

    :param overrides: values by key. Keys that are not in :data:`OVERRIDES` are ignored. An empty field removes the
        setting if ``clears`` of its :class:`FormField` is true. Otherwise, the value from the file is kept.
    :raises UseCaseError: a value is invalid, or the spend cap is above the spend cap of the use-case file.
    """
    origin = f"{use_case.name} with the values of the trigger form"
    # Airflow checks the form, but the cap in the file may have been lowered since the run was triggered.
    check_form_values(overrides, form_fields(use_case.name, use_case.max_spend_usd), origin=origin)
    raw = use_case.model_dump(mode="json")
    if overrides.get(ASK_BEFORE_SPENDING):
        raw["approval"]["before_spending"] = "always"
    for key, value in overrides.items():
        field = FORM_FIELDS.get(key)
        if field is None or not field.path or (value in (None, "") and not field.clears):
            continue
        *sections, name = field.path
        target = raw[sections[0]] if sections else raw
        target[name] = None if value == "" else value
    return parse_use_case(raw, origin=origin)


def parse_use_case(
    raw: object,
    *,
    origin: str,
    unknown: Sequence[str] = (),
    other_problems: Sequence[str] = (),
    to_do: str = "",
    sources: Mapping[tuple[str, ...], Sequence[str]] | None = None,
) -> UseCase:
    """Validate a parsed YAML file, and return it as a use case.

    A use case that an earlier version froze has no ``environment``. It gets the name of this installation.

    :param origin: the file or form that ``raw`` comes from. Messages begin with it.
    :param unknown: placeholders in ``raw`` for unknown values, such as ``${NAME}`` if the variable is not set. A value
        that contains one of them is not checked.
    :param other_problems: problems that were found before. They are listed with those of ``raw``.
    :param to_do: what to do if there is a problem, as a sentence.
    :param sources: the environment variables from which a value comes, by the path of the value.
    :raises UseCaseError: ``raw`` is not a valid use case. The message lists every problem. For
        each problem, it gives the key, the value and the expected value.
    """
    if not isinstance(raw, dict):
        message = (
            f"{origin}: found {shown(raw)}, expected a mapping with the keys of a use case, such as name: docs_qa."
        )
        raise UseCaseError(message, to_do=to_do, then_clear=FAILED_TASK if to_do else "")
    if "environment" not in raw:
        raw = {**raw, "environment": environment_name()}
    cause: ValidationError | None = None
    faults: list[Fault] = []
    try:
        use_case = UseCase.model_validate(raw)
        faults = _contradictions(use_case, unknown)
    except ValidationError as error:
        errors = [fault for fault in error.errors() if not is_unchecked(fault, unknown)]
        faults, cause = describe_faults(errors, UseCase, suggestions=_PROBLEMS_SHOWN), error
    blamed = [(sources or {}).get(fault.path, ()) for fault in faults]
    described = [f"{fault.text}{_source(names)}" for fault, names in zip(faults, blamed, strict=True)]
    problems = [*described, *other_problems] if cause else [*other_problems, *described]
    if problems:
        wrong = {fault.path for fault in faults} if cause else set()
        settings = [key for key in OVERRIDES if FORM_FIELDS[key].path in wrong]
        to_do = _where_to_correct(to_do, blamed, is_in_file=len(problems) > sum(map(bool, blamed)))
        more = f"; and {len(problems) - _PROBLEMS_SHOWN:,} more" if len(problems) > _PROBLEMS_SHOWN else ""
        text = f"{origin}: {'; '.join(problems[:_PROBLEMS_SHOWN])}{more}"
        raise UseCaseError(text, to_do=to_do, then_clear=FAILED_TASK if to_do else "", settings=settings) from cause
    return use_case


def _contradictions(use_case: UseCase, unknown: Sequence[str]) -> list[Fault]:
    """Return the problems of values that are valid alone, but do not go together."""
    return [
        Fault(path, f"{'.'.join(path)}: {problem.text}")
        for problem in use_case_problems(use_case)
        if not any(placeholder in problem.text for placeholder in unknown)
        for path in [tuple(map(str, problem.path))]
    ]


def _source(names: Sequence[str]) -> str:
    return f" (the value comes from the environment variable {' and '.join(names)})" if names else ""


def _where_to_correct(to_do: str, blamed: Sequence[Sequence[str]], *, is_in_file: bool) -> str:
    """Return what to correct: the file, the environment variables from which wrong values come, or both."""
    names = list(dict.fromkeys(name for of_fault in blamed for name in of_fault))
    if not names:
        return to_do
    correct = f"Correct {', '.join(names)} {WHERE_VARIABLES_ARE_SET}."
    return f"{to_do} {correct}" if is_in_file else correct
