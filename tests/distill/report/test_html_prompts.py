"""Test the section of the report's page about optimized prompts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from include.distill.prompt_optimization.results import prompt_version
from include.distill.report.build import build_report
from include.distill.report.html import PROMPT_CHARACTERS, render_html
from tests.distill.report.example_prompts import (
    OPTIMIZED,
    ORIGINAL,
    judged,
    optimized_prompt,
    prompted_arm,
    prompted_inputs,
    won,
)
from tests.distill.report.example_report import base_arm, inputs, line, tuned_arm
from tests.distill.report.test_html import HOSTILE, Page

HEADING = "Was training needed?"


def shown(**changes: Any) -> Page:
    return Page(render_html(build_report(**prompted_inputs(**changes))))


def section_words(**changes: Any) -> list[str]:
    words = shown(**changes).words
    return words[words.index(HEADING) : words.index("What it cost", words.index(HEADING))]


def with_prompt(text: str, **changes: Any) -> dict[str, Any]:
    """Return the changes that put another optimized prompt into the report."""
    arm = prompted_arm(prompt_version=prompt_version(text))
    prompt = optimized_prompt(optimized=text, **changes)
    return {"arms": [base_arm(), arm, tuned_arm()], "prompt_optimization": [prompt]}


def test_the_section_answers_whether_training_was_needed_before_the_prompts() -> None:
    html = render_html(build_report(**prompted_inputs()))
    headings = re.findall(r"<h2[^>]*>(.*?)</h2>", html)
    assert headings[:3] == ["How much better, and how sure", HEADING, "What it cost"]
    assert section_words()[1].startswith("Yes: for both judges, tuned gave better answers than prompted")
    chance = section_words(verdicts=judged(won(40, 40), won(41, 40)))
    assert "because the difference between tuned and prompted could be chance: for" in chance[1]


def test_both_prompts_are_shown_whole_in_preformatted_text() -> None:
    page = shown()
    assert page.tags.count("pre") == 2
    assert [word for word in page.words if word in (ORIGINAL, OPTIMIZED)] == [ORIGINAL, OPTIMIZED]
    (long,) = [word for word in section_words(**with_prompt("x" * 20_000)) if word.startswith("xxx")]
    assert long == f"{'x' * PROMPT_CHARACTERS}… (8,000 more characters in report.json)"


def test_the_table_shows_scores_and_tokens_with_the_warning() -> None:
    words = section_words()
    row = words.index("0.61")
    assert words[row - 1 : row + 7] == ["original", "0.61", "418", "57", "optimized", "0.83", "2,007", "–"]
    assert "What the job measured on 100 training rows" in words
    warning = words.index("Do not compare these scores with the verdict.")
    assert "The job's own judge, claude-sonnet-4-6, gave them on the training rows" in words[warning + 1]
    nothing = {"score": None, "input_tokens": None, "output_tokens": None}
    words = section_words(prompt_optimization=[optimized_prompt(before=nothing, after=nothing, samples=1)])
    assert words.count("–") == 6
    assert "What the job measured on 1 training row" in words


def test_an_arm_with_an_optimized_prompt_is_named_in_the_table_of_arms_and_in_the_verdict() -> None:
    page = shown()
    assert page.words.count("base student, optimized prompt") == 1
    assert "prompted: base student, optimized prompt" in page.words
    note = "prompted is the base student with a prompt that Bedrock optimized."
    assert note in page.words
    assert note not in shown(verdicts=judged(won(70, 12), baseline="base")).words


def test_a_prompt_that_could_not_be_read_leaves_the_answer() -> None:
    arm = prompted_arm()
    del arm["prompt_version"]
    words = section_words(arms=[base_arm(), arm, tuned_arm()], prompt_optimization=[])
    assert words[1].startswith("Yes: for both judges")
    assert "Original prompt" not in words


def test_optimized_prompts_change_nothing_else_on_the_page() -> None:
    assert HEADING not in render_html(build_report(**inputs()))
    with_section = render_html(build_report(**prompted_inputs()))
    start = with_section.index('<section aria-labelledby="prompts">')
    rest = with_section[:start] + with_section[with_section.index('<section aria-labelledby="cost">') :]
    plain = prompted_inputs(arms=[base_arm(), base_arm(name="prompted"), tuned_arm()])
    without = render_html(build_report(**{key: part for key, part in plain.items() if key != "prompt_optimization"}))
    rest = rest.replace(">base student, optimized prompt<", ">base<")
    rest = rest.replace("<li>prompted is the base student with a prompt that Bedrock optimized.</li>\n", "")
    assert rest.replace("%);</li>\n</ul>", "%).</li>\n</ul>") == without


@pytest.mark.parametrize("key", ["optimized", "original", "judge", "job_name", "job_arn"])
def test_hostile_text_is_escaped(key: str) -> None:
    changes = (
        with_prompt(HOSTILE) if key == "optimized" else {"prompt_optimization": [optimized_prompt(**{key: HOSTILE})]}
    )
    html = render_html(build_report(**prompted_inputs(**changes)))
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}{% raw %}" in html
    tame = shown()
    assert {name for _, name, _ in Page(html).attributes} == {name for _, name, _ in tame.attributes}
    assert set(Page(html).tags) == set(tame.tags)


def test_the_bill_says_that_the_tokens_of_a_job_are_assumed() -> None:
    note = "The bill assumes a number of rounds that nobody has measured."
    assert not any(note in word for word in shown().words)
    billed = line("prompt optimization prompted (estimated): nova-micro input", 1000, "token", 0.000001, 0.001)
    cost = {"estimated_usd": 0.001, "actual_usd": 0.001, "lines": [billed]}
    assert any(note in word for word in shown(cost=cost).words)


def test_every_table_has_a_caption_and_every_id_is_used_once() -> None:
    page = shown()
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert set(" ".join(str(value) for value in page.values("aria-labelledby")).split()) <= set(ids)
    assert page.tags.count("caption") == page.tags.count("table")
