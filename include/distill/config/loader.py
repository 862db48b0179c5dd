"""
The files of use cases: ``include/use_cases/*.yaml``, read with variables of the environment in place.

Values of the form ``${NAME}`` or ``${NAME:-default}`` are taken from the environment, so that buckets, role and
Region of a deployment need no edit of the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from include.distill.config.prompt_loader import load_prompts
from include.distill.config.use_case import UseCase, parse_use_case
from include.distill.core.errors import PromptError, UseCaseError
from include.distill.core.paths import INCLUDE

USE_CASES_FOLDER = INCLUDE / "use_cases"
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


class _Loader(yaml.SafeLoader):
    """Refuses a key that is stated twice, of which YAML would take the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return the mapping.

        :raises ConstructorError: a key stands in it twice; says where.
        """
        stated: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in stated:
                problem = f"key {key.value!r} is stated twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            stated.add(key.value)
        return super().construct_mapping(node, deep)


def expand_variables(value: Any, environment: Mapping[str, str]) -> Any:
    """Replace ``${NAME}`` and ``${NAME:-default}`` in all strings of a YAML value.

    :raises UseCaseError: a variable is not set and has no default.
    """
    if isinstance(value, dict):
        return {key: expand_variables(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [expand_variables(item, environment) for item in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        name, default = match.groups()
        value = environment.get(name) or default
        if value is None:
            message = f"environment variable {name} is not set and {match.group(0)} has no default"
            raise UseCaseError(message)
        return value

    return _VARIABLE.sub(replace, value)


def load_use_case(path: Path, environment: Mapping[str, str] | None = None) -> UseCase:
    """Read one use-case file.

    :raises UseCaseError: unreadable, not YAML, or not a use case; names file and key.
    """
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 a SafeLoader
        raw = expand_variables(raw, os.environ if environment is None else environment)
    except UseCaseError as error:
        message = f"{path.name}: {error}"
        raise UseCaseError(message) from error
    except Exception as error:  # PyYAML lets through whatever a bad scalar raises: 2026-99-99 a ValueError, for one
        message = f"{path.name}: cannot be read as YAML: {str(error) or type(error).__name__}"
        raise UseCaseError(message) from error
    use_case = parse_use_case(raw, origin=path.name)
    if use_case.name != path.stem:
        message = f"{path.name}: name is {use_case.name!r}, but a use case is named like its file: {path.stem!r}."
        raise UseCaseError(message)
    return use_case


@dataclass(frozen=True)
class UseCases:
    """What lies in a folder of use cases: the good ones, and one sentence for each broken file."""

    valid: tuple[UseCase, ...]
    problems: tuple[str, ...]


def load_use_cases(folder: Path = USE_CASES_FOLDER) -> UseCases:
    """Read all ``*.yaml`` files of ``folder`` and the local prompts that they name. Never raises: a broken one is told,
    with file and line, and takes no other down.
    """
    good: list[UseCase] = []
    problems: list[str] = []
    problems += [f"{path.name}: a use case ends in .yaml; rename it." for path in sorted(folder.glob("*.yml"))]
    for path in sorted(folder.glob("*.yaml")):
        try:
            use_case = load_use_case(path)
            load_prompts(use_case.prompts, None)
        except UseCaseError as error:
            problems.append(str(error))
        except PromptError as error:
            problems.append(f"{path.name}: {error}")
        else:
            good.append(use_case)
    return UseCases(tuple(good), tuple(problems))
