"""
Check the prompts of a use case before any model is called: syntax, variables, and the tags around each input.

A template is rendered with marker texts as inputs, once for every combination of the example values of its optional
variables. Each rendering is repeated, because a prompt must always give the same text. An error message names the
prompt and, where possible, the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jinja2 import TemplateError, meta, nodes

from include.distill.config.prompts import ENVIRONMENT, RANDOM_FILTER, RANDOM_GLOBAL, Prompt
from include.distill.core.errors import PromptError


@dataclass(frozen=True)
class PromptContract:
    """
    The variables that one kind of prompt can use.

    :param tags: maps each tag to the variable that the tag must enclose (``<tag>…</tag>``).
    :param optional: maps each other variable to example values.
    """

    tags: Mapping[str, str]
    optional: Mapping[str, Sequence[object]] = field(default_factory=dict)

    @property
    def variables(self) -> set[str]:
        """All variables that a template may use."""
        return {*self.tags.values(), *self.optional}


_NEXT_STEP = "Correct the prompt."
_NOT_REPEATABLE = (
    "gives a different text each time, and a purchase is found again only by its text, so every run would pay for"
    " everything again; expected a prompt that always gives the same text for the same variables"
)
# Python shows an object that has no text of its own with its place in memory, such as <function f at 0x7f2a>.
_PLACE_IN_MEMORY = re.compile(r"<[^<>]* at 0x[0-9a-fA-F]+>")
_EXAMPLES: Sequence[object] = ([], [{"question": "What?", "answer": "That."}])
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
    """Check a template against its contract; return one message per problem.

    :param role: what the template is used for, a key of :data:`CONTRACTS`.
    """
    contract = CONTRACTS[role]
    try:
        tree = ENVIRONMENT.parse(prompt.template)
        # An unknown filter is an error of the second step, and a removed one is unknown to Jinja.
        problems = list(_random_texts(tree, prompt.name)) or [
            *_unknown_variables(tree, contract, prompt.name),
            *_references_to_files(tree, prompt.name),
        ]
    except TemplateError as error:
        text = (error.message or "").rstrip(".")
        return [f"Prompt {prompt.name} line {getattr(error, 'lineno', 1)}: {text}. {_NEXT_STEP}"]
    return problems or list(dict.fromkeys(_rendering_faults(prompt, contract)))


def template_variables(prompt: Prompt) -> set[str]:
    """Return the variables that a template uses."""
    return meta.find_undeclared_variables(ENVIRONMENT.parse(prompt.template))


def _random_texts(tree: nodes.Template, name: str) -> Iterator[str]:
    for node in tree.find_all((nodes.Filter, nodes.Name)):
        if isinstance(node, nodes.Filter) and node.name == RANDOM_FILTER:
            yield f"Prompt {name} line {node.lineno}: the filter {node.name} {_NOT_REPEATABLE}. {_NEXT_STEP}"
        if isinstance(node, nodes.Name) and node.name == RANDOM_GLOBAL:
            yield f"Prompt {name} line {node.lineno}: {node.name} {_NOT_REPEATABLE}. {_NEXT_STEP}"


def _unknown_variables(tree: nodes.Template, contract: PromptContract, name: str) -> Iterator[str]:
    for unknown in sorted(meta.find_undeclared_variables(tree) - contract.variables):
        line = next((node.lineno for node in tree.find_all(nodes.Name) if node.name == unknown), 1)
        allowed = ", ".join(sorted(contract.variables))
        yield f"Prompt {name} line {line}: unknown variable {unknown!r}; expected one of {allowed}. {_NEXT_STEP}"


def _references_to_files(tree: nodes.Template, name: str) -> Iterator[str]:
    for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        statement = type(node).__name__.lower()
        yield (
            f"Prompt {name} line {node.lineno}: {statement} is not allowed; expected the whole prompt in one file."
            f" {_NEXT_STEP}"
        )


def _rendering_faults(prompt: Prompt, contract: PromptContract) -> Iterator[str]:
    marked = {variable: f"MARK-{variable}-MARK" for variable in contract.tags.values()}
    combinations: list[dict[str, object]] = [{}]
    for variable, values in contract.optional.items():
        combinations = [{**combination, variable: value} for combination in combinations for value in values]
    for combination in combinations:
        try:
            text, again = (prompt.render(**marked, **combination) for _ in range(2))
        except PromptError as error:
            yield f"{error} {_NEXT_STEP}"
            continue
        if found := _PLACE_IN_MEMORY.search(text):
            yield f"Prompt {prompt.name}: it contains {found[0]!r}, which {_NOT_REPEATABLE}. {_NEXT_STEP}"
        elif text != again:
            yield f"Prompt {prompt.name}: it {_NOT_REPEATABLE}. {_NEXT_STEP}"
        yield from _tag_faults(text, prompt, contract)


def _tag_faults(text: str, prompt: Prompt, contract: PromptContract) -> Iterator[str]:
    for tag, variable in contract.tags.items():
        count = len(re.findall(f"<{tag}>", text))
        if re.search(rf"<{tag}>\s*MARK-{variable}-MARK\s*</{tag}>", text) and count == 1:
            continue
        lines = prompt.template.splitlines()
        line = next((n for n, row in enumerate(lines, 1) if f"<{tag}>" in row or f"</{tag}>" in row), None)
        fault = f"<{tag}> occurs {count} times" if count > 1 else f"no <{tag}> around {{{{ {variable} }}}}"
        where = f" line {line}" if line else f" ({len(lines)} lines)"
        yield (
            f"Prompt {prompt.name}{where}: {fault}; expected <{tag}>{{{{ {variable} }}}}</{tag}> once, with only the"
            f" variable between the tags. These tags show the model where each input starts and ends. {_NEXT_STEP}"
        )
