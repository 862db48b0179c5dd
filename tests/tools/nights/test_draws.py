"""Draws are the same in each command, and their rates are those of the plan."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import replace

import pytest

from include.distill.config.loader import load_use_case
from tools.local_airflow.settings import LOCAL_INSTALLATION, Layout
from tools.nights import draws
from tools.nights.plan import COST_FACTOR, PLANS, plan_nights

USE_CASE = load_use_case(Layout().use_cases / "aws_docs_qa.yaml", LOCAL_INSTALLATION)
NIGHT = plan_nights(PLANS[0], datetime.datetime(2026, 11, 28, 14, tzinfo=datetime.UTC))[3]


def test_a_night_is_drawn_again_in_the_same_way_on_another_date() -> None:
    later = replace(NIGHT, started=NIGHT.started + datetime.timedelta(days=9))
    assert draws.curated(NIGHT) == draws.curated(later)
    assert draws.ingested(NIGHT, None) == draws.ingested(later, None)
    assert draws.curated(NIGHT) != draws.curated(replace(NIGHT, number=4))


def test_the_counts_add_up() -> None:
    pairs, rows = draws.curated(NIGHT), draws.ingested(NIGHT, None)
    assert pairs["requested"] == pairs["accepted"] + pairs["rejected"] + pairs["missing"]
    assert pairs["rejected"] == sum(pairs["dropped"].values())
    assert pairs["calls"] == pairs["new_pairs"]["documents"] == NIGHT.changed_rows
    assert rows["rejected"] == sum(rows["reasons"].values())


def test_the_teacher_uses_more_tokens_when_it_is_more_expensive() -> None:
    usual, expensive = draws.curated(NIGHT), draws.curated(replace(NIGHT, cost_factor=COST_FACTOR))
    assert expensive["output_tokens"] / usual["output_tokens"] == pytest.approx(COST_FACTOR, abs=0.001)


@pytest.mark.parametrize("rate", [0.35, 0.5, 0.8])
def test_the_half_win_rate_of_many_questions_is_the_true_one(rate: float) -> None:
    night = replace(NIGHT, questions=4_000)
    for records in draws.verdicts(night, USE_CASE, draws.evaluation_rows(night), "tuned", "base", rate):
        assert len(records) == 2 * night.questions
        counts = Counter(record["verdict"] for record in records)
        assert (counts["candidate"] + counts["tie"] / 2) / len(records) == pytest.approx(rate, abs=0.03)


def test_a_better_model_has_a_lower_loss() -> None:
    better = replace(NIGHT, strength={"tuned": 0.4})
    assert draws.losses(better, "tuned")[-1]["loss"] < draws.losses(NIGHT, "tuned")[-1]["loss"]


def test_stored_answers_cost_nothing() -> None:
    answers = draws.answered(NIGHT, "base", by_token=True, is_stored=True)
    assert (answers["calls"], answers["cache_hits"], answers["input_tokens"]) == (0, NIGHT.questions, 0)
