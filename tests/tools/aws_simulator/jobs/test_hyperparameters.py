"""The values of hyperparameters."""

from __future__ import annotations

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.catalog.catalog import load_catalog
from tools.aws_simulator.jobs.hyperparameters import checked_hyperparameters, epoch_count
from tools.aws_simulator.protocol.errors import ValidationException

NOVA = load_catalog().training["nova"]
CLAUDE = load_catalog().training["claude3"]
NO_NUMBERS = [
    "",
    " ",
    " 1",
    "1 ",
    "1\n",
    "+1",
    "\u0661",
    "\uff11",
    "1_0",
    "0x1",
    "1,0",
    "1.",
    "01",
    "00",
    "--1",
    "1e",
    "NaN",
    "sNaN",
    "inf",
    "-Infinity",
    "true",
    "null",
    "1" * 5_000,
    "0." + "0" * 5_000 + "1",
]


@pytest.mark.parametrize("text", [*NO_NUMBERS, "1.0", "1e0", "1E0", "-0", ".5"])
@pytest.mark.parametrize("name", ["epochCount", "learningRateWarmupSteps", "batchSize"])
def test_an_integer_has_only_decimal_digits(name: str, text: str) -> None:
    with pytest.raises(ValidationException, match=f"Hyperparameter {name} is .*expected a whole number") as caught:
        checked_hyperparameters({name: text}, NOVA)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_a_float_is_a_json_number(text: str) -> None:
    with pytest.raises(ValidationException, match=r"Hyperparameter learningRate is .*expected a number"):
        checked_hyperparameters({"learningRate": text}, NOVA)


@pytest.mark.parametrize("text", ["0", "-1", "1", "1e-400", "1E+400", "1e999999999999999999", "0.00010001"])
def test_a_float_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(ValidationException, match=r"expected a value between 1e-06 and 0\.0001"):
        checked_hyperparameters({"learningRate": text}, NOVA)


@pytest.mark.parametrize("text", ["0.00001", "1e-5", "1E-5", "1.00E-05", "10.0e-6", ".00005", "0.0001", "1.00E-6"])
def test_a_float_is_shown_as_it_was_sent(text: str) -> None:
    assert checked_hyperparameters({"learningRate": text}, NOVA)["learningRate"] == text


@pytest.mark.parametrize(
    "given",
    [
        {"epochCount": "1", "learningRateWarmupSteps": "0", "batchSize": "1"},
        {"epochCount": "5", "learningRateWarmupSteps": "100"},
    ],
)
def test_an_integer_within_its_range_is_accepted(given: dict[str, str]) -> None:
    assert checked_hyperparameters(given, NOVA).items() >= given.items()


def test_the_ends_of_a_range_may_have_fractions() -> None:
    given = {"learningRateMultiplier": "0.1", "earlyStoppingThreshold": "0", "batchSize": "256"}
    assert checked_hyperparameters(given, CLAUDE).items() >= given.items()
    assert checked_hyperparameters({"learningRateMultiplier": "2.0"}, CLAUDE)["learningRateMultiplier"] == "2.0"


@pytest.mark.parametrize("text", ["1.0", " 1", "+1", "\u0661", "1e0", "", "1" * 5_000])
def test_a_request_with_such_a_value_creates_no_job(simulator: RunningSimulator, text: str) -> None:
    with refused("ValidationException", "expected a whole number such as 2", status=400):
        builders.create_job(simulator, hyperParameters={"epochCount": text})
    assert simulator.ledger["jobs"] == []


@pytest.mark.parametrize(("stored", "number"), [("2", 2), ("2.0", 2), (" 3", 3), ("+1", 1), ("\u0661", 1), ("1_0", 10)])
def test_the_number_of_epochs_of_a_job_of_an_earlier_version(stored: str, number: int) -> None:
    assert epoch_count({"epochCount": stored}) == number
