"""
Load and check the prompts of a use case, and convert them to and from the form in which each run stores them.

A prompt file is given as a name in ``include/prompts/``, as a path inside a permitted folder (``DISTILL_INPUT_ROOTS``
or the project's ``include/``), or as an ``s3://`` URI. Local files are checked while Airflow parses the DAGs. Files in
S3 are checked by the task ``preflight``. Once the prompts are frozen, editing a file does not change the run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypedDict

from pydantic import ValidationError

from include.distill.config.placeholders import job_template_problems
from include.distill.config.prompt_contract import CONTRACTS, check_template, template_variables
from include.distill.config.prompts import Prompt, load_prompt
from include.distill.config.records import FrozenPrompt, FrozenPrompts, PromptConstants, PromptExample
from include.distill.config.sections import Example, Prompts
from include.distill.config.use_case_faults import describe_faults
from include.distill.core.errors import InputError, PromptError
from include.distill.core.input_files import open_input
from include.distill.core.record_types import record_fault
from include.distill.core.storage import ObjectStore, read_json
from include.distill.core.stored_objects import broken_record
from include.distill.core.yaml_text import YamlTextError, load_yaml

MAX_FILE_BYTES = 200_000
MAX_PROMPT_EXAMPLES = 20


def load_prompts(
    section: Prompts, store: ObjectStore | None, *, for_optimization: bool = False
) -> tuple[Prompts, dict[str, Prompt]]:
    """
    Load the prompts that the section ``prompts`` of a use case names.

    :param store: ``None`` while DAGs are parsed. Files in S3 are not read in this case.
    :param for_optimization: whether a job must be able to optimize the answering prompt.
    :return: the section with the contents of its files filled in, and the prompts by their names in the section.
    :raises PromptError: a prompt or a file is invalid. The message lists every problem with the key, the file and the
        line.
    """
    problems: list[str] = []
    prompts: dict[str, Prompt] = {}
    for role in CONTRACTS:
        try:
            prompts |= _load_template(role, section, store)
        except InputError as error:
            problems += [f"prompts.{role}: {line}" for line in str(error).splitlines()]
    try:
        filled_in = _fill_in_files(section, store)
    except InputError as error:
        problems.append(str(error))
    if not problems and for_optimization and not _is_unreachable(section.answering, store):
        found = job_template_problems(prompts[section.answering], filled_in.instruction)
        problems = [f"prompts.answering: {problem}" for problem in found]
    if problems:
        raise PromptError("\n".join(problems))
    if filled_in.examples:
        template = prompts[filled_in.synthesis]
        examples: list[PromptExample] = [
            {"question": example.question, "answer": example.answer}
            for example in filled_in.examples
            if isinstance(example, Example)
        ]
        prompts[filled_in.synthesis] = Prompt(template.name, template.template, {"examples": examples})
    return filled_in, prompts


def _load_template(role: str, section: Prompts, store: ObjectStore | None) -> dict[str, Prompt]:
    name: str = getattr(section, role)
    if _is_unreachable(name, store):
        return {name: Prompt(name, "")}
    prompt = Prompt(name, _read(name, store)) if "/" in name else load_prompt(name)
    if problems := check_template(prompt, role):
        raise PromptError("\n".join(problems))
    if role == "synthesis" and section.examples and "examples" not in template_variables(prompt):
        message = (
            f"Prompt {name}: the use case has prompts.examples, but the template does not use the variable examples."
            " Use the variable in the template, or remove prompts.examples."
        )
        raise PromptError(message)
    return {name: prompt}


def _is_unreachable(name: str, store: ObjectStore | None) -> bool:
    return store is None and name.startswith("s3://")


def _fill_in_files(section: Prompts, store: ObjectStore | None) -> Prompts:
    """Replace the file names in ``instruction_file`` and ``examples`` with the contents of the files."""
    changes: dict[str, object] = {}
    if section.instruction_file and not _is_unreachable(section.instruction_file, store):
        text = _read(section.instruction_file, store).strip()
        if not text:
            raise PromptError(f"prompts.instruction_file {section.instruction_file} is empty; expected an instruction.")
        changes = {"instruction": text, "instruction_file": None}
    if isinstance(section.examples, str):
        unreachable = _is_unreachable(section.examples, store)
        changes["examples"] = () if unreachable else tuple(_examples(section.examples, store))
    filled_in = section.model_copy(update=changes)
    if len(filled_in.examples) > MAX_PROMPT_EXAMPLES:
        message = (
            f"prompts.examples has {len(filled_in.examples)} pairs; expected {MAX_PROMPT_EXAMPLES} or fewer, because"
            " every request to the teacher contains all of these pairs, and their tokens are billed. Remove some pairs."
        )
        raise PromptError(message)
    return filled_in


def _examples(name: str, store: ObjectStore | None) -> Iterator[Example]:
    for where, value in _values(name, _read(name, store)):
        try:
            yield Example.model_validate(value)
        except ValidationError as error:
            first = describe_faults(error.errors(), Example)[0]
            text = first.text if first.path else first.text.replace("file: ", "entry: ", 1)
            raise PromptError(f"Examples {name} {where}: {text}. Expected {{question: ..., answer: ...}}.") from error


def _values(name: str, text: str) -> Iterator[tuple[str, object]]:
    """Yield the entries of a file of examples, each with its position in the file."""
    if name.endswith(".jsonl"):
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip():
                continue
            try:
                yield f"line {number}", json.loads(line)
            except (ValueError, RecursionError) as error:
                raise PromptError(f"Examples {name} line {number}: the line is not JSON ({error}).") from error
        return
    if not name.endswith((".yaml", ".yml", ".json")):
        message = f"Examples {name}: the file's extension is unknown; expected .jsonl, .yaml or .json. Rename the file."
        raise PromptError(message)
    try:
        values = load_yaml(text)
    except YamlTextError as error:
        raise PromptError(f"Examples {name}: the file cannot be read as YAML: {error}") from error
    if not isinstance(values, list):
        message = f"Examples {name}: the file has a {type(values).__name__}; expected a list of pairs."
        raise PromptError(message)
    for number, value in enumerate(values, start=1):
        yield f"entry {number}", value


def _read(name: str, store: ObjectStore | None) -> str:
    with open_input(name, store, expected="expected a text file") as body:
        data = body.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        message = f"{name} is longer than {MAX_FILE_BYTES:,} bytes, the limit for a prompt file. Shorten the file."
        raise PromptError(message)
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"{name} line {line}: byte 0x{data[error.start]:02x} is not valid UTF-8. Save the file as UTF-8."
        raise PromptError(message) from error


def dump_prompts(prompts: Mapping[str, Prompt]) -> FrozenPrompts:
    """Convert prompts to the form that is stored in a run's folder."""
    return {
        "prompts": {
            name: {"template": prompt.template, "constants": prompt.constants, "version": prompt.version}
            for name, prompt in prompts.items()
        }
    }


def read_prompts(store: ObjectStore, uri: str) -> dict[str, Prompt]:
    """
    Read the frozen prompts at ``uri``.

    :raises StoredRecordError: the object is not a record of prompts.
    """
    record = read_json(store, uri, dict[str, Any])
    prompts = record["prompts"] if _has_format_2(record) else record
    if fault := record_fault(dict[str, _ReadPrompt], prompts):
        raise broken_record(uri, fault)
    return restore_prompts(record)


class _ReadPrompt(TypedDict):
    """The keys of :class:`FrozenPrompt` that :func:`restore_prompts` needs."""

    template: str
    constants: PromptConstants


def restore_prompts(record: Mapping[str, Any]) -> dict[str, Prompt]:
    """Convert a stored record back to prompts. The record comes from :func:`dump_prompts`, or has format 1."""
    frozen: Mapping[str, FrozenPrompt] = record["prompts"] if _has_format_2(record) else record
    return {name: Prompt(name, prompt["template"], prompt["constants"]) for name, prompt in frozen.items()}


def _has_format_2(record: Mapping[str, Any]) -> bool:
    # Format 1 had the prompts at the top level, where a prompt can have any name, even "prompts".
    prompts = record.get("prompts")
    return "prompts" in record and not (isinstance(prompts, dict) and isinstance(prompts.get("template"), str))
