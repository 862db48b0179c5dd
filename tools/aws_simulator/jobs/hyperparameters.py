"""
Check and read the hyperparameters of customization jobs.

In requests and responses, every value is a string. The types and ranges are those of
https://docs.aws.amazon.com/bedrock/latest/userguide/custom-models-hp.html. Floats may be written as 1.00E-5, as on that
page, or as .0005, as in example_bedrock.py, the system test of the amazon provider.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from tools.aws_simulator.catalog.catalog import Hyperparameter, TrainingFormat
from tools.aws_simulator.protocol.errors import ValidationException

# Texts are checked with these patterns before Decimal reads them, because Decimal also accepts blanks, underscores,
# plus signs, the digits of other scripts and names such as Infinity.
_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_FLOAT = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_LONGEST = 40


def checked_hyperparameters(given: Mapping[str, str], rules: TrainingFormat) -> dict[str, str]:
    """Check the hyperparameters in a request, and add the default of each hyperparameter that the request omits.

    :raises ValidationException: a name is unknown, or a value has the wrong type or is out of range.
    """
    known = {**rules.hyperparameters, **rules.undocumented_hyperparameters}
    unknown = sorted(set(given) - set(known))
    if unknown:
        names = ", ".join(sorted(rules.hyperparameters))
        raise ValidationException(f"Unknown hyperparameters {unknown}; the model has only {names}.")
    for name, text in given.items():
        _check(name, text, known[name])
    defaults = {
        name: f"{Decimal(repr(rule.default)).normalize():f}" for name, rule in known.items() if rule.default is not None
    }
    return {**defaults, **given}


def _check(name: str, text: str, rule: Hyperparameter) -> None:
    is_integer = rule.type == "integer"
    if len(text) > _LONGEST or not (_INTEGER if is_integer else _FLOAT).fullmatch(text):
        kind = "a whole number such as 2" if is_integer else "a number such as 0.00001 or 1.0E-5"
        shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
        raise ValidationException(
            f"Hyperparameter {name} is {shown!r}, expected {kind}, as a string of at most {_LONGEST} characters."
        )
    if not Decimal(repr(rule.minimum)) <= Decimal(text) <= Decimal(repr(rule.maximum)):
        raise ValidationException(
            f"Hyperparameter {name} is {text}, expected a value between {rule.minimum:g} and {rule.maximum:g}."
        )


def epoch_count(hyperparameters: Mapping[str, str]) -> int:
    """Return the number of epochs of a job. Earlier versions also stored values such as ``1.0``."""
    return int(Decimal(hyperparameters["epochCount"]))


def batch_size(hyperparameters: Mapping[str, str]) -> int:
    """Return the number of records per step; 1 if the model has no such hyperparameter."""
    return int(Decimal(hyperparameters.get("batchSize", "1")))
