"""
Define the fields of the trigger form: title, key, and the values that each field accepts.

These definitions are used by the form, by the check of a run's configuration, and by the messages of that check.
Airflow shows the title in the form, but an API call and ``airflow dags trigger`` use the key, so messages name both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from include.distill.config.section import MAX_RECORDS
from include.distill.config.sections import MAX_PAIRS_PER_DOCUMENT
from include.distill.core.errors import ConfigurationError
from include.distill.core.shown_values import shown

Kind = Literal["string", "integer", "number", "boolean"]  # the type in JSON Schema
_FILES = "Enter s3://bucket/key or a path below include/. A path that ends with / is a folder of CSV files."
_ALL_RECORDS = "all records of the file"
_VALUE_OF_FILE = "the value in the use-case file"
ASK_BEFORE_SPENDING = "ask_before_spending"  # requires an approval even if the use-case file does not


@dataclass(frozen=True)
class FormField:
    """
    One field of the trigger form.

    :param title: the name of the field in the form.
    :param path: the keys that lead to the field's value in the use-case file, such as ``("source", "documents")``. The
        tuple is empty if the file has no such value.
    :param if_empty: what it means if a person leaves the field empty, such as ``all records of the file``. If this text
        is ``""``, the field must be filled in.
    :param clears: whether an empty field removes the value that the use-case file sets. Otherwise, that value is used.
    :param minimum: the smallest number, or the number that must be exceeded if ``above_minimum`` is set.
    :param reason: why the limits are what they are.
    """

    key: str
    title: str
    description: str
    kind: Kind
    path: tuple[str, ...] = ()
    if_empty: str = ""
    clears: bool = False
    minimum: float = 1
    above_minimum: bool = False
    maximum: float = math.inf
    reason: str = ""

    @property
    def name(self) -> str:
        """The title and the key, for messages."""
        return f"{self.title} ({self.key})"

    @property
    def help(self) -> str:
        """The text below the field in the form."""
        empty = f"An empty field means {self.if_empty}." if self.if_empty else ""
        reason = f"{self.reason[0].upper()}{self.reason[1:]}." if self.reason else ""
        return " ".join(filter(None, [self.description, empty, reason, f"Key: {self.key}."]))

    @property
    def expected(self) -> str:
        """The values that the field accepts, as part of a sentence."""
        empty = f", or an empty field for {self.if_empty}" if self.if_empty else ""
        return f"{self._range()}{empty}{f' ({self.reason})' if self.reason else ''}"

    def problem(self, value: object) -> str | None:
        """Return a sentence with a refused value and the expected values; ``None`` if the field accepts the value."""
        if self._accepts(value):
            return None
        return f"{self.name} is {shown(value)}; expected {self.expected}"

    def schema(self) -> dict[str, Any]:
        """
        Return the JSON Schema of the field.

        If Airflow refuses a value, it shows the message of the library jsonschema, which states the rule that failed.
        Here, this rule is always ``const``. Its value is a text for people, such as "Dry run: true or false". So the
        message begins with "'Dry run: true or false' was expected".

        The limits are inside ``allOf``. If a ``minimum`` were at the top level, the form would replace every smaller
        number.
        """
        types = ["null", self.kind] if self.if_empty else self.kind
        rule = {"if": {"type": types, **self._limits()}, "else": {"const": f"{self.title}: {self.expected}"}}
        # jsonschema reports the first rule that fails, so the sentence has to come before the type.
        return {"allOf": [rule], "type": types, "title": self.title}

    def _range(self) -> str:
        if self.kind == "string":
            return "a path or URI"
        if self.kind == "boolean":
            return "true or false"
        if self.above_minimum:
            return f"a number above {self.minimum:g} and at most {self.maximum:,.10g}"
        return f"a whole number from {self.minimum:,.0f} to {self.maximum:,.0f}"

    def _limits(self) -> dict[str, Any]:
        if self.kind == "string":
            return {"pattern": r"^$|\S"} if self.if_empty else {"pattern": r"\S"}
        if self.kind == "boolean":
            return {}
        bound = "exclusiveMinimum" if self.above_minimum else "minimum"
        # NaN is neither below a minimum nor above a maximum, so it alone satisfies contradictory limits.
        is_nan = {"type": "number", "minimum": 1, "maximum": 0}
        return {bound: self.minimum, "maximum": self.maximum, "not": is_nan}

    def _accepts(self, value: object) -> bool:
        if value is None or value == "":
            return bool(self.if_empty)
        if self.kind == "string":
            return isinstance(value, str) and bool(value.strip())
        if self.kind == "boolean" or isinstance(value, bool):
            return self.kind == "boolean" and isinstance(value, bool)
        if not isinstance(value, int | float) or not value <= self.maximum:  # false for NaN
            return False
        if self.kind == "integer" and value % 1:
            return False
        return value > self.minimum if self.above_minimum else value >= self.minimum


_FIELDS = (
    FormField(
        "training_csv",
        "Training CSV",
        f"The rows to train on, with the columns doc, question and answer. {_FILES}",
        "string",
        ("source", "training_csv"),
        if_empty="the file in the use-case file",
    ),
    FormField(
        "evaluation_csv",
        "Evaluation CSV",
        f"The rows on which the arms are compared, with the same columns. {_FILES}",
        "string",
        ("source", "evaluation_csv"),
        if_empty="an evaluation on training documents that are set aside",
        clears=True,
    ),
    FormField(
        "documents",
        "Documents",
        "The number of records to read from the start of the training CSV, whatever the use-case file says.",
        "integer",
        ("source", "documents"),
        if_empty=_ALL_RECORDS,
        clears=True,
        maximum=MAX_RECORDS,
    ),
    FormField(
        "evaluation_rows",
        "Evaluation rows",
        "The number of records to read from the start of the evaluation CSV, whatever the use-case file says.",
        "integer",
        ("source", "evaluation_rows"),
        if_empty=_ALL_RECORDS,
        clears=True,
        maximum=MAX_RECORDS,
    ),
    FormField(
        "pairs_per_document",
        "Pairs per document",
        "The number of question-and-answer pairs that the teacher writes for each training record.",
        "integer",
        ("synthesis", "pairs_per_document"),
        if_empty=_VALUE_OF_FILE,
        maximum=MAX_PAIRS_PER_DOCUMENT,
    ),
    FormField(
        "max_spend_usd",
        "Spend cap, US dollars",
        "If the estimated cost is above this amount, the run stops before it buys anything.",
        "number",
        ("max_spend_usd",),
        if_empty=_VALUE_OF_FILE,
        minimum=0,
        above_minimum=True,
    ),
    FormField(
        ASK_BEFORE_SPENDING,
        "Ask before spending",
        "After the cost estimate, wait until a person approves it in Required Actions, even if the use-case file does"
        " not require this.",
        "boolean",
    ),
    FormField(
        "dry_run",
        "Dry run",
        "Stop after the cost estimate. This run then pays for nothing.",
        "boolean",
    ),
)
FORM_FIELDS: dict[str, FormField] = {field.key: field for field in _FIELDS}


def form_fields(use_case: str, cap_usd: float, *, documents: tuple[int, str] = (1, "")) -> dict[str, FormField]:
    """
    Return the fields of a use case's form, with the limits that depend on the use case.

    :param use_case: the use case's name.
    :param cap_usd: ``max_spend_usd`` in the use-case file.
    :param documents: the smallest number of documents that the field accepts, and the reason for this limit.
    """
    minimum, reason = documents
    cap = f"{cap_usd:,.10g} is max_spend_usd in {use_case}.yaml; only an edit of the file can raise it"
    return {
        **FORM_FIELDS,
        "documents": replace(FORM_FIELDS["documents"], minimum=minimum, reason=reason),
        "max_spend_usd": replace(FORM_FIELDS["max_spend_usd"], maximum=cap_usd, reason=cap),
    }


def check_form_values(values: Mapping[str, object], fields: Mapping[str, FormField], *, origin: str) -> None:
    """
    Check the values of a run's configuration.

    :param values: the values by key. Keys without a field are ignored.
    :param origin: where the values come from. The message begins with it.
    :raises ConfigurationError: the message names each wrong value, and what its field accepts.
    """
    stated = {key: value for key, value in values.items() if key in fields}
    problems = {key: problem for key, value in stated.items() if (problem := fields[key].problem(value))}
    if problems:
        raise ConfigurationError(
            f"{origin}: {'; '.join(problems.values())}.",
            billed="Nothing was bought.",
            to_do=new_run_advice({key: values[key] for key in problems}),
        )


def new_run_advice(values: Mapping[str, object]) -> str:
    """
    Return the advice to trigger a new run with other values of some fields.

    A run keeps its configuration, so clearing one of its tasks would use the same values again.

    :param values: the values of this run, by key.
    """
    texts = {key: value if str(value).strip() else repr(value) for key, value in values.items()}
    listed = ", ".join(f"{FORM_FIELDS[key].name}, now {value}" for key, value in texts.items())
    kept = "these values" if len(values) > 1 else "the value"
    return f"Trigger a new run with another value of {listed}. Clearing a task of this run keeps {kept}."
