"""Test the section of the report's page about scores from evaluation jobs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from include.distill.report.build import build_report
from include.distill.report.html import render_html
from tests.distill.report.example_report import inputs
from tests.distill.report.example_scores import evaluations
from tests.distill.report.test_html import HOSTILE, Page, page

HEADING = "Scores from Bedrock evaluation jobs"


def section_words(**changes: Any) -> list[str]:
    words = page(evaluations=evaluations(**changes)).words
    return words[words.index(HEADING) : words.index("What it cost", words.index(HEADING))]


def test_the_section_follows_the_verdict_and_says_that_the_verdict_does_not_use_it() -> None:
    html = render_html(build_report(**inputs(evaluations=evaluations())))
    headings = re.findall(r"<h2[^>]*>(.*?)</h2>", html)
    assert headings[:3] == ["How much better, and how sure", HEADING, "What it cost"]
    assert "neither the verdict nor the promotion uses them" in section_words()[1]


def test_evaluation_jobs_change_nothing_else_on_the_page_and_in_the_report() -> None:
    without, scored = (build_report(**inputs(**changes)) for changes in ({}, {"evaluations": evaluations()}))
    assert "evaluations" not in without
    assert {**without, "evaluations": scored["evaluations"]} == scored
    html = render_html(scored)
    start = html.index('<section aria-labelledby="evaluations">')
    end = html.index('<section aria-labelledby="cost">')
    assert html[:start] + html[end:] == render_html(without)


def test_the_tables_show_means_and_differences_with_their_intervals() -> None:
    words = section_words()
    means = words[words.index("Mean score of each arm") :]
    row = means[means.index("Correctness") :]
    assert row[:8] == ["Correctness", "tuned", "nova-pro", "0 to 1", "98", "2", "0.75", "0.70 to 0.80"]
    none = means[means.index("grounded") :]
    assert none[:7] == ["grounded", "tuned", "nova-pro", "−1 to 5", "0", "100", "–"]
    differences = words[words.index("tuned minus base") :]
    assert differences[:6] == ["tuned minus base", "nova-pro", "98", "2", "+0.25", "+0.10 to +0.40"]
    chance = differences.index("could be chance")
    assert differences[chance - 1] == "−0.05 to +0.03"
    assert differences.count("could be chance") == 1


def test_the_ratings_of_a_custom_metric_are_shown() -> None:
    words = " ".join(section_words())
    assert "grounded is a metric of the use case. Its ratings: 1: nothing is in the document; 5: every" in words


def test_the_worst_scores_are_shown_with_their_explanation() -> None:
    words = section_words()
    assert words[words.index("Explanation") + 1] == "The response gives no number."
    assert words[words.index("0.25", words.index("How many tags can an object have?")) + 1] == "(0 to 1)"
    item = {**evaluations()["worst"][0], "explanation": ""}
    assert "The evaluator gave no explanation." in section_words(worst=[item])
    assert "Answers with low scores" not in section_words(worst=[])


def test_the_section_says_if_only_the_first_questions_were_scored() -> None:
    sentence = "Only the first 100 of 343 evaluation questions were scored."
    assert sentence in section_words(evaluation_rows=343)
    assert not any("Only the first" in word for word in section_words())


def test_without_pairs_of_scored_arms_there_is_no_table_of_differences() -> None:
    assert not any("minus base" in word for word in section_words(differences=[]))


def test_every_chart_has_a_description_and_every_table_a_caption() -> None:
    shown = page(evaluations=evaluations())
    ids = shown.values("id")
    assert len(ids) == len(set(ids))
    assert set(" ".join(str(value) for value in shown.values("aria-labelledby")).split()) <= set(ids)
    assert shown.tags.count("svg") == shown.tags.count("desc") == 8
    assert shown.tags.count("caption") == shown.tags.count("table")


@pytest.mark.parametrize("key", ["metric", "arm", "evaluator", "candidate", "explanation", "definition"])
def test_hostile_text_is_escaped(key: str) -> None:
    part = evaluations()
    lists = [part["scores"], part["differences"], part["worst"], part["metrics"][2]["ratings"]]
    for entry in (entry for entries in lists for entry in entries if key in entry):
        entry[key] = HOSTILE
    if key == "metric":
        part["metrics"].append({**part["metrics"][0], "name": HOSTILE, "low": -9, "high": 9})
    html = render_html(build_report(**inputs(evaluations=part)))
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}{% raw %}" in html
    tame = page(evaluations=evaluations())
    assert {name for _, name, _ in Page(html).attributes} == {name for _, name, _ in tame.attributes}
    assert set(Page(html).tags) == set(tame.tags)


def test_a_long_explanation_is_shortened() -> None:
    item = {**evaluations()["worst"][0], "explanation": "x" * 2000}
    assert any(word.endswith("(500 more characters in report.json)") for word in section_words(worst=[item]))
