"""All rules together find nothing in a good end, each rule takes part, and a test causes each sentence of each rule."""

from __future__ import annotations

import ast
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.tools.simulate.checks.ends import GOOD, endpoint, job, ledger, met, outcome
from tools.simulate import checks
from tools.simulate.checks import breaches
from tools.simulate.faults import Way

MODULES = [one.name for one in pkgutil.iter_modules(checks.__path__)]


def sentences(module: ModuleType) -> list[str]:
    """Return a pattern for each sentence that a module yields."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    yielded = [node.value for node in ast.walk(tree) if isinstance(node, ast.Yield)]
    parts = [one.values if isinstance(one, ast.JoinedStr) else [one] for one in yielded]
    return ["".join(re.escape(str(one.value)) if isinstance(one, ast.Constant) else ".*" for one in of) for of in parts]


def made_up_ends(tests: ModuleType) -> Iterator[Any]:
    """Yield the ends with damage: the first of each pair of an end and the words that must be found."""
    for test in vars(tests).values():
        for mark in getattr(test, "pytestmark", ()):
            if mark.name == "parametrize" and mark.args[0][1:] == ("words",):
                yield from (end for end, _ in mark.args[1])


def test_a_good_end_has_no_breach() -> None:
    assert breaches(outcome(GOOD)) == []
    stopped = ledger(job("a", "Stopped"), job("a-2", "Completed", 2.0))
    ends = {"ended": ["failed", "success"], "met": [met(Way.MARK_FAILED)]}
    assert breaches(outcome(ledger(job("a", "Stopped")), stopped, **ends)) == []


def test_every_rule_takes_part() -> None:
    wrong = outcome(ledger(throughputs=(endpoint(deleted=None),)), ended=["stuck"])
    wrong.ledgers[0]["throughputs"][0]["seconds"] = 9 * 3600.0
    found = breaches(wrong)
    for words in ("never ended", "still exist", "has cost"):
        assert any(words in breach for breach in found), found
    rules = {import_module(f"{checks.__name__}.{name}") for name in MODULES}
    used = (*checks.RULES, *(rule for of in checks.RULES_OF_OTHER_DAGS.values() for rule in of))
    assert {rule.__module__ for rule in used} >= {one.__name__ for one in rules if sentences(one)} - {
        "tools.simulate.checks.jobs"  # the rules for each kind of job call it
    }


@pytest.mark.parametrize("name", MODULES)
def test_a_made_up_end_causes_each_sentence_of_a_rule(name: str) -> None:
    rule = import_module(f"{checks.__name__}.{name}")
    if not (wanted := sentences(rule)):
        return
    tests = import_module(f"{__package__}.test_{name}")
    found = [breach for end in made_up_ends(tests) for breach in tests.breaches(end)]
    missing = [one for one in wanted if not any(re.fullmatch(one, breach) for breach in found)]
    assert missing == [], f"No end in the parameters (…, 'words') of test_{name}.py causes these sentences."
