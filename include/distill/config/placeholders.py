"""
Fill in and check prompts whose placeholders Bedrock's prompt optimization uses: ``{{document}}`` and ``{{question}}``.

An optimized prompt comes from a model. It is never rendered as a Jinja template: its placeholders are replaced, and
nothing else. Input text is not trusted either, so its delimiter tags are escaped, and placeholders in it stay text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from jinja2 import nodes

from include.distill.config.delimiters import MOST_LEVELS, delimiters_of, escape_delimiters
from include.distill.config.prompts import ENVIRONMENT, Prompt
from include.distill.core.errors import PromptError
from include.distill.text.normalization import is_blank

VARIABLES = ("document", "question")
# A rewritten prompt has several thousand characters. Each answer pays for all of them, and a person reads them in the
# report.
MOST_CHARACTERS = 50_000
_STATEMENTS: dict[type[nodes.Node], str] = {
    nodes.If: "if",
    nodes.For: "for",
    nodes.With: "with",
    nodes.Block: "block",
    nodes.Macro: "macro",
    nodes.Assign: "set",
    nodes.AssignBlock: "set",
    nodes.FilterBlock: "filter",
    nodes.CallBlock: "call",
}
_PLACEHOLDER = re.compile(r"{{\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*}}")


def fill(template: str, document: str, question: str) -> str:
    """
    Return a prompt with both texts filled in. Everything else in the prompt stays as it is.

    All placeholders are replaced at once, so a placeholder in one of the texts is never replaced.
    """
    delimiters = _delimiters(template)
    values = {"document": escape_delimiters(document, delimiters), "question": escape_delimiters(question, delimiters)}
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), template)


def template_problem(template: str) -> str | None:
    """Return why a prompt cannot be filled in, as a clause without a full stop; ``None`` if it can be.

    The message quotes nothing of the prompt but the names of variables.
    """
    if is_blank(template):
        return "it is empty"
    if len(template) > MOST_CHARACTERS:
        return f"it has {len(template):,} characters, and at most {MOST_CHARACTERS:,} are allowed"
    found = placeholders(template)
    if missing := [f"{{{{{name}}}}}" for name in VARIABLES if name not in found]:
        return f"it does not contain {' and '.join(missing)}"
    if unknown := [f"{{{{{name[:40]}}}}}" for name in found if name not in VARIABLES]:
        return f"it contains {', '.join(unknown[:3])}, which is neither {{{{document}}}} nor {{{{question}}}}"
    try:
        _delimiters(template)
    except PromptError:
        return f"its tags are nested more than {MOST_LEVELS} levels deep"
    return None


def placeholders(template: str) -> Counter[str]:
    """Return how often each name occurs as a placeholder."""
    return Counter(_PLACEHOLDER.findall(template))


def without_placeholders(text: str) -> str:
    """
    Return a text whose placeholders have a space between their braces, such as ``{ {document} }``.

    AWS does not say whether a job fills in all values at once. If it fills them in one after the other, a placeholder
    in a document would be replaced too.
    """
    return _PLACEHOLDER.sub(lambda found: f"{{ {found[0][1:-1]} }}", text)


def without_spaces(text: str) -> str:
    """Return a text whose placeholders have no spaces, because AWS documents only ``{{document}}``."""
    return _PLACEHOLDER.sub(lambda found: f"{{{{{found[1]}}}}}", text)


def job_template(prompt: Prompt, instruction: str) -> str:
    """Return the prompt that a job optimizes: the instruction and the answering prompt, with both placeholders.

    :raises PromptError: the prompt cannot be rendered.
    """
    rendered = prompt.render(**{name: f"{{{{{name}}}}}" for name in VARIABLES})
    return rendered if is_blank(instruction) else f"{instruction}\n\n{rendered}"


def job_template_problems(prompt: Prompt, instruction: str) -> list[str]:
    """
    Return why a job cannot optimize an answering prompt, one message per problem.

    A job knows the prompt only as a text with placeholders. So logic that depends on the document or the question, such
    as a filter, would be lost.

    :param prompt: a prompt that satisfies its contract; see :mod:`include.distill.config.prompt_contract`.
    """
    if problems := list(dict.fromkeys(_logic_problems(prompt))):
        return problems
    template = job_template(prompt, instruction)
    if problem := template_problem(template):
        return [
            f"Prompt {prompt.name} with prompts.instruction cannot be optimized, because {problem}. Change the prompt"
            " or the instruction, or remove prompt: optimized."
        ]
    return [
        f"Prompt {prompt.name} with prompts.instruction contains {{{{{name}}}}} {count} times as text for the job;"
        " expected once. Remove the other ones from the prompt or the instruction, or remove prompt: optimized."
        for name, count in placeholders(template).items()
        if count > 1
    ]


def _logic_problems(prompt: Prompt) -> Iterator[str]:
    tree = ENVIRONMENT.parse(prompt.template)
    for part in tree.body:
        plain = {id(output) for output in part.nodes} if isinstance(part, nodes.Output) else set()
        for use in part.find_all(nodes.Name):
            if use.name in VARIABLES and id(use) not in plain:
                yield (
                    f"Prompt {prompt.name} line {use.lineno}: {use.name} is used in {_described(part)}, which a prompt"
                    f" optimization job cannot do; expected only {{{{ {use.name} }}}}, outside of all statements."
                    " Change the prompt, or remove prompt: optimized."
                )


def _described(part: nodes.Node) -> str:
    """Return what a part of a template is, as the object of a sentence."""
    if isinstance(part, nodes.Output):
        return "a filter or another expression"
    name = _STATEMENTS.get(type(part))
    return f"{{% {name} %}}" if name else "a statement"


@lru_cache(maxsize=64)
def _delimiters(template: str) -> frozenset[str]:
    return delimiters_of(template)
