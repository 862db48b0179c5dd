"""Test that the report's page is one file that loads and runs nothing, and that every text is escaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from include.distill.cost.records import ServingChoice
from include.distill.cost.serving_choice import AnswerCalls, on_demand_option, provisioned_option
from include.distill.report.build import build_report
from include.distill.report.html import (
    CLIPPED_CHARACTERS,
    DISAGREEMENTS_SHOWN,
    SIMULATED_NOTICE,
    clip_text,
    format_dollars,
    format_interval,
    format_p_value,
    format_percent,
    format_price,
    format_quantity,
    render_html,
    settings_rows,
)
from tests.distill.report.example_report import inputs, line, tuned_arm, verdicts

VOID = {"meta", "br", "rect", "line", "circle", "polygon", "polyline"}
HOSTILE = "<script>alert(1)</script>{{ 7*7 }}{% raw %}\"><img src=x onerror=alert(2)>'</textarea><!--"


class Page(HTMLParser):
    """The elements of a page, as a browser reads them. Tags that do not nest fail an assertion."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and not {"style", "title", "desc"} & set(self.open):
            self.words.append(data.strip())

    def values(self, name: str) -> list[str | None]:
        return [value for _, attribute, value in self.attributes if attribute == name]


def page(**changes: Any) -> Page:
    return Page(render_html(build_report(**inputs(**changes))))


def test_the_page_loads_no_resource_and_runs_no_script() -> None:
    shown = page()
    assert not {"script", "img", "link", "iframe", "object", "form", "base"} & set(shown.tags)
    assert not [name for _, name, _ in shown.attributes if name.startswith("on") or name in ("src", "href")]
    policy = next(value for tag, name, value in shown.attributes if tag == "meta" and value and "default" in value)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_the_styles_load_no_resource() -> None:
    html = render_html(build_report(**inputs()))
    styles = html[html.index("<style>") : html.index("</style>")]
    assert "@import" not in styles
    assert "url(" not in styles


def test_the_page_of_a_simulated_run_begins_with_the_simulated_notice() -> None:
    assert page().words[0] == SIMULATED_NOTICE


def test_the_page_of_a_real_run_has_no_simulated_notice() -> None:
    assert "SIMULATED" not in render_html(build_report(**inputs(simulated=False)))


def test_the_verdict_comes_before_the_first_section() -> None:
    words = page(simulated=False).words
    assert words.index("tuned is better than base for 1 of 2 judges") < words.index("How much better, and how sure")


def test_the_sections_come_in_the_order_of_the_readers_questions() -> None:
    html = render_html(build_report(**inputs()))
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", html) == [
        "How much better, and how sure",
        "What it cost",
        "Disagreements to read",
        "From rows to training records",
        "Training and serving",
        "A sample of the teacher's pairs to read",
        "Models, prompts and settings",
    ]


def test_every_chart_has_a_description_and_every_table_a_caption() -> None:
    shown = page()
    ids = shown.values("id")
    assert len(ids) == len(set(ids))
    assert set(" ".join(str(value) for value in shown.values("aria-labelledby")).split()) <= set(ids)
    assert shown.tags.count("svg") == shown.tags.count("desc") == shown.values("role").count("img") == 6
    assert shown.tags.count("caption") == shown.tags.count("table")


def hostile_inputs() -> dict[str, Any]:
    judge, arm = f"judge{HOSTILE}", f"arm{HOSTILE}"
    return inputs(
        use_case=HOSTILE,
        run_key=HOSTILE,
        arms=[tuned_arm(name=arm, job_arn=HOSTILE, job_status=HOSTILE, serving=HOSTILE, released=False)],
        verdicts=[verdicts(["candidate"] * 40, judge=judge, candidate=arm, baseline=HOSTILE)],
        cost={"estimated_usd": 1, "actual_usd": 1, "lines": [line(HOSTILE, 1, HOSTILE, 1, 1)]},
        loss_curves={arm: [{"step": 1, "epoch": 1, "loss": 1.0}]},
        disagreements=[
            {
                "row_id": HOSTILE,
                "question": HOSTILE,
                "candidate_answer": HOSTILE,
                "baseline_answer": HOSTILE,
                "by_judge": {judge: HOSTILE},
                "by_person": {HOSTILE: HOSTILE},
            }
        ],
        pair_sample=[{"question": HOSTILE, "answer": HOSTILE, "topic": HOSTILE}],
        agreement=[{"first": HOSTILE, "second": HOSTILE, "n": 1, "observed": 1, "kappa": None, "kappa_ci95": None}],
        warnings=[HOSTILE],
        noise_control_note=HOSTILE,
        promotion={
            "rule": HOSTILE,
            "false_promotions_a_year": 1,
            "decisions": [
                {"candidate": HOSTILE, "champion": HOSTILE, "promoted": True, "reasons": [HOSTILE], "lower_bound": 0.6}
            ],
        },
        settings={HOSTILE: HOSTILE, "attribution": [HOSTILE], "nested": {HOSTILE: [HOSTILE]}},
    )


def test_hostile_text_is_escaped() -> None:
    html = render_html(build_report(**hostile_inputs()))
    assert "<script" not in html
    assert "<img" not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}{% raw %}") > 20  # the text is shown literally
    tame = page(**{name: value for name, value in hostile_inputs().items() if name == "arms"}, warnings=["w"])
    shown = Page(html)
    assert {name for _, name, _ in shown.attributes} <= {name for _, name, _ in tame.attributes}
    assert set(shown.tags) <= set(tame.tags)


def test_a_hostile_outcome_cannot_choose_its_css_class() -> None:
    shown = page(**hostile_inputs())
    assert not [value for value in shown.values("class") if value and "script" in value]


def test_line_breaks_of_answers_are_kept() -> None:
    assert "Up to 10.\nTheir keys must be unique." in page().words


def test_a_lone_surrogate_does_not_stop_the_page() -> None:
    pair = {"question": "broken \ud83d here", "answer": "a", "topic": "t"}
    html = render_html({**build_report(**inputs()), "pair_sample": [pair]})
    assert "broken ? here" in html
    assert html.encode()


def test_an_arm_that_is_still_billed_is_named_at_the_top() -> None:
    words = page(arms=[tuned_arm(released=False)]).words
    assert words.index("Still running and billing:") < words.index("How much better, and how sure")


def test_a_deployment_that_still_exists_is_not_said_to_be_billing() -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abc123def456"
    words = page(arms=[{**tuned_arm(released=False), "serving": arn}]).words
    assert words.index("Not deleted:") < words.index("How much better, and how sure")
    assert "Still running and billing:" not in words
    assert "no, still billing" not in words


def test_both_ways_to_serve_an_arm_are_shown_in_dollars_and_minutes_with_the_reason() -> None:
    options = [
        on_demand_option(AnswerCalls(343, 1e6, 1e5), usd_per_token=(1e-6, 2e-6), answer_minutes=5),
        provisioned_option(usd_per_hour=60.5, hours=1),
    ]
    choice: ServingChoice = {"mode": "on_demand", "reason": "it is cheaper", "options": options}
    words = page(cost={**inputs()["cost"], "serving": {"tuned": choice}}).words
    assert (
        "By the estimate, tuned is served by a deployment, on demand, because it is cheaper. Options: a deployment, on"
        " demand: $1.20, about 13 minutes; provisioned throughput: $60.50 at $60.50 per hour, about 60 minutes."
    ) in words


def test_the_page_shows_the_first_disagreements_and_states_how_many_there_are() -> None:
    many = [
        {**inputs()["disagreements"][0], "row_id": f"row-number-{index}"} for index in range(DISAGREEMENTS_SHOWN + 3)
    ]
    shown = page(disagreements=many)
    assert sum("row-number-" in word for word in shown.words) == DISAGREEMENTS_SHOWN
    assert (
        f"{DISAGREEMENTS_SHOWN} of {DISAGREEMENTS_SHOWN + 3} are shown. All of them are in report.json." in shown.words
    )


def test_a_disagreement_names_the_arms_of_its_own_pair() -> None:
    item = {**inputs()["disagreements"][0], "candidate": "originals", "baseline": "champion"}
    words = page(disagreements=[item]).words
    assert {"originals", "champion"} <= set(words)


def test_the_five_answers_come_before_the_first_section() -> None:
    words = page(simulated=False).words
    first = words.index("How much better, and how sure")
    answers = ["tuned is better than base for 1 of 2 judges", "By how much", "How sure", "$7.56", "What to read"]
    places = [words.index(answer) for answer in answers]
    assert places == sorted(places)
    assert places[-1] < first
    by_how_much = words[words.index("By how much") + 1]
    assert by_how_much.startswith("Half-win rate of tuned (a tie counts as half): claude-haiku-4-5 68.4% (")
    how_sure = words[words.index("How sure") + 1]
    assert how_sure.startswith(
        "With 100 questions in 49 document groups, a run finds a difference four times out of five"
    )
    assert "still promote up to 9.1 candidates by chance" in how_sure


def test_agreement_with_people_and_their_votes_are_shown() -> None:
    words = page().words
    assert "claude-haiku-4-5 and ann (person)" in words
    assert "−0.05" in words
    assert "0.40 to 0.68" in words
    few = words.index("mistral-large-3 and ann (person)")
    assert words[few + 1 : few + 3] == ["20", "too few labels (20)"]
    assert not {"0.00", "−1.00 to 1.00"} & set(words)
    assert words[words.index("ann (person):") + 1] == "tuned"
    assert not any("label_sample" in word for word in words)
    without_common_items = {"first": "ann (person)", "second": "bob (person)", "n": 0, "observed": None, "kappa": None}
    words = page(agreement=[*inputs()["agreement"], {**without_common_items, "kappa_ci95": None}]).words
    assert "ann (person) and bob (person)" not in words
    words = page(agreement=inputs()["agreement"][:1]).words
    assert any("No person has labeled these answers" in word for word in words)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param({"counted": 9, "changed": 0, "unmarked": 0}, [], id="all count"),
        pytest.param(
            {"counted": 0, "changed": 3, "unmarked": 0},
            ["3", "because the labeled answers"],
            id="changed",
        ),
        pytest.param(
            {"counted": 0, "changed": 0, "unmarked": 1}, ["1", "without a hash of the labeled answers"], id="unmarked"
        ),
    ],
)
def test_the_page_mentions_labels_that_do_not_count_with_the_reason(
    labels: dict[str, int], expected: list[str]
) -> None:
    before, mention, after = " ".join(page(labels=labels).words).partition(" not count, ")
    assert bool(mention) == bool(expected)
    assert all(words in before.split(" ")[-3:] or words in after for words in expected)


def test_losses_are_shown_as_means_with_the_loss_that_the_job_reports_and_the_source() -> None:
    words = page().words
    row = words[words.index("tuned", words.index("The arms that were compared")) :]
    means = row[row.index("1.89 to 0.92") :]
    assert means[1] == "the job reports 0.909"
    source = next(word for word in words if "step_wise_training_metrics.csv" in word)
    assert "step_wise_training_metrics.csv of the AWS simulator" in source
    assert source.endswith("tuned: mean loss 1.89 over the first 8 of 80 steps, and 0.92 over the last 8.")
    assert any("step_wise_training_metrics.csv of the training job" in word for word in page(simulated=False).words)


def test_an_arm_without_a_loss_curve_shows_the_loss_that_its_job_reports() -> None:
    words = page(loss_curves={}).words
    assert words[words.index("the job reports 0.909") - 1] == "–"
    assert not any("step_wise" in word for word in words)


def test_the_bill_says_that_the_tokens_of_a_training_job_are_an_estimate() -> None:
    lines = [line("training tuned: nova-micro", 32_000, "token", 0.000001, 0.032)]
    words = page(cost={"estimated_usd": 1, "actual_usd": 0.032, "lines": lines}).words
    assert any("The bill estimates them from the training file." in text for text in words)
    assert not any("The bill estimates them" in text for text in page().words)


@pytest.mark.parametrize(("pairs_usd", "shown"), [(1.5, "$1.50"), (0, "–"), (None, "unknown")])
def test_an_arm_without_pairs_of_our_teacher_has_no_price_of_pairs(pairs_usd: float | None, shown: str) -> None:
    report = build_report(**inputs())
    price: Any = {"pairs_usd": pairs_usd, "teacher_usd": 0.0, "training_usd": 2.0}
    html = render_html({**report, "arms": [{**report["arms"][-1], "price": price}]})
    assert f'data-label="Pairs of our teacher">{shown}</td>' in html


def test_the_price_is_followed_by_the_reason_why_nothing_was_bought() -> None:
    cost = {"estimated_usd": 9.1, "actual_usd": 0.0, "lines": []}
    changes = {"since": None, "added": None, "changed": None, "gone": None, "settings": []}
    words = page(cost=cost, source={**inputs()["source"], "changes": changes}).words
    assert "Nothing was bought: earlier runs stored" in words[words.index("$0.00") + 1]


def test_the_promotion_decision_is_shown_with_its_reasons() -> None:
    words = page().words
    assert words[words.index("candidate that the rule promotes") + 1] == "none"
    assert "not promoted by the rule" in words
    assert "mistral-large-3: the lower bound of the half-win rate is 48.2%, but must be above 52.0%" in words


def test_a_comparison_of_an_arm_with_itself_is_marked_as_noise_control() -> None:
    control = [verdicts(["tie"] * 100, judge="claude-haiku-4-5", candidate="base", baseline="base-again")]
    words = page(noise_control=control).words
    assert words[words.index("base with base-again") + 1].startswith("noise control: half-win rate 50.0%")


def test_more_than_two_arms_are_shown_in_a_matrix() -> None:
    caption = "Every arm against every other arm: half-win rate of the arm in the row, by judge"
    outcomes = ["candidate"] * 80 + ["baseline"] * 20
    arms = [("mixed", "base"), ("mixed", "few")]
    records = [verdicts(outcomes, judge="haiku", candidate=ahead, baseline=behind) for ahead, behind in arms]
    words = page(verdicts=records).words
    assert caption not in page().words
    table = words[words.index(caption) :]
    assert table[table.index("mixed") :][:4] == ["mixed", "–", "80.0%", "better"]
    assert "not compared" in table


def test_the_interval_of_a_single_document_is_0_to_100_percent() -> None:
    clusters = {f"row{index}": "document" for index in range(100)}
    assert sum("(95% CI 0–\N{WORD JOINER}100%)" in word for word in page(clusters=clusters).words) == 2


def test_a_report_without_comparisons_and_samples_is_rendered_as_a_page() -> None:
    shown = page(verdicts=[], loss_curves={}, disagreements=[], pair_sample=[], settings={}, arms=[])
    assert "No verdict" in shown.words
    assert "There is no question on which judges or people disagree." in shown.words


def test_estimates_of_bill_lines_are_a_column_if_any_line_has_an_estimate() -> None:
    cost = inputs()["cost"]
    cost["lines"][0]["estimated_usd"] = 0.77
    shown = page(cost=cost)
    assert "$0.77" in shown.words
    assert "Estimated before the run" not in shown.words
    assert "Estimated before the run" in page().words


def test_a_price_that_is_not_verified_is_marked_and_explained_and_others_are_not() -> None:
    explained = "* This price is not verified. Compare it with AWS's price page before you rely on it."
    assert not {"*", explained} & set(page().words)
    cost = inputs()["cost"]
    cost["lines"][0]["unverified"] = True
    words = page(cost=cost).words
    assert (words.count("*"), words.count(explained)) == (1, 1)


@pytest.mark.parametrize(
    ("formatted", "expected"),
    [
        (format_dollars(1234.5), "$1,234.50"),
        (format_dollars(0.62), "$0.62"),
        (format_dollars(0.0042), "$0.0042"),
        (format_dollars(0), "$0.00"),
        (format_dollars(None), "–"),
        (format_price(0.0000022, "token"), "$2.20 per million tokens"),
        (format_price(0.00000006, "token"), "$0.06 per million tokens"),
        (format_price(0, "token"), "$0.00 per token"),
        (format_price(108.15, "unit-hour"), "$108.15 per unit-hour"),
        (format_price(2, "unit-hour"), "$2.00 per unit-hour"),
        (format_percent(0.725), "72.5%"),
        (format_percent(None), "–"),
        (format_interval([0.615, 0.8113]), "61.5–81.1%"),
        (format_interval(None), "–"),
        (format_quantity(205311), "205,311"),
        (format_quantity(0.0557), "0.056"),
        (format_quantity(100), "100"),
        (format_quantity(None), "–"),
        (format_p_value(0.00002), "< 0.0001"),
        (format_p_value(0.0314), "0.031"),
        (format_p_value(1.0), "1"),
    ],
)
def test_figures_are_formatted_for_reading(formatted: str, expected: str) -> None:
    assert formatted == expected


def test_long_answers_are_cut_and_the_number_of_hidden_characters_is_stated() -> None:
    assert clip_text("x" * CLIPPED_CHARACTERS) == "x" * CLIPPED_CHARACTERS
    assert clip_text("x" * (CLIPPED_CHARACTERS + 1200)).endswith("x… (1,200 more characters in report.json)")


def test_settings_are_flattened_into_labeled_lines() -> None:
    settings = {"judges": ["a", "b"], "prompts": {"judging": "77ae"}, "end": None, "attribution": "AWS"}
    assert settings_rows(settings) == [("judges", "a, b"), ("prompts, judging", "77ae"), ("end", "–")]
