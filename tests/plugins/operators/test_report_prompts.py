"""Test that the report has the optimized prompts, and that a run loses no report because of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bedrock_distill.operators.judge import BedrockJudgeOperator
from bedrock_distill.operators.report import RenderReportOperator
from include.distill.config.use_case import UseCase
from include.distill.core.storage import read_json, write_json
from include.distill.prompt_optimization.results import prompt_version
from tests.distill.report.example_prompts import OPTIMIZED, optimized_prompt
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, freeze
from tests.plugins.operators import test_report

new_run = test_report.new_run
ARMS = [
    {"name": "base", "kind": "base"},
    {"name": "prompted", "kind": "base", "prompt": "optimized"},
    {"name": "tuned"},
]
COMPARISONS = [{"candidate": arm, "baseline": "base"} for arm in ("tuned", "prompted")]


@pytest.fixture
def prompted_run(new_run: Any, store: MemoryStore, use_case: UseCase) -> Any:
    """A run with an arm that answers like the base arm, and the arguments of its task ``report``."""
    freeze(store, use_case, arms=ARMS, comparisons=COMPARISONS)
    write_json(store, FOLDER.optimized_prompt("prompted"), optimized_prompt())
    run = new_run()
    arguments = run.until_report()
    for number in range(len(arguments["arms"]["base"]["answers"])):
        store.write(FOLDER.answers("prompted", number), store.read(FOLDER.answers("base", number)))
    judged = [
        run.run(BedrockJudgeOperator, judge=judge, candidate="prompted", baseline="base") for judge in use_case.judges
    ]
    arms = {**arguments["arms"], "prompted": arguments["arms"]["base"]}
    return run, {**arguments, "arms": arms, "judgments": [[*arguments["judgments"][0], *judged]]}


def reported(prompted_run: Any) -> tuple[Any, str]:
    run, arguments = prompted_run
    manifest = run.run(RenderReportOperator, "report", **arguments)
    return read_json(run.store, manifest["report_json_uri"], dict), run.store.read(manifest["report_html_uri"]).decode()


def test_the_report_has_the_prompt_with_its_figures(prompted_run: Any) -> None:
    report, page = reported(prompted_run)
    assert report["missing_parts"] == []
    assert report["prompt_optimization"] == [optimized_prompt()]
    arms = {arm["name"]: arm for arm in report["arms"]}
    assert (arms["prompted"]["prompt"], arms["prompted"]["prompt_version"]) == ("optimized", prompt_version(OPTIMIZED))
    assert "prompt" not in arms["base"]
    assert "judge of the job that optimized the prompt of prompted" in report["settings"]
    assert "Was training needed?" in page
    assert [decision["candidate"] for decision in report["promotion"]["decisions"]] == ["tuned"]


@pytest.mark.parametrize("body", [None, b"{", b"{}", b"[]", b'{"arm": "prompted", "optimized": 3}'])
def test_a_prompt_that_cannot_be_read_does_not_cost_the_report(prompted_run: Any, body: bytes | None) -> None:
    store = prompted_run[0].store
    store.delete(FOLDER.optimized_prompt("prompted"))
    if body is not None:
        store.write(FOLDER.optimized_prompt("prompted"), body)
    report, page = reported(prompted_run)
    assert "prompt_optimization" not in report
    assert {arm["name"] for arm in report["arms"] if arm.get("prompt") and "prompt_version" not in arm} == {"prompted"}
    (note,) = report["missing_parts"]
    assert note.startswith("The report does not contain the optimized prompt of prompted: ")
    assert "Clear prompted.optimize.collect with downstream" in note
    assert "base student, optimized prompt" in page


def test_a_record_with_impossible_figures_is_left_out(prompted_run: Any) -> None:
    figures = {"score": 61.0, "input_tokens": 1.0, "output_tokens": 1.0}
    write_json(prompted_run[0].store, FOLDER.optimized_prompt("prompted"), optimized_prompt(before=figures))
    report, _ = reported(prompted_run)
    assert "prompt_optimization" not in report
    assert "before.score" in report["missing_parts"][0]


def test_a_prompt_that_utf_8_cannot_encode_is_left_out(prompted_run: Any) -> None:
    broken = json.dumps(optimized_prompt(optimized="\ud83d {{document}} {{question}}"))
    prompted_run[0].store.write(FOLDER.optimized_prompt("prompted"), broken.encode())
    report, _ = reported(prompted_run)
    assert "prompt_optimization" not in report
    assert "surrogates not allowed" in report["missing_parts"][0]


def test_the_record_of_another_arm_is_shown_as_that_of_its_place(prompted_run: Any) -> None:
    write_json(prompted_run[0].store, FOLDER.optimized_prompt("prompted"), optimized_prompt(arm="earlier"))
    report, _ = reported(prompted_run)
    assert [prompt["arm"] for prompt in report["prompt_optimization"]] == ["prompted"]


@pytest.mark.parametrize("bought", [True, False])
def test_the_job_is_part_of_the_bill_if_the_run_bought_it(prompted_run: Any, *, bought: bool) -> None:
    run, arguments = prompted_run
    tokens = {"student_input": 1_000_000, "student_output": 0, "judge_input": 1_000_000, "judge_output": 0}
    optimized = {"arm": "prompted", "job_name": "job", "bought": bought, "at_most_usd": 9.0, "tokens": tokens}
    prompted = {**arguments["arms"]["prompted"], "optimized": optimized}
    report, _ = reported((run, {**arguments, "arms": {**arguments["arms"], "prompted": prompted}}))
    billed = [
        line["what"] for line in report["cost"]["lines"] if line["quantity"] and line["what"].startswith("prompt opt")
    ]
    what = "prompt optimization prompted (estimated)"
    expected = [f"{what}: nova-micro input", f"{what}, judge: claude-sonnet-4-6 input"]
    assert billed == (expected if bought else [])
