from __future__ import annotations

from typing import Any

from bedrock_distill.lineage.result_steps import judge_lineage, promotion_lineage, report_lineage, score_lineage
from include.distill.config.use_case import UseCase, repeat_arm_name
from tests.plugins.conftest import FOLDER
from tests.plugins.lineage.test_data_steps import names

JUDGE = "claude-haiku-4-5"
SCORES: Any = {"scores_uri": FOLDER.evaluation_scores("tuned", "nova-pro")}
REPORTED: Any = {"report_json_uri": FOLDER.report("json"), "report_html_uri": FOLDER.report("html")}
PROMOTED: Any = {
    "champion_uri": f"{FOLDER.root}/champions/aws_docs_qa.json",
    "model_arn": "arn:aws:bedrock:us-east-1:123456789012:custom-model/m",
}


def test_a_judge_turns_the_answers_of_two_arms_into_verdicts(use_case: UseCase) -> None:
    result: Any = {"verdicts": 8}
    lineage = judge_lineage(use_case, FOLDER, judge=JUDGE, candidate="tuned", baseline="base", result=result)
    judge = use_case.catalog_model(JUDGE).foundation_id
    expected = ["answers/tuned", "answers/base", "source/evaluation.jsonl", f"foundation-model/{judge}"]
    assert names(lineage.inputs) == expected
    assert [(one.name, one.rows) for one in lineage.outputs] == [
        (FOLDER.judgments(JUDGE, "tuned", "base").removeprefix("s3://bedrock-distill-training/"), 8)
    ]


def test_the_noise_control_reads_the_answers_of_one_arm(use_case: UseCase) -> None:
    again = repeat_arm_name("base")
    lineage = judge_lineage(use_case, FOLDER, judge=JUDGE, candidate="base", baseline=again, result=None)
    assert [name for name in names(lineage.inputs) if name.startswith("answers/")] == ["answers/base"]
    assert lineage.outputs == ()


def test_the_report_reads_all_answers_verdicts_and_scores(use_case: UseCase) -> None:
    lineage = report_lineage(use_case, FOLDER, [SCORES], REPORTED)
    read = names(lineage.inputs)
    assert {f"answers/{arm.name}" for arm in use_case.arms} <= set(read)
    verdicts = [name for name in read if name.startswith("judgments/")]
    assert len(verdicts) == len(set(verdicts)) == len(use_case.judges) * len(use_case.judged_pairs)
    scored = score_lineage(use_case, FOLDER, arm="tuned", evaluator="nova-pro", result=SCORES).outputs
    assert set(names(scored)) <= set(read)
    assert names(lineage.outputs) == ["report/report.json", "report/report.html"]


def test_the_champion_is_made_from_the_report_and_the_winner(use_case: UseCase) -> None:
    lineage = promotion_lineage(FOLDER.report("json"), PROMOTED)
    assert names(lineage.inputs) == ["report/report.json", "custom-model/m"]
    assert names(lineage.outputs) == ["distill/champions/aws_docs_qa.json"]
    assert promotion_lineage(FOLDER.report("json"), None).outputs == ()
