from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from include.distill.config.environment import environment_name
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case, load_use_cases
from include.distill.config.parsing import parse_use_case, with_overrides
from include.distill.core.errors import UseCaseError
from tests.distill.conftest import make_use_case, raw_use_case
from tests.fakes.variables import VARIABLES


@pytest.mark.parametrize("name", ["a", "prod", "dev-2", "p" * 16, "eu-west-1-prod", "x--", "a1"])
def test_a_valid_name_is_returned(name: str) -> None:
    assert environment_name({"DISTILL_ENVIRONMENT": name}) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "Prod",
        "PROD",
        "1prod",
        "-prod",
        "p" * 17,
        "prod_1",
        "prod.1",
        "prod 1",
        " prod",
        "prod\n",
        "prod/x",
        "ä",
    ],
)
def test_an_invalid_name_is_an_error_that_says_where_to_set_the_variable(name: str) -> None:
    with pytest.raises(UseCaseError, match=r"DISTILL_ENVIRONMENT.*Nothing was bought.*\.env.*Helm.*MWAA"):
        environment_name({"DISTILL_ENVIRONMENT": name})


def test_without_a_name_all_use_cases_are_invalid_with_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISTILL_ENVIRONMENT")
    loaded = load_use_cases()
    assert loaded.valid == ()
    (problem,) = loaded.problems
    assert "DISTILL_ENVIRONMENT is not set" in problem
    assert {place.region for place in loaded.places} == {"us-east-1"}  # so the tasks of the sweeper exist, and fail


def test_the_environment_of_the_process_becomes_part_of_the_use_case() -> None:
    loaded = load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", {**VARIABLES, "DISTILL_ENVIRONMENT": "prod"})
    assert loaded.environment == "prod"
    assert with_overrides(loaded, {"documents": 5}).environment == "prod"


@pytest.mark.parametrize("value", ["prod", "test", "", None])
def test_a_use_case_file_must_not_contain_the_environment(tmp_path: Path, value: str | None) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(raw_use_case(environment=value)))
    with pytest.raises(UseCaseError, match=r"tiny\.yaml: environment: this key is not allowed.*DISTILL_ENVIRONMENT"):
        load_use_case(path, VARIABLES)


def test_the_environment_is_not_suggested_as_a_key() -> None:
    with pytest.raises(UseCaseError, match="envirnment: unknown key; expected one of name, description"):
        make_use_case(envirnment="prod")


def test_a_frozen_use_case_keeps_its_environment_and_an_older_one_gets_that_of_the_process() -> None:
    frozen = make_use_case().model_dump(mode="json")
    assert parse_use_case({**frozen, "environment": "prod"}, origin="run").environment == "prod"
    del frozen["environment"]
    assert parse_use_case(frozen, origin="run").environment == "test"
