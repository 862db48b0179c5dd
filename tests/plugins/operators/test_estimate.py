from __future__ import annotations

import json
import re
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TriggerRule
from airflow.sdk.exceptions import DownstreamTasksSkipped

from bedrock_distill.operators.estimate import EstimateCostOperator
from bedrock_distill.operators.synthesize import BedrockSynthesizeOperator
from include.distill.config.catalog import load_catalog
from include.distill.config.use_case import UseCase
from include.distill.core.errors import (
    BudgetExceededError,
    EstimateAboveCapError,
    InputError,
    LimitError,
    RefusedError,
    SpendCapError,
    UseCaseError,
)
from include.distill.core.storage import read_json, write_jsonl
from include.distill.cost.prices import load_prices
from include.distill.cost.records import CostEstimate, SpendingEstimate
from include.distill.cost.spending_approval import plan_spending
from include.distill.evaluation.champion import Champion, save_champion_snapshot
from include.distill.history.months import read_month
from include.distill.prompt_optimization.ended_jobs import EndedOptimizationJobs
from include.distill.training import limits as limits_of_training
from tests.fakes.dialogue import say
from tests.fakes.fake_bedrock import FakeBedrock
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI, freeze, make_champion, make_row
from tests.plugins.run.test_month_budget import past_run, put

PROVISIONED = {"mode": "provisioned"}


@pytest.fixture
def estimate(equip: Any) -> Any:
    return equip(EstimateCostOperator(task_id="estimate", run_uri=RUN_URI))


def test_the_lines_are_written_and_add_up_to_the_estimate(estimate: Any, store: MemoryStore, context: Any) -> None:
    manifest = estimate.execute(context)
    written = read_json(store, manifest["estimate_uri"], dict)
    assert manifest == {
        "estimated_usd": written["estimated_usd"],
        "max_spend_usd": 150,
        "estimate_uri": FOLDER.estimate,
    }
    assert written["estimated_usd"] == pytest.approx(sum(line["usd"] for line in written["lines"]))
    assert {line["what"].split(" ")[0].rstrip(":") for line in written["lines"]} == {
        "synthesis",
        "answers",
        "training",
        "judging",
    }
    assert len(json.dumps(manifest)) < 2048


def test_the_jobs_of_evaluators_are_part_of_the_estimate_but_not_of_the_budget_for_calls(
    estimate: Any, store: MemoryStore, use_case: UseCase, context: Any
) -> None:
    before = read_json(store, estimate.execute(context)["estimate_uri"], dict)
    freeze(store, use_case, evaluations={"pointwise": {"evaluators": ["nova-pro"]}})
    estimate.__dict__.pop("use_case")
    with_scores = read_json(store, estimate.execute(context)["estimate_uri"], dict)
    scores = [line for line in with_scores["lines"] if line["what"].startswith("scores ")]
    assert [line["what"] for line in scores] == [
        f"scores {arm} (estimated): nova-pro {direction}"
        for arm in ("base", "tuned")
        for direction in ("input", "output")
    ]
    added = with_scores["estimated_usd"] - before["estimated_usd"]
    assert added == pytest.approx(sum(line["usd"] for line in scores), abs=1e-3)
    assert with_scores["by_characters_usd"] == before["by_characters_usd"]
    assert "nova-pro" in with_scores["prices"]


def test_the_log_warns_that_a_distillation_job_may_cost_more_than_the_estimate(
    estimate: Any, store: MemoryStore, use_case: UseCase, context: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    arms = [{"name": "base", "kind": "base"}, {"name": "managed", "kind": "distilled", "teacher": "nova-pro"}]
    freeze(store, use_case, arms=arms)
    write_jsonl(store, FOLDER.source("train"), [make_row(n) for n in range(200)])
    estimate.execute(context)
    assert "The distillation job of arm managed is estimated at $" in capsys.readouterr().out
    plan = plan_spending(use_case, read_json(store, FOLDER.estimate, SpendingEstimate))
    assert "Neither the estimate, the spend cap nor an approval includes these prompts." in plan.notes[0]


def test_prompts_that_are_too_many_for_a_distillation_job_are_refused_before_the_teacher_is_asked(
    estimate: Any, store: MemoryStore, use_case: UseCase, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = load_catalog()
    limits = catalog.distillation.model_copy(update={"prompts": (100, 250)})
    monkeypatch.setattr(limits_of_training, "load_catalog", lambda: catalog.model_copy(update={"distillation": limits}))
    managed = {"name": "managed", "kind": "distilled", "teacher": "nova-pro"}
    write_jsonl(store, FOLDER.source("train"), [make_row(n) for n in range(200)])
    freeze(store, use_case, arms=[{"name": "base", "kind": "base"}, {**managed, "synthetic": 50}])
    estimate.execute(context)
    freeze(store, use_case, arms=[{"name": "base", "kind": "base"}, {**managed, "synthetic": 51}])
    estimate.__dict__.pop("use_case")
    with pytest.raises(
        InputError, match=r"(?s)can get 200 rows and 51 pairs.*at most 250 prompts.*teacher was not asked"
    ):
        estimate.execute(context)


def test_the_log_warns_about_an_arm_that_may_get_too_many_records(
    estimate: Any, store: MemoryStore, context: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("include.distill.training.reachable_sizes.largest_size", lambda *_: (20_000, 1))
    estimate.execute(context)
    assert "If few pairs are rejected, the task merge fails after the teacher was paid: arm tuned can" in (
        capsys.readouterr().out
    )


def test_the_job_that_optimizes_a_prompt_is_part_of_the_estimate_but_not_of_the_budget_for_calls(
    estimate: Any, store: MemoryStore, use_case: UseCase, context: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    arms = [{"name": "base", "kind": "base"}, {"name": "prompted", "kind": "base", "prompt": "optimized"}]
    freeze(store, use_case, arms=[*arms, {"name": "tuned"}])
    written = read_json(store, estimate.execute(context)["estimate_uri"], CostEstimate)
    lines = {line["what"]: line for line in written["lines"]}
    jobs = [line for what, line in lines.items() if what.startswith("prompt optimization prompted (estimated)")]
    assert [line["quantity"] > 0 for line in jobs] == [True] * 4
    answers = [lines[f"answers {arm}: nova-micro input"]["quantity"] for arm in ("base", "prompted")]
    assert answers[1] > answers[0]
    assert "The prompt optimization job of arm prompted is estimated at $" in capsys.readouterr().out
    freeze(store, use_case, arms=[*arms, {"name": "tuned"}], prompt_optimization={"samples": 1})
    estimate.__dict__.pop("use_case")
    with_one_sample = read_json(store, estimate.execute(context)["estimate_uri"], CostEstimate)
    assert with_one_sample["estimated_usd"] < written["estimated_usd"]
    assert with_one_sample["by_characters_usd"] == written["by_characters_usd"]
    plan = plan_spending(use_case, read_json(store, FOLDER.estimate, SpendingEstimate))
    assert "which neither the estimate, the spend cap nor an approval includes." in plan.notes[0]


def test_a_job_that_any_run_bought_is_not_expected_to_be_paid_for(
    estimate: Any, store: MemoryStore, context: Any, optimizations: Any, submit_optimization: Any
) -> None:
    before = read_json(store, estimate.execute(context)["estimate_uri"], CostEstimate)
    job = submit_optimization()
    optimizations.write_results(job["job_arn"])
    ended = {"job_name": job["job_name"], "job_arn": job["job_arn"], "status": "Completed", "message": None}
    EndedOptimizationJobs(store, FOLDER).add({**ended, "output_uri": job["output_uri"]})  # type: ignore[typeddict-item]
    after = read_json(store, estimate.execute(context)["estimate_uri"], CostEstimate)
    job_usd = sum(line["usd"] for line in after["lines"] if line["what"].startswith("prompt optimization"))
    assert after["stored_usd"] - before["stored_usd"] == pytest.approx(job_usd, abs=1e-3)
    assert job_usd > 0
    [note] = after["optimization_notes"]
    assert "was bought already" in note


def test_samples_that_are_too_large_for_a_job_are_refused_before_anything_is_bought(
    estimate: Any, store: MemoryStore, use_case: UseCase, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.distill.prompt_optimization.dataset.MOST_BYTES", 100)
    estimate.execute(context)
    freeze(store, use_case, arms=[{"name": "prompted", "kind": "base", "prompt": "optimized"}, {"name": "tuned"}])
    estimate.__dict__.pop("use_case")
    with pytest.raises(LimitError, match=r"Bedrock permits at most 100 bytes.*Clear|lear preflight with downstream"):
        estimate.execute(context)


def test_an_estimate_above_the_cap_is_an_error_that_gives_both_amounts_and_buys_nothing(
    estimate: Any, store: MemoryStore, bedrock: FakeBedrock, use_case: UseCase, context: Any
) -> None:
    freeze(store, use_case, max_spend_usd=0.01)
    with pytest.raises(
        SpendCapError,
        match=r"(?s)estimated at \$0\.\d\d, which is above Spend cap, US dollars \(max_spend_usd\) = \$0\.01.*clear",
    ):
        estimate.execute(context)
    assert store.exists(FOLDER.estimate)
    assert (bedrock.bought, bedrock.asked) == ([], [])


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows_for_the_minimum_of_the_family_are_refused_before_the_teacher_is_asked(
    estimate: Any, store: MemoryStore, bedrock: FakeBedrock, context: Any, rows: int
) -> None:
    write_jsonl(store, FOLDER.source("train"), [make_row(n) for n in range(rows)])
    with pytest.raises(InputError, match=rf"{rows} × \(1 \+ 3\) = {4 * rows} training.*requires at least 8"):
        estimate.execute(context)
    assert (bedrock.bought, bedrock.asked) == ([], [])


def test_just_enough_rows_for_the_minimum_of_the_family_are_accepted(
    estimate: Any, store: MemoryStore, context: Any
) -> None:
    write_jsonl(store, FOLDER.source("train"), [make_row(n) for n in range(2)])
    assert estimate.execute(context)["estimated_usd"] > 0


def test_an_arm_that_needs_more_originals_than_there_are_is_refused_before_anything_is_bought(
    estimate: Any, store: MemoryStore, use_case: UseCase, context: Any
) -> None:
    arms = [{"name": "base", "kind": "base"}, {"name": "tuned", "originals": 500, "synthetic": 0}]
    freeze(store, use_case, arms=arms)
    with pytest.raises(InputError, match="10 rows to train on, but arm tuned requests 500 originals"):
        estimate.execute(context)


@pytest.mark.parametrize("champion", [None, make_champion()], ids=["no champion yet", "a champion"])
def test_the_estimate_includes_serving_the_champion(
    estimate: Any, store: MemoryStore, use_case: UseCase, context: Any, champion: Champion | None
) -> None:
    freeze(store, use_case, arms=[{"name": "best", "kind": "champion"}, {"name": "tuned"}])
    save_champion_snapshot(store, FOLDER, champion)
    lines = read_json(store, estimate.execute(context)["estimate_uri"], dict)["lines"]
    assert ("answers best: nova-micro custom model input" in {line["what"] for line in lines}) is (champion is not None)


def test_a_dry_run_keeps_its_estimate_and_skips_all_later_tasks(equip: Any, context: Any) -> None:
    with DAG(dag_id="dag", schedule=None):
        task = EstimateCostOperator(task_id="estimate", run_uri=RUN_URI)
        delete_losers = EmptyOperator(task_id="delete_losers", trigger_rule=TriggerRule.NONE_FAILED)
        outcome = EmptyOperator(task_id="outcome").as_teardown()
        task >> EmptyOperator(task_id="approve_spending") >> delete_losers >> outcome
    context["params"] = {"dry_run": True}
    with pytest.raises(DownstreamTasksSkipped) as skipped:
        equip(task).execute(context)
    assert list(skipped.value.tasks) == ["approve_spending", "delete_losers"]
    assert context["ti"].xcoms["return_value"]["estimated_usd"] > 0


def test_a_dry_run_above_the_cap_fails_too(estimate: Any, store: MemoryStore, use_case: UseCase, context: Any) -> None:
    freeze(store, use_case, max_spend_usd=0.01)
    context["params"] = {"dry_run": True}
    with pytest.raises(SpendCapError):
        estimate.execute(context)


def test_the_estimate_records_how_tokens_were_counted_the_number_of_calls_and_the_sources_of_prices(
    estimate: Any, store: MemoryStore, context: Any
) -> None:
    estimate.execute(context)
    written = read_json(store, FOLDER.estimate, dict)
    assert set(written["tokens"].values()) == {
        "prompts: CountTokens on 10 rows; answers: estimated",
        "prompts: CountTokens on 4 rows; answers: estimated",
    }
    assert written["calls"] == {
        "synthesis": 10,
        "answers base": 4,
        "answers tuned": 4,
        "judging claude-haiku-4-5": 8,
        "judging mistral-large-3": 8,
    }
    assert all(re.search(r", 20\d\d-\d\d-\d\d", source) for source in written["prices"].values())


def test_the_log_says_for_each_step_how_tokens_were_counted(
    estimate: Any, context: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A step is named `answers`, and so is one of the two counts of each step."""
    estimate.execute(context)
    assert (
        "Token counts: synthesis (prompts: CountTokens on 10 rows; answers: estimated),"
        " answers (prompts: CountTokens on 4 rows; answers: estimated),"
    ) in capsys.readouterr().out


def test_an_estimate_without_counted_tokens_records_that_tokens_were_estimated(
    estimate: Any, store: MemoryStore, bedrock: FakeBedrock, context: Any
) -> None:
    bedrock.refuse["count_tokens"] = RefusedError("no access to CountTokens")
    estimate.execute(context)
    for how in read_json(store, FOLDER.estimate, dict)["tokens"].values():
        assert "estimated from the writing system and the kind of each text" in how
        assert "no access to CountTokens" in how


def test_no_tokens_are_counted_if_the_use_case_turns_counting_off(
    estimate: Any, store: MemoryStore, bedrock: FakeBedrock, use_case: UseCase, context: Any
) -> None:
    freeze(store, use_case, estimate={"counted_rows": 0})
    bedrock.refuse["count_tokens"] = AssertionError("counted all the same")  # type: ignore[assignment]
    estimate.execute(context)
    assert "CountTokens" not in str(read_json(store, FOLDER.estimate, dict)["tokens"])


def test_the_estimate_of_a_critic_is_at_most_its_budget_which_is_divided_among_the_tasks(
    estimate: Any, equip: Any, store: MemoryStore, bedrock: FakeBedrock, use_case: UseCase, context: Any
) -> None:
    """Each of the ten rows is a task. The budget covers half of the thirty pairs."""
    critic = {"model": "claude-haiku-4-5", "max_spend_usd": 1000}
    freeze(store, use_case, curation={"critic": critic, "min_grounding": 0})
    estimate.execute(context)
    whole = read_json(store, FOLDER.estimate, dict)["critic_by_characters_usd"]
    freeze(store, use_case, curation={"critic": {**critic, "max_spend_usd": whole / 2}, "min_grounding": 0})
    equip(EstimateCostOperator(task_id="again", run_uri=RUN_URI)).execute(context)
    written = read_json(store, FOLDER.estimate, dict)
    assert written["calls"]["critic"] == 30
    assert sum(line["usd"] for line in written["lines"] if line["what"].startswith("critic")) <= whole / 2 + 1e-4
    bedrock.say = say
    of_input, _ = load_prices().token_prices("claude-haiku-4-5")
    bedrock.usage = (round(whole / 30 / of_input), 0)  # every call costs exactly its estimate
    tasks = [equip(BedrockSynthesizeOperator(task_id="s", run_uri=RUN_URI, shard=number)) for number in range(10)]
    looked = [task.execute(context)["critic"] for task in tasks]
    assert {(one["grounded"], one["not_looked_at"]) for one in looked} == {(1, 2)}


def above_cap(estimate: Any, context: Any) -> str:
    with pytest.raises(SpendCapError) as raised:
        estimate.execute(context)
    return str(raised.value)


def test_a_cap_below_the_price_of_an_endpoint_says_that_a_smaller_run_cannot_help(
    estimate: Any, store: MemoryStore, use_case: UseCase, context: Any
) -> None:
    freeze(store, use_case, max_spend_usd=5, serving=PROVISIONED)
    context["dag_run"].conf = {"max_spend_usd": 5, "documents": 10}
    text = above_cap(estimate, context)
    assert "Endpoints cost $60.50, however few rows the run has (arms: 1, model-unit hours: 1)." in text
    to_do = text.splitlines()[-1]
    assert to_do.startswith("What to do: Trigger a new run with Spend cap, US dollars (max_spend_usd) of at least $60.")
    assert "the endpoints alone cost $60.50, so every cap up to this amount is too low" in to_do
    assert "clear" not in to_do
    assert "costs less" not in to_do


@pytest.mark.parametrize("conf", [None, {}, {"max_spend_usd": None}, {"documents": 10}])
def test_a_cap_of_the_use_case_file_is_raised_there(
    estimate: Any, store: MemoryStore, use_case: UseCase, context: Any, conf: Any
) -> None:
    freeze(store, use_case, max_spend_usd=5, serving=PROVISIONED)
    context["dag_run"].conf = conf
    to_do = above_cap(estimate, context).splitlines()[-1]
    assert to_do.startswith("What to do: The form accepts no cap above max_spend_usd in aws_docs_qa.yaml. Raise")
    assert to_do.count("clear") == 1


def test_every_endpoint_that_could_be_left_out_is_priced(
    estimate: Any, store: MemoryStore, use_case: UseCase, context: Any
) -> None:
    arms = [{"name": "base", "kind": "base"}, {"name": "one"}, {"name": "two", "synthetic": 0}]
    freeze(store, use_case, arms=arms, max_spend_usd=100, serving={**PROVISIONED, "expected_hours": 2})
    text = above_cap(estimate, context)
    assert "Each trained arm that you remove from aws_docs_qa.yaml saves $121.00" in text
    assert "The estimate assumes 2 hours per arm (serving.expected_hours)" in text


def test_a_cap_above_the_price_of_the_endpoint_leaves_room_for_a_smaller_run(
    estimate: Any, store: MemoryStore, use_case: UseCase, context: Any
) -> None:
    freeze(store, use_case, max_spend_usd=60.51, serving=PROVISIONED)
    text = above_cap(estimate, context)
    assert "Or trigger a new run with fewer documents, evaluation rows or pairs." in text
    assert "cannot help" not in text


def test_the_smallest_cap_that_the_message_names_is_enough(
    estimate: Any, equip: Any, store: MemoryStore, use_case: UseCase, context: Any
) -> None:
    freeze(store, use_case, max_spend_usd=5, serving=PROVISIONED)
    smallest = float(above_cap(estimate, context).split("to at least $")[1].split(", ")[0])
    freeze(store, use_case, max_spend_usd=smallest, serving=PROVISIONED)
    assert equip(EstimateCostOperator(task_id="again", run_uri=RUN_URI)).execute(context)["max_spend_usd"] == smallest


class TestServing:
    """The choice between a deployment and provisioned throughput, for each arm that a custom model answers for."""

    def test_both_options_and_the_reason_are_stored_and_logged(
        self, estimate: Any, store: MemoryStore, context: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        estimate.execute(context)
        (choice,) = (stored := read_json(store, FOLDER.estimate, CostEstimate)["serving"]).values()
        assert (list(stored), choice["mode"]) == (["tuned"], "on_demand")
        assert [(option["mode"], option["possible"]) for option in choice["options"]] == [
            ("on_demand", True),
            ("provisioned", True),
        ]
        log = capsys.readouterr().out
        assert "tuned is served by a deployment, on demand, because a deployment costs nothing while it is idle" in log
        assert (
            "a deployment, on demand: $0.0000, about 8 minutes; provisioned throughput: $60.50 at $60.50 per h" in log
        )

    def test_a_slow_quota_leads_to_throughput_whose_hours_are_in_the_estimate(
        self, estimate: Any, store: MemoryStore, use_case: UseCase, context: Any
    ) -> None:
        freeze(store, use_case, serving={"max_hours": 0.00001})
        estimate.execute(context)
        stored = read_json(store, FOLDER.estimate, CostEstimate)
        assert stored["serving"]["tuned"]["mode"] == "provisioned"
        assert "which is longer than serving.max_hours, 1e-05 h" in stored["serving"]["tuned"]["reason"]
        hours = {line["what"]: line["quantity"] for line in stored["lines"] if line["unit"] == "unit-hour"}
        assert hours == {"throughput tuned: nova-micro": 1}

    def test_provisioned_throughput_can_be_required(
        self, estimate: Any, store: MemoryStore, use_case: UseCase, context: Any
    ) -> None:
        freeze(store, use_case, serving=PROVISIONED)
        assert estimate.execute(context)["estimated_usd"] > 60
        choice = read_json(store, FOLDER.estimate, CostEstimate)["serving"]["tuned"]
        assert (choice["mode"], choice["reason"]) == ("provisioned", "serving.mode is provisioned")

    def test_an_estimate_above_the_cap_names_the_cheaper_way(
        self, estimate: Any, store: MemoryStore, use_case: UseCase, context: Any
    ) -> None:
        freeze(store, use_case, max_spend_usd=5, serving={"max_hours": 0.00001})
        assert "Or set serving.mode to on_demand" in above_cap(estimate, context)

    def test_a_champion_that_can_only_be_provisioned_is_refused_if_the_use_case_asks_for_deployments(
        self, estimate: Any, store: MemoryStore, bedrock: FakeBedrock, use_case: UseCase, context: Any
    ) -> None:
        arms = [{"name": "best", "kind": "champion"}, {"name": "tuned"}]
        freeze(store, use_case, arms=arms, serving={"mode": "on_demand"})
        save_champion_snapshot(store, FOLDER, make_champion(student="llama-3-1-8b"))
        with pytest.raises(
            UseCaseError, match=r"serving\.mode is on_demand, but Bedrock does not deploy.*auto or provis"
        ):
            estimate.execute(context)
        assert (bedrock.bought, bedrock.asked) == ([], [])


def test_too_few_evaluation_questions_cause_a_warning_before_anything_is_bought(
    estimate: Any, context: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    estimate.execute(context)
    log = capsys.readouterr().out
    assert "can give no verdict and promote no arm: it has 4 evaluation questions from 4 document groups" in log
    assert "A verdict needs at least 100 questions from at least 40 document groups" in log


def test_the_log_separates_the_full_price_from_what_this_run_is_expected_to_pay(
    estimate: Any, context: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    estimate.execute(context)
    log = capsys.readouterr().out
    assert "Full price of the run: $0.05." in log
    assert "Results worth about $0.00 of this were bought by earlier runs and are stored" in log


class TestBudget:
    def test_the_part_that_is_not_stored_yet_is_compared_with_what_is_left(
        self, estimate: Any, store: MemoryStore, use_case: UseCase, context: Any
    ) -> None:
        usd = estimate.execute(context)["estimated_usd"]
        freeze(store, use_case, budget={"month_usd": usd + 5})
        estimate.__dict__.pop("use_case")
        put(store, past_run("a", 4.99))
        manifest = estimate.execute(context)
        [state] = manifest["budget"]
        assert (state["expected_usd"], state["spent_usd"]) == (pytest.approx(usd, abs=1e-4), 4.99)
        assert len(json.dumps(manifest)) < 2048
        put(store, past_run("b", 0.02))
        with pytest.raises(BudgetExceededError, match=r"This run is expected to pay \$.* but \$.* is left"):
            estimate.execute(context)

    def test_a_dry_run_only_says_that_the_run_would_not_start(
        self, estimate: Any, store: MemoryStore, use_case: UseCase, context: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        freeze(store, use_case, budget={"month_usd": 0.01})
        context["params"] = {"dry_run": True}
        with pytest.raises(DownstreamTasksSkipped):
            estimate.execute(context)
        assert "A run that is not a dry run would not start now." in capsys.readouterr().out
        assert store.list(f"{FOLDER.root}/history/") == []

    def test_an_earlier_run_that_ended_unrecorded_reserves_nothing_any_more(
        self, estimate: Any, store: MemoryStore, use_case: UseCase, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        freeze(store, use_case, budget={"month_usd": 100})
        put(store, past_run("a", 99.99, state="running", spent_usd=None))
        monkeypatch.setattr(type(context["ti"]), "get_dagrun_state", lambda *_: "failed", raising=False)
        assert estimate.execute(context)["budget"][0]["reserved_usd"] == 0

    def test_a_run_above_the_spend_cap_holds_nothing_of_the_budget(
        self, estimate: Any, store: MemoryStore, use_case: UseCase, context: Any
    ) -> None:
        freeze(store, use_case, max_spend_usd=0.01, budget={"month_usd": 100})
        with pytest.raises(EstimateAboveCapError):
            estimate.execute(context)
        [run] = read_month(store, FOLDER.root, context["dag_run"].run_after)
        assert run["budget"] == {"to_pay_usd": 0.0, "decided": True, "warned": []}
        assert run["estimated_usd"] > 0.01
