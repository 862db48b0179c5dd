"""Check the hyperparameters of a training job against the ranges of the student's family."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from decimal import Decimal

from include.distill.config.catalog import Family, Hyperparameter
from include.distill.core.errors import InputError


def check_hyperparameters(
    values: Mapping[str, object], family: Family, *, with_validation: bool = True
) -> dict[str, str]:
    """
    Check hyperparameters and return them in Bedrock's format: as strings without an exponent.

    Whole numbers have no decimal point. Bedrock uses its defaults for hyperparameters that are not set.

    :param with_validation: whether the job has a validation file.
    :raises InputError: a name is unknown, a value has the wrong type or is out of range, or a hyperparameter needs a
        validation file and the job has none. The message lists all faults.
    """
    strings: dict[str, str] = {}
    faults: list[str] = []
    for name, value in values.items():
        try:
            strings[name] = _hyperparameter(name, value, family)
            if family.hyperparameters[name].needs_validation and not with_validation:
                faults.append(f"{name} needs a validation file; set training.validation_share")
        except ValueError as error:
            faults.append(str(error))
    if faults:
        raise InputError(
            f"The hyperparameters of {family.key} are not valid: {'; '.join(faults)}. Change training.hyperparameters"
            " in the use case.",
        )
    return strings


def _hyperparameter(name: str, value: object, family: Family) -> str:
    if name not in family.hyperparameters:
        nearest = difflib.get_close_matches(name, family.hyperparameters, n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]}?" if nearest else f"expected one of {', '.join(family.hyperparameters)}"
        raise ValueError(f"unknown name {name!r} ({hint})")
    fact = family.hyperparameters[name]
    number = _number(value)
    if number is None or (fact.type == "integer" and not number.is_integer()):
        raise ValueError(f"{name} is {value!r}; expected {_range(fact)}")
    if not fact.minimum <= number <= fact.maximum:
        raise ValueError(f"{name} is {value!r}, which is out of range; expected {_range(fact)}")
    return _plain(number + 0.0)  # -0.0 becomes 0.0


def _number(value: object) -> float | None:
    """Return ``value`` as a number, or ``None``. Strings are accepted, because YAML reads ``1e-5`` as a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _range(fact: Hyperparameter) -> str:
    return f"{fact.type} from {_plain(fact.minimum)} to {_plain(fact.maximum)}"


def _plain(number: float) -> str:
    text = format(Decimal(repr(number)), "f")
    return text.removesuffix(".0")
