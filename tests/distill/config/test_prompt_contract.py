from __future__ import annotations

import itertools

import pytest

from include.distill.config.prompt_contract import CONTRACTS, check_template, template_variables
from include.distill.config.prompts import ENVIRONMENT, Prompt, load_prompt

TAGS = "<document>{{ document }}</document>\n<question>{{ question }}</question>\n"


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        pytest.param(f"{TAGS}{{% if %}}", "line 3: Expected an expression", id="syntax"),
        pytest.param(f"{TAGS}{{{{ document | trimm }}}}", "line 3: No filter named 'trimm'. Correct", id="filter"),
        pytest.param(f"{TAGS}{{{{ document question }}}}", "line 3: expected token 'end of print", id="two names"),
        pytest.param(f"{TAGS}{{{{ document.__class__.x }}}}", "line 3: access to attribute", id="unsafe"),
        pytest.param(f"{TAGS}{{{{ docment }}}}", "line 3: unknown variable 'docment'", id="unknown variable"),
        pytest.param(f"{{% include 'x' %}}{TAGS}", "line 1: include is not allowed", id="include"),
        pytest.param(f"{TAGS}\n{{{{ document.a.b }}}}", "line 4: 'str object' has no", id="attribute"),
        pytest.param(f"{TAGS}{{{{ 1 / 0 }}}}", "line 3: division by zero", id="division"),
        pytest.param("<question>{{ question }}</question>", "no <document> around {{ document }}", id="no tag"),
        pytest.param(f"{TAGS}<question>x", "line 2: <question> occurs 2 times", id="twice"),
        pytest.param(f"{TAGS[:-2]}\n", "line 2: no <question> around", id="unclosed"),
        pytest.param(TAGS.replace("{{ document }}", "Text: {{ document }}"), "no <document> around", id="extra text"),
    ],
)  # fmt: skip
def test_problems_of_a_template_are_reported_with_the_name_of_the_prompt_and_the_place(
    template: str, problem: str
) -> None:
    (message,) = check_template(Prompt("a.j2", template), "answering")
    assert message.startswith("Prompt a.j2")
    assert problem in message
    assert ".." not in message
    assert message.endswith(". Correct the prompt.")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("{{ [1, 2, 3]|random }}", "line 3: the filter random gives a different text", id="random"),
        pytest.param("{{ lipsum() }}", "line 3: lipsum gives a different text", id="lipsum"),
        pytest.param("{{ range }}", "it contains '<function safe_range at 0x", id="function"),
        pytest.param("{{ document.upper }}", "it contains '<built-in method upper of", id="method"),
        pytest.param("{{ cycler('a') }}", "it contains '<jinja2.utils.Cycler object", id="object"),
        pytest.param("{{ now() }}", "it gives a different text", id="unforeseen"),
    ],
)  # fmt: skip
def test_a_prompt_that_gives_a_different_text_each_time_is_refused(
    text: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = itertools.count()
    monkeypatch.setitem(ENVIRONMENT.globals, "now", lambda: next(numbers))
    (message,) = check_template(Prompt("a.j2", f"{TAGS}{text}"), "answering")
    assert found in message
    assert "every run would pay for everything again" in message


@pytest.mark.parametrize(
    "text",
    [
        "{% set kept = namespace(n=0) %}{% for i in range(3) %}{% set kept.n = kept.n + i %}{% endfor %}{{ kept.n }}",
        "{% set comma = joiner(', ') %}{% for i in [1, 2] %}{{ comma() }}{{ i }}{% endfor %}",
        "Look <at 0x1F> up.",
    ],
)
def test_a_prompt_that_always_gives_the_same_text_is_accepted(text: str) -> None:
    assert check_template(Prompt("a.j2", f"{TAGS}{text}"), "answering") == []


@pytest.mark.parametrize("role", CONTRACTS)
def test_each_template_of_the_project_meets_its_contract(role: str) -> None:
    assert check_template(load_prompt(f"{role}.j2"), role) == []


@pytest.mark.parametrize(
    ("role", "tag"), [(role, tag) for role, contract in CONTRACTS.items() for tag in contract.tags]
)
def test_a_template_needs_every_tag_of_its_contract(role: str, tag: str) -> None:
    template = load_prompt(f"{role}.j2").template.replace(f"<{tag}>", "").replace(f"</{tag}>", "")
    (message,) = check_template(Prompt("own.j2", template), role)
    assert f"no <{tag}> around" in message


def test_a_template_is_checked_with_every_combination_of_optional_values() -> None:
    template = load_prompt("judging.j2").template.replace("{{ reference }}", "{{ reference.text }}")
    (message,) = check_template(Prompt("own.j2", template), "judging")
    assert "'str object' has no attribute 'text'" in message


def test_all_variables_of_a_template_are_found() -> None:
    assert template_variables(Prompt("p", "{{ a }}{% if b %}c{% endif %}")) == {"a", "b"}
