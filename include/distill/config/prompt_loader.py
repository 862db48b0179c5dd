"""
The prompts of a use case from their files, checked; and frozen with a run, which an edit then does not reach.

A file is a name in ``include/prompts/``, a path below a folder that may be read (``DISTILL_INPUT_ROOTS``, or the
project's ``include/``), or an ``s3://`` URI. Local files are checked while the DAGs are parsed, others in preflight.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import ValidationError

from include.distill.config.prompt_contract import CONTRACTS, check_template, template_variables
from include.distill.config.prompts import Prompt, load_prompt
from include.distill.config.sections import Example, Prompts
from include.distill.core.errors import InputError, PromptError
from include.distill.core.input_files import open_input
from include.distill.core.storage import ObjectStore

MAX_FILE_CHARACTERS = 200_000
MAX_PROMPT_EXAMPLES = 20


def load_prompts(stated: Prompts, store: ObjectStore | None) -> tuple[Prompts, dict[str, Prompt]]:
    """
    Return the section with its texts in place, and every template by the name that the section gives it.

    :param store: ``None`` while DAGs are parsed: what lies in S3 is then not looked at.
    :raises PromptError: names everything that is wrong, each with file and line.
    """
    problems: list[str] = []
    prompts: dict[str, Prompt] = {}
    for role in CONTRACTS:
        try:
            prompts |= _checked(role, stated, store)
        except InputError as error:
            problems.append(str(error))
    settled = stated
    try:
        settled = _settled(stated, store)
    except InputError as error:
        problems.append(str(error))
    if problems:
        raise PromptError("\n".join(problems))
    if settled.examples:
        named = prompts[settled.synthesis]
        shown = [example.model_dump() for example in settled.examples if isinstance(example, Example)]
        prompts[settled.synthesis] = Prompt(named.name, named.template, {"examples": shown})
    return settled, prompts


def _checked(role: str, stated: Prompts, store: ObjectStore | None) -> dict[str, Prompt]:
    name: str = getattr(stated, role)
    if _out_of_reach(name, store):
        return {name: Prompt(name, "")}
    prompt = Prompt(name, _read(name, store)) if "/" in name else load_prompt(name)
    if problems := check_template(prompt, role):
        raise PromptError("\n".join(problems))
    if role == "synthesis" and stated.examples and "examples" not in template_variables(prompt):
        message = f"Prompt {name}: prompts.examples are stated, and it does not use the variable examples. Show them."
        raise PromptError(message)
    return {name: prompt}


def _out_of_reach(name: str, store: ObjectStore | None) -> bool:
    return store is None and name.startswith("s3://")


def _settled(stated: Prompts, store: ObjectStore | None) -> Prompts:
    changes: dict[str, Any] = {}
    if stated.instruction_file and not _out_of_reach(stated.instruction_file, store):
        text = _read(stated.instruction_file, store).strip()
        if not text:
            raise PromptError(f"prompts.instruction_file {stated.instruction_file} is empty; expected an instruction.")
        changes = {"instruction": text, "instruction_file": None}
    if isinstance(stated.examples, str):
        out_of_reach = _out_of_reach(stated.examples, store)
        changes["examples"] = () if out_of_reach else tuple(_examples(stated.examples, store))
    settled = stated.model_copy(update=changes)
    if len(settled.examples) > MAX_PROMPT_EXAMPLES:
        count = len(settled.examples)
        raise PromptError(
            f"prompts.examples are {count}; expected {MAX_PROMPT_EXAMPLES} or fewer: every call pays for them."
        )
    return settled


def _examples(name: str, store: ObjectStore | None) -> Iterator[Example]:
    for where, value in _parsed(name, _read(name, store)):
        try:
            yield Example.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            message = f"Examples {name} {where}: {'.'.join(map(str, first['loc'])) or 'entry'}: {first['msg']}."
            raise PromptError(f"{message} Expected {{question: ..., answer: ...}}.") from error


def _parsed(name: str, text: str) -> Iterator[tuple[str, Any]]:
    if name.endswith(".jsonl"):
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip():
                continue
            try:
                yield f"line {number}", json.loads(line)
            except ValueError as error:
                raise PromptError(f"Examples {name} line {number}: no JSON ({error}).") from error
        return
    if not name.endswith((".yaml", ".yml", ".json")):
        raise PromptError(f"Examples {name}: expected a file that ends in .jsonl, .yaml or .json.")
    try:
        values = yaml.safe_load(text)
    except Exception as error:  # PyYAML lets through whatever a bad scalar raises
        raise PromptError(f"Examples {name}: cannot be read as YAML: {error}") from error
    if not isinstance(values, list):
        raise PromptError(f"Examples {name}: expected a list of pairs, found {type(values).__name__}.")
    for number, value in enumerate(values, start=1):
        yield f"entry {number}", value


def _read(name: str, store: ObjectStore | None) -> str:
    with open_input(name, store, expected="expected a text file") as body:
        data = body.read(MAX_FILE_CHARACTERS + 1)
    if len(data) > MAX_FILE_CHARACTERS:
        raise PromptError(f"{name} is longer than {MAX_FILE_CHARACTERS:,} bytes, too long for a prompt.")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"{name} line {line}: byte 0x{data[error.start]:02x} is not UTF-8. Save it as UTF-8."
        raise PromptError(message) from error


def dump_prompts(prompts: dict[str, Prompt]) -> dict[str, Any]:
    """Return prompts as they lie in a run's folder."""
    return {
        name: {"template": prompt.template, "constants": dict(prompt.constants), "version": prompt.version}
        for name, prompt in prompts.items()
    }


def restore_prompts(frozen: dict[str, Any]) -> dict[str, Prompt]:
    """Return prompts as :func:`dump_prompts` wrote them."""
    return {name: Prompt(name, kept["template"], kept["constants"]) for name, kept in frozen.items()}
