"""
What a replaced prompt must keep, checked before anything is asked: syntax, variables, and the tags around each input.

A template is tried on marked inputs, in all the ways in which the pipeline renders it. Every fault names file and line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import TemplateError, meta, nodes

from include.distill.config.prompts import ENVIRONMENT, Prompt
from include.distill.core.errors import PromptError


@dataclass(frozen=True)
class PromptContract:
    """
    What one kind of prompt is given.

    :param tags: variable that must stand in ``<tag>…</tag>``, by tag.
    :param optional: other variables, each with the values it may have.
    """

    tags: Mapping[str, str]
    optional: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def variables(self) -> set[str]:
        """Everything that a template may use."""
        return {*self.tags.values(), *self.optional}


_EXAMPLES = [[], [{"question": "What?", "answer": "That."}]]
CONTRACTS = {
    "synthesis": PromptContract(
        {"document": "document", "question": "question", "answer": "answer", "number_of_pairs": "pairs"},
        {"avoid": [[], ["What?"]], "examples": _EXAMPLES},
    ),
    "answering": PromptContract({"document": "document", "question": "question"}),
    "judging": PromptContract(
        {"document": "document", "question": "question", "answer_a": "answer_a", "answer_b": "answer_b"},
        {"reference": ["", "That."]},
    ),
    "critic": PromptContract({"document": "document", "question": "question", "answer_to_check": "answer"}),
}


def check_template(prompt: Prompt, role: str) -> list[str]:
    """Return what is wrong with a template that is to be used as ``role``, a key of :data:`CONTRACTS`."""
    contract = CONTRACTS[role]
    try:
        tree = ENVIRONMENT.parse(prompt.template)
    except TemplateError as error:
        return [f"Prompt {prompt.name} line {getattr(error, 'lineno', 1)}: {error}."]
    problems = [*_unknown_names(tree, contract, prompt.name), *_outside_files(tree, prompt.name)]
    return problems or list(dict.fromkeys(_trial_faults(prompt, contract)))


def template_variables(prompt: Prompt) -> set[str]:
    """Return the variables that a template uses."""
    return meta.find_undeclared_variables(ENVIRONMENT.parse(prompt.template))


def _unknown_names(tree: nodes.Template, contract: PromptContract, name: str) -> Iterator[str]:
    for unknown in sorted(meta.find_undeclared_variables(tree) - contract.variables):
        line = next((node.lineno for node in tree.find_all(nodes.Name) if node.name == unknown), 1)
        allowed = ", ".join(sorted(contract.variables))
        yield f"Prompt {name} line {line}: unknown variable {unknown!r}; known are {allowed}."


def _outside_files(tree: nodes.Template, name: str) -> Iterator[str]:
    for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        yield f"Prompt {name} line {node.lineno}: a prompt is one file; {type(node).__name__.lower()} is not possible."


def _trial_faults(prompt: Prompt, contract: PromptContract) -> Iterator[str]:
    marked = {variable: f"MARK-{variable}-MARK" for variable in contract.tags.values()}
    ways: list[dict[str, Any]] = [{}]
    for variable, values in contract.optional.items():
        ways = [{**way, variable: value} for way in ways for value in values]
    for way in ways:
        try:
            text = prompt.render(**marked, **way)
        except PromptError as error:
            yield str(error)
            continue
        yield from _tag_faults(text, prompt, contract)


def _tag_faults(text: str, prompt: Prompt, contract: PromptContract) -> Iterator[str]:
    for tag, variable in contract.tags.items():
        opened = len(re.findall(f"<{tag}>", text))
        if re.search(rf"<{tag}>\s*MARK-{variable}-MARK\s*</{tag}>", text) and opened == 1:
            continue
        lines = prompt.template.splitlines()
        line = next((n for n, row in enumerate(lines, 1) if f"<{tag}>" in row or f"</{tag}>" in row), None)
        fault = f"<{tag}> stands there {opened} times" if opened > 1 else f"no <{tag}> around {{{{ {variable} }}}}"
        where = f" line {line}" if line else f" ({len(lines)} lines)"
        yield (
            f"Prompt {prompt.name}{where}: {fault}; expected <{tag}>{{{{ {variable} }}}}</{tag}> once, with nothing but"
            " the variable between the tags. Who reads the prompt finds its inputs by them."
        )
