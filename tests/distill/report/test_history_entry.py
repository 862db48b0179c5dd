"""Test that the record of a run in the history has the figures of the run's report."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.record_types import record_fault
from include.distill.core.records import BillLineRecord
from include.distill.history.records import CallFigures, HistoryEntry
from include.distill.report.build import build_report
from include.distill.report.history_entry import bill_total, call_figures, with_bill, with_champion, with_results
from include.distill.report.optional_parts import OptionalParts
from include.distill.report.stored_report import BILL
from tests.distill.history.test_months import NOVEMBER, entry
from tests.distill.report.example_report import agreement, inputs, tuned_arm
from tests.plugins.conftest import make_champion

CALLS: CallFigures = {"calls": 3, "stored": 4, "input_tokens": 5, "output_tokens": 6}
RUN = entry("a", NOVEMBER)


def recorded(run: HistoryEntry = RUN, **changes: Any) -> HistoryEntry:
    return with_results(run, build_report(**inputs(**changes)), CALLS)


def line(what: str, usd: float) -> BillLineRecord:
    return {"what": what, "quantity": 1, "unit": "token", "unit_price_usd": usd, "usd": usd}


def test_the_record_has_the_verdict_and_the_pair_that_it_is_about() -> None:
    run = recorded()
    assert run["claim"] == "tuned is better than base for 1 of 2 judges"
    assert (run["candidate"], run["baseline"], run["simulated"]) == ("tuned", "base", True)
    assert run["training_loss"] == tuned_arm()["training_loss"]
    assert record_fault(HistoryEntry, dict(run)) is None


def test_each_judge_has_its_rate_with_its_interval_and_its_readable_verdicts() -> None:
    haiku, mistral = recorded()["judges"]
    assert (haiku["judge"], haiku["questions"], haiku["half_win_rate"]) == (
        "claude-haiku-4-5",
        98,
        pytest.approx((58 + 9) / 98),
    )
    assert haiku["half_win_ci95"] is not None
    assert haiku["half_win_ci95"][0] < 67 / 98 < haiku["half_win_ci95"][1]
    assert (mistral["judge"], mistral["questions"]) == ("mistral-large-3", 100)


def test_other_pairs_of_arms_are_left_out() -> None:
    given = inputs()
    other = [{**verdict, "candidate": "more"} for verdict in given["verdicts"][0]]
    run = recorded(verdicts=[*given["verdicts"], other])
    assert [judged["judge"] for judged in run["judges"]] == ["claude-haiku-4-5", "mistral-large-3"]


def test_a_run_without_comparisons_has_no_pair_of_arms() -> None:
    run = recorded(verdicts=[], promotion=None)
    assert not {"candidate", "baseline", "judges", "training_loss"} & run.keys()


def test_the_counts_of_rows_and_pairs_add_up() -> None:
    run = recorded(synthesis={**inputs()["synthesis"], "dropped": {"length": 7, "copied": 2}})
    rows, pairs = run["rows"], run["pairs"]
    assert rows["read"] == rows["accepted"] + rows["rejected"] == 120
    assert pairs["requested"] == pairs["accepted"] + pairs["rejected"] + pairs["missing"]
    assert sum(pairs["dropped"].values()) == pairs["rejected"]
    assert run["calls"] == CALLS


def test_documents_are_described_if_the_version_that_read_them_counted_them() -> None:
    assert recorded()["rows"]["documents"] is None
    assert recorded()["rows"]["mean_document_characters"] is None
    source = {**inputs()["source"], "mean_document_characters": 812.5}
    split = dict.fromkeys(
        (
            *("documents", "groups", "evaluation_documents", "evaluation_groups", "largest_group_rows"),
            *("template_documents", "same_title_documents", "generic_question_rows", "kept_leaks"),
        ),
        60,
    )
    rows = recorded(source={**source, "split": {**split, "is_near_share": True}})["rows"]
    assert (rows["documents"], rows["mean_document_characters"]) == (60, 812.5)


def test_a_use_case_without_pairs_has_no_counts_of_pairs() -> None:
    nothing = dict.fromkeys(inputs()["synthesis"], 0) | {"dropped": {}, "critic": None}
    assert "pairs" not in recorded(synthesis=nothing)


def test_the_bill_is_that_of_the_report_by_kind() -> None:
    lines = [line("synthesis: nova-pro input", 1.5), line("judging: nova-pro input", 0.25)]
    run = recorded(cost={"estimated_usd": 2.5, "actual_usd": 1.75, "lines": lines})
    assert (run["estimated_usd"], run["spent_usd"]) == (2.5, 1.75)
    assert run["spent_by_kind"] == {"teacher": 1.5, "judges": 0.25}


def test_a_bill_that_could_not_be_read_is_not_recorded_as_nothing() -> None:
    parts = OptionalParts(lambda _: None)
    parts.read(BILL, lambda: 1 / 0, 0.0)
    run = recorded(cost={"estimated_usd": 0.0, "actual_usd": 0.0, "lines": []}, missing_parts=parts.notes)
    assert (run["estimated_usd"], run["spent_usd"]) == (RUN["estimated_usd"], None)


def test_labels_do_not_change_the_record() -> None:
    assert recorded() == recorded(agreement=agreement()[:1], labels={"counted": 1, "changed": 0, "unmarked": 0})


class TestBill:
    def test_a_higher_bill_replaces_the_stored_one(self) -> None:
        run = with_bill({**RUN, "spent_usd": 1.0, "spent_by_kind": {"other": 1.0}}, [line("critic: a input", 1.5)])
        assert (run["spent_usd"], run["spent_by_kind"]) == (1.5, {"critic": 1.5})

    def test_what_an_earlier_attempt_has_spent_is_not_forgotten(self) -> None:
        stored: HistoryEntry = {**RUN, "spent_usd": 2.0, "spent_by_kind": {"other": 2.0}}
        assert with_bill(stored, [line("critic: a input", 1.5)]) == stored

    def test_the_total_has_hundredths_of_a_cent(self) -> None:
        assert bill_total([line("a", 0.1), line("b", 0.2)]) == 0.3


class TestChampion:
    def test_a_run_that_promotes_nothing_names_the_champion_that_it_found(self) -> None:
        assert with_champion(RUN, make_champion())["champion_model_arn"] == "arn:model/champion"
        assert with_champion(RUN, None)["champion_model_arn"] is None

    def test_a_report_that_is_written_again_does_not_undo_a_promotion(self) -> None:
        promoted: HistoryEntry = {**RUN, "promoted": "tuned", "champion_model_arn": "arn:model/tuned"}
        assert with_champion(promoted, make_champion()) == promoted


def test_the_calls_of_all_steps_and_of_the_critic_are_added_up() -> None:
    usage: Any = {"calls": 2, "cache_hits": 1, "input_tokens": 30, "output_tokens": 4}
    assert call_figures([usage, usage], [None, usage]) == {
        "calls": 6,
        "stored": 3,
        "input_tokens": 90,
        "output_tokens": 12,
    }
