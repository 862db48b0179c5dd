from __future__ import annotations

from pathlib import Path

import pytest

from include.distill.core.errors import InputError
from tools.compose.compose_file import read_services, substitute

VARIABLES = {"NAME": "value", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("no variable", "no variable", id="plain"),
        pytest.param("a${NAME}b${NAME}", "avaluebvalue", id="given"),
        pytest.param("${EMPTY:-default}", "default", id="empty takes the default"),
        pytest.param("${ABSENT:-}", "", id="empty default"),
        pytest.param("${ABSENT}", "", id="absent is empty"),
        pytest.param("${NAME:?missing}", "value", id="required and given"),
        pytest.param("$$HOME $${NAME}", "$HOME ${NAME}", id="two dollars are one"),
    ],
)
def test_variables_are_substituted_as_compose_does(text: str, expected: str) -> None:
    assert substitute(text, VARIABLES) == expected


def test_a_substituted_value_is_not_substituted_again() -> None:
    assert substitute("${NAME}", {"NAME": "$OTHER ${OTHER} $$"}) == "$OTHER ${OTHER} $$"


@pytest.mark.parametrize("text", ["${EMPTY:?say why}", "${ABSENT:?say why}"])
def test_a_missing_required_variable_is_refused_with_the_message_of_the_file(text: str) -> None:
    with pytest.raises(InputError, match=r"^say why$"):
        substitute(text, VARIABLES)


@pytest.mark.parametrize("text", ["$NAME", "${NAME-x}", "${NAME:+x}", "50 $"])
def test_a_syntax_that_is_not_supported_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not supported"):
        substitute(text, VARIABLES)


def write(folder: Path, services: str) -> Path:
    path = folder / "compose.yaml"
    path.write_text("services:\n" + services)
    return path


SMALL = """
  late:
    command: run --name "two words"
    healthcheck: {test: [CMD-SHELL, "a | b"]}
    depends_on: {early: {condition: service_healthy}}
  early:
    environment: {NAME: , ABSENT: , NUMBER: 4, TEXT: "${NAME}"}
    healthcheck: {test: [CMD, check, "${NAME}"]}
"""


def test_services_come_in_an_order_in_which_they_can_start(tmp_path: Path) -> None:
    services = read_services(write(tmp_path, SMALL), VARIABLES)
    assert list(services) == ["early", "late"]
    assert services["late"].needs == {"early": "service_healthy"}
    assert services["late"].command == ["run", "--name", "two words"]
    assert services["late"].health_check == ["sh", "-c", "a | b"]


def test_an_entry_without_a_value_is_passed_through_if_it_is_set(tmp_path: Path) -> None:
    early = read_services(write(tmp_path, SMALL), VARIABLES)["early"]
    assert early.environment == {"NAME": "value", "NUMBER": "4", "TEXT": "value"}
    assert early.health_check == ["check", "value"]


def test_services_that_wait_for_each_other_are_refused(tmp_path: Path) -> None:
    circle = "\n".join(
        f"  {name}: {{healthcheck: {{test: [CMD, x]}}, depends_on: {{{other}: {{condition: service_started}}}}}}"
        for name, other in [("one", "two"), ("two", "one")]
    )
    with pytest.raises(InputError, match="does not exist: one, two\\."):
        read_services(write(tmp_path, circle), {})
