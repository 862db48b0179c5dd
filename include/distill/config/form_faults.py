"""Say what is wrong with the values of a trigger form, in the words that a person sees on the form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ValidationError

from include.distill.config.expected_values import accepted_values
from include.distill.core.shown_values import shown


def field_name(form: type[BaseModel], key: str) -> str:
    """Return a field's title, which the form shows, and its key in a run's configuration: ``'Run' (run_key)``."""
    return f"{form.model_fields[key].title!r} ({key})"


def form_faults(error: ValidationError, form: type[BaseModel], rules: Mapping[str, str] | None = None) -> str:
    """
    Return every fault in the values of a form, with the field and its value.

    :param rules: what a field accepts, in words, by key. These words replace pydantic's message, for example if that
        message would quote a regular expression.
    """
    return "; ".join(_faults(error, form, rules or {}))


def _faults(error: ValidationError, form: type[BaseModel], rules: Mapping[str, str]) -> Iterator[str]:
    for fault in error.errors():
        message = fault["msg"].removeprefix("Value error, ")
        if not fault["loc"]:
            yield message
            continue
        key = str(fault["loc"][0])
        field = form.model_fields[key]
        if fault["type"] != "value_error":  # pydantic's own messages are for programmers
            message = f"expected {accepted_values(field.annotation, field.metadata)}"
        if fault["type"] == "missing":
            yield f"{field_name(form, key)} is empty: {rules.get(key) or message}"
            continue
        rule = rules.get(key) or f"{message[0].lower()}{message[1:]}"
        yield f"{field_name(form, key)} is {shown(fault['input'])}: {rule}"
