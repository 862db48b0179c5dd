"""Numbers in use-case files: what counts as one, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from include.distill.config.loader import load_use_case
from include.distill.config.use_case import UseCase
from include.distill.core.errors import UseCaseError
from tests.distill.conftest import raw_use_case
from tests.fakes.each_case import each_case
from tests.fakes.variables import VARIABLES

NUMBERS = [
    "seed",
    "max_spend_usd",
    "source.documents",
    "source.evaluation_share",
    "source.same_document_similarity",
    "synthesis.temperature",
    "synthesis.pairs_per_document",
    "curation.min_grounding",
    "promotion.min_decisive",
    "training.timeout_hours",
    "training.hyperparameters.epochCount",
    "training.hyperparameters.learningRate",
    "training.hyperparameters.learningRateMultiplier",
    "batch.timeout_hours",
    "serving.model_units",
    "serving.expected_hours",
    "fan_out.max_tasks",
    "estimate.counted_rows",
    "quotas.nova-micro.requests_per_minute",
]
NOT_NUMBERS = [
    *("true", "false", "yes", "off", "True", '"true"', '"no"'),
    *(".inf", "-.inf", ".Inf", ".nan", ".NAN", '"nan"', '"inf"', '"-Infinity"', "1e999", "1.0e+999"),
    *("2026-01-01", "2026-01-01 10:00:00", "1:30", "1:30.5", "0o17", "0x", "1e", "1,5", '"٣"', '"½"', "3 h"),
    *("[1]", "{a: 1}", '""', '" "', "${EMPTY_TEXT}", "${NOT_A_NUMBER}"),
]


def load(folder: Path, key: str, text: str) -> UseCase:
    """Load a use case in which the YAML text is the value of a key."""
    raw: dict[str, Any] = raw_use_case(name="docs")
    *sections, last = key.split(".")
    section = raw
    for name in sections:
        section = section.setdefault(name, {})
    section[last] = "PLACEHOLDER"
    path = folder / "docs.yaml"
    path.write_text(yaml.safe_dump(raw).replace("PLACEHOLDER", text), encoding="utf-8")
    return load_use_case(path, environment={**VARIABLES, "EMPTY_TEXT": " ", "NOT_A_NUMBER": "nan"})


def value_of(use_case: UseCase, key: str) -> Any:
    value: Any = use_case
    for name in key.split("."):
        value = value[name] if isinstance(value, dict) else getattr(value, name)
    return value


@pytest.mark.parametrize("key", NUMBERS)
def test_a_value_that_is_not_a_finite_number_is_refused_with_its_key(key: str, tmp_path: Path) -> None:
    with each_case() as case:
        for text in NOT_NUMBERS:
            with case(text), pytest.raises(UseCaseError, match=rf"^docs\.yaml: {key}"):
                load(tmp_path, key, text)


def test_the_message_about_a_boolean_states_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(UseCaseError, match=r"epochCount: found true, expected a number such as 3 or 0\.0001"):
        load(tmp_path, "training.hyperparameters.epochCount", "true")


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("seed", "-7", -7),
        ("seed", "0", 0),
        ("seed", "0x10", 16),
        ("seed", "1_000", 1_000),
        ("seed", '"3"', 3),
        ("source.documents", "010", 10),
        ("source.documents", "3.0", 3),
        ("source.documents", "null", None),
        ("source.documents", "1.0e+2", 100),
        ("source.evaluation_share", "1e-5", 1e-5),
        ("source.evaluation_share", ".25", 0.25),
        ("synthesis.temperature", "1", 1),
        ("training.timeout_hours", "${HOURS:-12}", 12),
        ("estimate.counted_rows", "all", "all"),
        ("training.hyperparameters.epochCount", "2", 2),
        ("training.hyperparameters.epochCount", '"2"', "2"),
        ("training.hyperparameters.epochCount", "${EPOCHS:-2}", "2"),
        ("training.hyperparameters.learningRate", "1e-5", "1e-5"),
        ("training.hyperparameters.learningRate", "1.0e-5", 1e-5),
        ("training.hyperparameters.learningRate", "+1E-5", "+1E-5"),
    ],
)
def test_the_usual_ways_to_write_a_number_are_accepted(key: str, text: str, expected: object, tmp_path: Path) -> None:
    assert value_of(load(tmp_path, key, text), key) == expected


@pytest.mark.parametrize("text", ["-0.0", "-0", '"-0.0"', "0"])
def test_zero_has_no_sign(text: str, tmp_path: Path) -> None:
    assert str(load(tmp_path, "synthesis.temperature", text).synthesis.temperature) == "0.0"


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("description", "2026-01-01", "2026-01-01"),
        ("description", "1:30", "1:30"),
        ("owner", "010", "010"),
        ("storage.bucket_owners.shared-inputs", "012345670123", "012345670123"),
        ("judging.noise_control", "off", False),
        ("judging.noise_control", '"true"', True),
    ],
)
def test_a_text_that_yaml_reads_as_a_number_or_a_date_stays_a_text(
    key: str, text: str, expected: object, tmp_path: Path
) -> None:
    assert value_of(load(tmp_path, key, text), key) == expected
