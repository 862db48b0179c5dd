from __future__ import annotations

from typing import Any

import pytest

from include.distill.core.errors import UseCaseError
from include.distill.cost.prices import BillLine, Prices, total_usd
from include.distill.report.run_summary import (
    SYNTHESIS_FIELDS,
    ArmSummary,
    bill,
    compare_with_estimate,
    describe_settings,
    disagreement_rows,
    document_group_by_row,
    sum_counts,
)
from tests.distill.conftest import make_row, make_use_case

USE_CASE = make_use_case(judges=["claude-haiku-4-5", "llama-3-3-70b"])
ROUND = {"input_per_million": 1, "output_per_million": 2, "training_per_thousand": 0.01, "throughput_per_hour": 10}
PRICES = Prices(
    dict.fromkeys(("claude-sonnet-4-6", "nova-micro", "claude-haiku-4-5"), ROUND)
    | {"llama-3-3-70b": {"input_per_million": 3, "output_per_million": 3}},
    batch_share=0.5,
)
MILLION = 1_000_000


def used(input_tokens: int = 0, output_tokens: int = 0, **more: Any) -> dict[str, Any]:
    in_batches = {"batch_input_tokens": 0, "batch_output_tokens": 0}
    return {"input_tokens": input_tokens, "output_tokens": output_tokens, **in_batches, **more}


def billed(**parts: Any) -> dict[str, float]:
    given = {"synthesis": [], "arms": [], "judgments": [], **parts}
    return {line.what: line.usd for line in bill(USE_CASE, prices=PRICES, **given)}


class TestBill:
    def test_a_run_that_found_everything_pays_nothing(self) -> None:
        tuned = ArmSummary("tuned", "fine_tuned", [used()], paid_training=False, training_tokens=5000, unit_hours=0)
        assert billed(
            synthesis=[used(), used()],
            arms=[ArmSummary("base", "base", [used()]), tuned],
            judgments=[used(judge=judge) for judge in USE_CASE.judges],
        ) == {}  # fmt: skip

    def test_the_critic_has_lines_of_its_own_and_no_batch_price(self) -> None:
        use_case = make_use_case(curation={"critic": {"model": "claude-haiku-4-5", "max_spend_usd": 5}})
        critic = {"input_tokens": MILLION, "output_tokens": MILLION}
        synthesis = [used(MILLION, critic=critic), used(critic=critic), used()]
        lines = bill(use_case, synthesis=synthesis, arms=[], judgments=[], prices=PRICES)
        assert {line.what: line.usd for line in lines} == {
            "synthesis: claude-sonnet-4-6 input": 1,
            "critic: claude-haiku-4-5 input": 2,
            "critic: claude-haiku-4-5 output": 4,
        }
        assert describe_settings(use_case, prompts={})["critic"] == "claude-haiku-4-5, for at most $5.00"
        assert "critic" not in describe_settings(USE_CASE, prompts={})

    def test_every_paid_part_has_its_line(self) -> None:
        lines = billed(
            synthesis=[used(MILLION, MILLION), used(MILLION)],
            arms=[
                ArmSummary("base", "base", [used(MILLION, MILLION)]),
                ArmSummary("tuned", "fine_tuned", [], paid_training=True, training_tokens=5000, unit_hours=0.5),
            ],
            judgments=[used(MILLION, judge="claude-haiku-4-5"), used(MILLION, judge="llama-3-3-70b")],
        )
        assert lines == {
            "synthesis: claude-sonnet-4-6 input": 2,
            "synthesis: claude-sonnet-4-6 output": 2,
            "answers base: nova-micro input": 1,
            "answers base: nova-micro output": 2,
            "training tuned: nova-micro": 0.05,
            "throughput tuned: nova-micro": 5,
            "judging: claude-haiku-4-5 input": 1,
            "judging: llama-3-3-70b input": 3,
        }

    def test_tokens_of_a_served_arm_are_paid_for_by_the_hour(self) -> None:
        arm = ArmSummary("tuned", "fine_tuned", [used(MILLION, MILLION)], unit_hours=1)
        assert billed(arms=[arm]) == {"throughput tuned: nova-micro": 10}

    def test_the_total_is_the_lines(self) -> None:
        lines = bill(USE_CASE, synthesis=[used(1500, 700)], arms=[], judgments=[], prices=PRICES)
        assert total_usd(lines) == sum(line.usd for line in lines) == 0.0029

    def test_what_was_paid_without_a_known_price_is_an_error(self) -> None:
        with pytest.raises(UseCaseError, match="no training_per_thousand for nova-micro"):
            bill(
                USE_CASE,
                synthesis=[],
                arms=[ArmSummary("tuned", "fine_tuned", [], paid_training=True)],
                judgments=[],
                prices=Prices({"claude-sonnet-4-6": ROUND}, batch_share=0.5),
            )


class TestBesideEstimate:
    def test_each_line_stands_beside_what_was_estimated(self) -> None:
        paid = [BillLine("synthesis", 10, "token", 0.5), BillLine("a retry", 2, "token", 0.5)]
        expected = [BillLine("synthesis", 20, "token", 0.5), BillLine("training", 4, "token", 0.5)]
        records = compare_with_estimate(paid, [line.as_record() for line in expected])
        assert [(r["what"], r["quantity"], r["usd"], r["estimated_usd"]) for r in records] == [
            ("synthesis", 10, 5.0, 10.0),
            ("a retry", 2, 1.0, 0.0),
            ("training", 0, 0.0, 2.0),
        ]
        assert sum(record["usd"] for record in records) == total_usd(paid)


class TestCounts:
    def test_manifests_are_summed_field_by_field(self) -> None:
        manifests = [{**dict.fromkeys(SYNTHESIS_FIELDS, number), "failed": 9} for number in (1, 2)]
        assert sum_counts(manifests) == dict.fromkeys(SYNTHESIS_FIELDS, 3)
        assert sum_counts([]) == dict.fromkeys(SYNTHESIS_FIELDS, 0)

    def test_a_manifest_without_a_count_is_an_error_not_zero(self) -> None:
        with pytest.raises(KeyError, match="calls"):
            sum_counts([{"documents": 1}], ("documents", "calls"))


class TestArms:
    def test_an_arm_that_buys_nothing_is_null_but_released(self) -> None:
        record = ArmSummary("base", "base", []).as_record()
        assert record.pop("released") is True
        assert {record.pop("name"), record.pop("kind")} == {"base"}
        assert set(record.values()) == {None}

    def test_a_trained_arm_says_where_everything_lies(self) -> None:
        arm = ArmSummary(
            "tuned",
            "fine_tuned",
            [],
            dataset={"records": 120, "train_uri": "s3://t"},
            trained={"job_arn": "arn:job", "status": "Completed", "training_loss": 0.5},
            serving="provisioned_throughput",
            released=False,
        )
        assert arm.as_record() == {
            "name": "tuned",
            "kind": "fine_tuned",
            "records": 120,
            "train_uri": "s3://t",
            "job_arn": "arn:job",
            "job_status": "Completed",
            "training_loss": 0.5,
            "serving": "provisioned_throughput",
            "released": False,
        }


class TestRows:
    def test_rows_of_one_document_are_one_cluster(self) -> None:
        rows = [make_row(1, document="d"), make_row(2, document="d"), make_row(3, document="other")]
        found = document_group_by_row(rows)
        assert list(found) == [row["row_id"] for row in rows]
        assert found[rows[0]["row_id"]] == found[rows[1]["row_id"]] != found[rows[2]["row_id"]]

    def test_rows_on_which_judges_disagree_are_shown_with_both_answers(self) -> None:
        def verdicts(judge: str, row_id: str, says: str) -> list[dict[str, str]]:
            pair = {"judge": judge, "candidate": "tuned", "baseline": "base", "row_id": row_id, "verdict": says}
            return [{**pair, "order": order} for order in ("candidate_first", "baseline_first")]

        rows = disagreement_rows(
            [
                *verdicts("x", "r1", "candidate"),
                *verdicts("y", "r1", "candidate"),
                *verdicts("x", "r2", "candidate"),
                *verdicts("y", "r2", "baseline"),
            ],
            {"tuned": {"r1": "t1", "r2": "t2"}, "base": {"r1": "b1", "r2": "b2"}},
            {"r1": "q1", "r2": "q2"},
        )
        assert rows == [
            {
                "row_id": "r2",
                "candidate": "tuned",
                "baseline": "base",
                "by_judge": {"x": "candidate", "y": "baseline"},
                "by_person": {},
                "question": "q2",
                "candidate_answer": "t2",
                "baseline_answer": "b2",
            }
        ]


class TestSettings:
    def test_they_name_what_a_reader_needs_to_repeat_the_run(self) -> None:
        made = describe_settings(USE_CASE, prompts={"a.j2": "v1", "b.j2": "v2"})
        assert (made["teacher"], made["student"]) == ("claude-sonnet-4-6", "nova-micro")
        assert made["prompts"] == "a.j2 v1, b.j2 v2"
        assert made["hyperparameters"] == "defaults"

    def test_a_judge_of_the_teachers_family_is_named_as_such(self) -> None:
        judges = describe_settings(USE_CASE, prompts={})["judges"]
        assert judges == "claude-haiku-4-5 (of the teacher's family), llama-3-3-70b"

    def test_the_terms_of_the_teacher_are_told_when_the_student_is_anothers(self) -> None:
        note = describe_settings(USE_CASE, prompts={})["licence of the answers"]
        assert "nova-micro, amazon" in note
        assert "licence of the answers" not in describe_settings(make_use_case(teacher="nova-pro"), prompts={})
