"""
Load use cases from ``include/use_cases/*.yaml`` and expand environment variables.

Values of the form ``${NAME}`` or ``${NAME:-default}`` are taken from the environment, so an installation can set its
buckets, role and Region without editing the file. The expansion and the check for repeated keys are implemented here,
because PyYAML has neither. ruamel.yaml would add a second YAML parser, and OmegaConf returns its own container types.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import yaml

from include.distill.config.environment import ENVIRONMENT_VARIABLE, environment_name
from include.distill.config.parsing import parse_use_case
from include.distill.config.prompt_loader import load_prompts
from include.distill.config.sections import Aws, Prompts
from include.distill.config.use_case import UseCase
from include.distill.core.errors import PromptError, UseCaseError
from include.distill.core.paths import INCLUDE
from include.distill.core.yaml_text import load_yaml

# The local commands set the variable to a folder that also has use cases of the past, which no installation can run.
USE_CASES_FOLDER = Path(os.environ.get("DISTILL_USE_CASES") or INCLUDE / "use_cases")
_ANY_ROLE = "arn:aws:iam::123456789012:role/unused"  # a valid ARN, for a check that ignores the role
_VARIABLE = re.compile(r"(?P<escape>\$\$(?=\{))|\$\{(?P<name>\w+)(?::-(?P<default>(?:[^}$]|\$\{\w+\}|\$(?!\{))*+))?\}")


# YAML 1.1 reads 010 as 8, 1:30 as 90, and 2026-01-01 as a date. In a use case these are texts, such as an account id or
# a description. Where a number is expected, 010 is 10, and the other two are refused.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9_]*|0b[01_]+|0x[0-9a-fA-F_]+)$")
_FLOAT = re.compile(
    r"(?:[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_TAG = "tag:yaml.org,2002:"
_OTHER_TAGS = {f"{_TAG}int", f"{_TAG}float", f"{_TAG}timestamp"}


class _PlainLoader(yaml.SafeLoader):
    """A YAML loader that reads ``010``, ``1:30`` and ``2026-01-01`` as texts, not as 8, 90 and a date."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _OTHER_TAGS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_PlainLoader.add_implicit_resolver(f"{_TAG}int", _INTEGER, list("-+0123456789"))
_PlainLoader.add_implicit_resolver(f"{_TAG}float", _FLOAT, list("-+0123456789."))


class StrictLoader(_PlainLoader):
    """
    A YAML loader that refuses repeated keys, and reads the key ``on`` as a text.

    PyYAML would silently use the last value of a repeated key, and would read ``on`` as true, as YAML 1.1 says.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Construct the mapping.

        :raises ConstructorError: a key occurs twice; the message names the line.
        """
        keys: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in keys:
                problem = f"key {key.value!r} occurs twice; expected each key once"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            keys.add(key.value)
            if key.tag == f"{_TAG}bool":
                key.tag = f"{_TAG}str"
        return super().construct_mapping(node, deep)


def expand_variables(value: object, environment: Mapping[str, str]) -> object:
    """Replace ``${NAME}`` and ``${NAME:-default}`` in all strings of a YAML value.

    ``$${NAME}`` becomes the text ``${NAME}``. A default may contain variables without defaults.

    :raises UseCaseError: variables are not set or are empty, and have no default. The message names all of them.
    """
    missing = missing_variables(value, environment)
    if missing:
        raise UseCaseError(_missing_text(missing))
    return _expand_known(value, environment)


def _expand_known(value: object, environment: Mapping[str, str]) -> object:
    """Replace variables as :func:`expand_variables` does, but keep ``${NAME}`` if it has neither value nor default."""

    def replace(match: re.Match[str]) -> str:
        if match["escape"]:
            return "$"
        if known := environment.get(match["name"]):
            return known
        return match.group() if match["default"] is None else str(_expand(match["default"], replace))

    return _expand(value, replace)


def missing_variables(value: object, environment: Mapping[str, str]) -> list[str]:
    """Return the variables in a YAML value that are not set or are empty, and have no default. Each is named once."""
    names: dict[str, None] = {}

    def collect(match: re.Match[str]) -> str:
        if match["escape"] or environment.get(match["name"]):
            return ""
        if match["default"] is None:
            names[match["name"]] = None
        _expand(match["default"], collect)
        return ""

    _expand(value, collect)
    return list(names)


def _sources(
    value: object, environment: Mapping[str, str], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield the path of each text in a YAML value that takes something from the environment, and the variables."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _sources(item, environment, (*path, str(key)))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _sources(item, environment, (*path, str(position)))
    elif isinstance(value, str):
        used: dict[str, None] = {}

        def collect(match: re.Match[str]) -> str:
            if match["escape"]:
                return ""
            if environment.get(match["name"]):
                used[match["name"]] = None
            else:
                _expand(match["default"], collect)
            return ""

        _VARIABLE.sub(collect, value)
        if used:
            yield path, tuple(used)


def _expand(value: object, replace: Callable[[re.Match[str]], str]) -> object:
    if isinstance(value, dict):
        return {key: _expand(item, replace) for key, item in value.items()}
    if isinstance(value, list):
        return [_expand(item, replace) for item in value]
    return _VARIABLE.sub(replace, value) if isinstance(value, str) else value


def _missing_text(names: Sequence[str]) -> str:
    first = names[0]
    if len(names) == 1:
        problem = (
            f"environment variable {first} is not set or is empty, and ${{{first}}} has no default. Set the variable"
        )
    else:
        listed = ", ".join(names)
        problem = f"the environment variables {listed} are not set or are empty, and have no default. Set all of them"
    return f"{problem}, or write ${{{first}:-default}}. To keep ${{{first}}} as text, write $${{{first}}}."


def load_use_case(path: Path, environment: Mapping[str, str] | None = None) -> UseCase:
    """Read one use-case file.

    :param environment: values of the variables; if ``None``, the environment of the process is used.
    :raises UseCaseError: the file cannot be read, or is not a valid use case, or the installation has no name. The
        message names the file, the key and the value.
    """
    variables = os.environ if environment is None else environment
    name_of_environment = _environment_name([path], variables)
    try:
        raw = load_yaml(path.read_text(encoding="utf-8"), StrictLoader)
    except (OSError, ValueError) as error:
        message = f"{path.name}: the file cannot be read as YAML: {str(error) or type(error).__name__}"
        raise UseCaseError(message) from error
    missing = missing_variables(raw, variables)
    sources = dict(_sources(raw, variables))
    raw = _expand_known(raw, variables)
    problems: list[str] = []
    if isinstance(raw, dict):
        if "environment" in raw:
            problems.append(
                "environment: this key is not allowed in a use-case file. The use case was not loaded. Remove the key,"
                f" and set the variable {ENVIRONMENT_VARIABLE} in all components of Airflow."
            )
        name = raw.get("name")
        if isinstance(name, str) and name != path.stem:
            problems.append(f"name is {name!r}; expected the file name without .yaml, {path.stem!r}.")
        raw["environment"] = name_of_environment
    if missing:
        problems.append(_missing_text(missing))
    unknown = [f"${{{name}}}" for name in missing]
    return parse_use_case(
        raw,
        origin=path.name,
        unknown=unknown,
        other_problems=problems,
        to_do=f"Correct {path.name}.",
        sources=sources,
    )


def _environment_name(paths: Iterable[Path], variables: Mapping[str, str]) -> str:
    """
    Return the name of the installation.

    :raises UseCaseError: the installation has no name. The message also names all other variables that the use cases
        need and that are not set, so that one restart of Airflow is enough.
    """
    try:
        return environment_name(variables)
    except UseCaseError as error:
        missing: dict[str, list[str]] = {}
        for path in paths:
            with suppress(OSError, ValueError):
                raw = load_yaml(path.read_text(encoding="utf-8"), _PlainLoader)
                for name in missing_variables(raw, variables):
                    if name != ENVIRONMENT_VARIABLE:
                        missing.setdefault(name, []).append(path.name)
        if not missing:
            raise
        listed = ", ".join(f"{name} (for {', '.join(files)})" for name, files in missing.items())
        message = f"{error} These variables are also not set or are empty, and have no default: {listed}."
        raise UseCaseError(message) from error


class Place(NamedTuple):
    """An AWS connection and a Region."""

    conn_id: str
    region: str


@dataclass(frozen=True)
class UseCases:
    """
    The valid use cases of a folder, and one message for each invalid file.

    :param places: the AWS connections and Regions of all files. They include those of invalid files whose section
        ``aws`` can be read, because an earlier run of such a use case may have left an endpoint in its Region.
    """

    valid: tuple[UseCase, ...]
    problems: tuple[str, ...]
    places: tuple[Place, ...] = ()


def load_use_cases(folder: Path = USE_CASES_FOLDER, environment: Mapping[str, str] | None = None) -> UseCases:
    """
    Read all ``*.yaml`` files of ``folder``, and check the local prompts that the files name.

    This function never raises. Airflow parses all use cases together, and an invalid file must not disable the DAGs of
    the other use cases. If the installation has no name, all use cases are invalid, with one message.

    :param environment: values of the variables; if ``None``, the environment of the process is used.
    """
    variables = os.environ if environment is None else environment
    try:
        _environment_name(sorted(folder.glob("*.yaml")), variables)
    except UseCaseError as error:
        places = {place for path in folder.glob("*.y*ml") for place in _read_place(path)}
        return UseCases((), (str(error),), tuple(sorted(places)))
    valid: list[UseCase] = []
    places = set()
    problems: list[str] = []
    for path in sorted(folder.glob("*.yml")):
        problems.append(f"{path.name}: the name ends in .yml; expected .yaml. Rename the file.")
        places |= _read_place(path)
    for path in sorted(folder.glob("*.yaml")):
        try:
            use_case = load_use_case(path, environment)
            load_prompts(use_case.prompts, None, for_optimization=bool(use_case.optimized_arms))
        except UseCaseError as error:
            problems += [str(error), *_prompt_problems(path, variables)]
        except PromptError as error:
            problems.append(f"{path.name}: {error}")
        except Exception as error:  # an unforeseen error must not affect the other use cases
            problems.append(f"{path.name}: the file cannot be used: {type(error).__name__}: {error}")
        else:
            valid.append(use_case)
            places.add(Place(use_case.aws.conn_id, use_case.aws.region))
            continue
        places |= _read_place(path)
    return UseCases(tuple(valid), tuple(problems), tuple(sorted(places)))


def _prompt_problems(path: Path, variables: Mapping[str, str]) -> list[str]:
    """Return the problems of the local prompts of an invalid use-case file, if its section ``prompts`` is valid."""
    with suppress(Exception):  # the file may be invalid in any way, and its problem is already reported
        raw = load_yaml(path.read_text(encoding="utf-8"), _PlainLoader)
        section = expand_variables(raw.get("prompts", {}), variables)
        try:
            load_prompts(Prompts.model_validate(section), None, for_optimization=_has_optimized_arm(raw))
        except PromptError as error:
            return [f"{path.name}: {error}"]
    return []


def _has_optimized_arm(raw: Mapping[str, object]) -> bool:
    """Return whether an arm of a use case, which may be invalid, has a prompt that a job must be able to optimize."""
    arms = raw.get("arms")
    return isinstance(arms, list) and any(isinstance(arm, dict) and arm.get("prompt") == "optimized" for arm in arms)


def _read_place(path: Path) -> set[Place]:
    """Read only the connection and the Region of an invalid use-case file. Return nothing if they cannot be read."""
    try:
        raw = load_yaml(path.read_text(encoding="utf-8"), _PlainLoader)
        section = expand_variables(
            {key: raw["aws"][key] for key in ("conn_id", "region") if key in raw["aws"]}, os.environ
        )
        aws = Aws.model_validate({"role_arn": _ANY_ROLE, **cast("dict[str, object]", section)})
    except Exception:  # the file may be invalid in any way, and its problem is already reported
        return set()
    return {Place(aws.conn_id, aws.region)}
