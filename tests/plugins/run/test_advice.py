"""Check for every error in the code that only the last of the four lines gives advice, and that nothing is repeated."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bedrock_distill.operators.serve import BedrockProvisionThroughputOperator
from bedrock_distill.run.four_lines import BILLED, HAPPENED, LEFT, TO_DO
from include.distill.core import errors
from include.distill.core.errors import DistillError
from include.distill.core.paths import PROJECT_ROOT
from tests.plugins.run.test_four_lines import explained, failing, four

ERRORS = {name: error for name, error in inspect.getmembers(errors, inspect.isclass) if issubclass(error, DistillError)}
PARTS = ("left", "billed", "to_do", "then_clear", "effect")
ADVICE = re.compile(
    r"\bclear(s|ing)? \S|trigger (a new run|the DAG)|\ba retry\b|nothing (was|is) (\w+ or )?(bought|billed)",
    re.IGNORECASE,
)


def text_of(node: ast.AST | None, function: ast.AST) -> str:
    """Return the text that an expression stands for, with ``x`` for every value that is not in the code."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr():
            return "".join(text_of(part, function) for part in node.values)
        case ast.BinOp(op=ast.Add()):
            return text_of(node.left, function) + text_of(node.right, function)
        case ast.Name(id="FAILED_TASK"):
            return errors.FAILED_TASK
        case ast.Name():
            values = [
                assignment
                for assignment in ast.walk(function)
                if isinstance(assignment, ast.Assign)
                and assignment.lineno < node.lineno
                and any(isinstance(target, ast.Name) and target.id == node.id for target in assignment.targets)
            ]
            last = max(values, key=lambda assignment: assignment.lineno, default=None)
            return text_of(last.value, function) if last else "x"
        case _:
            return "x"


def errors_in_the_code(path: Path) -> Iterator[tuple[int, DistillError]]:
    """Yield the line and the error of every call that makes an error of this project."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    made: dict[ast.Call, DistillError] = {}
    for function in functions:  # an inner function comes later and wins
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ERRORS and call.args:
                parts = {word.arg: text_of(word.value, function) for word in call.keywords if word.arg in PARTS}
                made[call] = ERRORS[call.func.id](text_of(call.args[0], function), **parts)  # type: ignore[arg-type]
    yield from ((call.lineno, error) for call, error in made.items())


# No task runs the modules that are commands, so their errors do not get four lines.
CODE = [
    path
    for folder in ("include", "plugins")
    for path in sorted((PROJECT_ROOT / folder).rglob("*.py"))
    if '__name__ == "__main__"' not in path.read_text(encoding="utf-8")
]
CASES = [
    pytest.param(error, id=f"{path.relative_to(PROJECT_ROOT)}:{line}")
    for path in CODE
    for line, error in errors_in_the_code(path)
]


def lines_of(error: DistillError, context: Any) -> dict[str, str]:
    return four(explained(failing(BedrockProvisionThroughputOperator, error), context))


def test_the_errors_in_the_code_are_found() -> None:
    assert len(CASES) > 100
    assert {type(case.values[0]).__name__ for case in CASES} >= {"InputError", "RefusedError", "ContractError"}


@pytest.mark.parametrize("error", CASES)
def test_only_the_last_line_gives_advice_and_no_line_repeats_another(error: DistillError, context: Any) -> None:
    whole = str(error)
    lines = lines_of(error, context)
    assert list(lines) == [HAPPENED, LEFT, BILLED, TO_DO]
    advice = [line for line in error.happened.splitlines() if ADVICE.search(line)]
    assert advice == []
    assert not ADVICE.search(lines[HAPPENED])
    assert not re.search(r"\bclear \S", lines[LEFT] + lines[BILLED], re.IGNORECASE)
    # The code makes the advice of which only "x" is known here.
    assert set(error.to_do) <= set("x. ") or re.search(r"\b(clear|trigger)", lines[TO_DO], re.IGNORECASE)
    sentences = [sentence for line in lines.values() for sentence in re.split(r"(?<=[.:]) ", line) if len(sentence) > 3]
    assert len(sentences) == len(set(sentences))
    # Outside of a task, the text of the error has all parts.
    assert all(part in whole for part in (error.happened, error.left, error.billed, error.to_do))
