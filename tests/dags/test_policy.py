"""Check the promises of every DAG to its users, on the DAGs that Airflow parses."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag

from bedrock_distill.run.explained_task import ExplainedTask
from include.distill.config.loader import USE_CASES_FOLDER, load_use_cases
from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT
from include.distill.inference.pools import required_pools
from tests.fakes.airflow_versions import needs_policies
from tests.fakes.dag_parsing import parse, with_use_cases

SAMPLE = "distill_aws_docs_qa"
EXPERIMENT = "distill_compare_arms"
LABELS, EXPERIMENT_LABELS = "distill_label__aws_docs_qa", "distill_label__compare_arms"
MOVED = "distill_label_sample"
ROLLBACK = "distill_rollback"
OTHER_DAGS = {MOVED, ROLLBACK, "distill_check_account", "distill_clean_up", "distill_release_leftovers"}


def use_case_dags(*names: str) -> set[str]:
    """The DAGs of the use cases with these names."""
    return {f"distill_{name}" for name in names} | {f"distill_label__{name}" for name in names}


DAGS = use_case_dags("aws_docs_qa", "compare_arms", "compare_methods", "compare_prompts", "promote_demo") | OTHER_DAGS
JUDGES = {"judge.claude-haiku-4-5", "judge.mistral-large-3"}
TASKS = {
    "preflight": {"ingest"},
    "ingest": {"estimate", "report"},
    "estimate": {"approve_spending"},
    "approve_spending": {"shards", "evaluation_shards"},
    "shards": {"synthesize"},
    "evaluation_shards": {"base.answer", "tuned.answer"},
    "synthesize": {"curate", "outcome"},
    "curate": {"tuned.merge", "report"},
    "base.answer": {*JUDGES, "report", "outcome"},
    "tuned.merge": {"tuned.upload"},
    "tuned.upload": {"tuned.submit", "report"},
    "tuned.submit": {"tuned.trained"},
    "tuned.trained": {"tuned.start_serving", "tuned.deploy", "report", "promote"},
    "tuned.start_serving": {"tuned.deploy", "tuned.undeploy"},
    "tuned.deploy": {"tuned.active", "tuned.undeploy", "report"},
    "tuned.active": {"tuned.answer", "tuned.undeploy"},
    "tuned.answer": {"tuned.undeploy", *JUDGES, "report", "outcome"},
    "tuned.undeploy": {"tuned.wait_for_release", "outcome"},
    "tuned.wait_for_release": {"report"},
    **{judge: {"report", "outcome"} for judge in JUDGES},
    "report": {"promote"},
    "promote": {"outcome"},
    "outcome": set(),
}


@pytest.fixture(scope="module")
def dag_bag() -> Any:
    with pytest.MonkeyPatch.context() as monkeypatch:
        return parse(monkeypatch)


@pytest.fixture(scope="module")
def dag(dag_bag: DagBag) -> Any:
    return dag_bag.dags[SAMPLE]


class TestImport:
    def test_every_file_is_parsed_without_errors_and_without_the_network(self, dag_bag: DagBag) -> None:
        assert dag_bag.import_errors == {}
        parsed = {Path(stats.file).name for stats in dag_bag.dagbag_stats}
        assert (
            parsed
            == {path.name for path in (PROJECT_ROOT / "dags").glob("*.py")}
            >= {"distill.py", "use_case_errors.py"}
        )

    def test_each_use_case_has_a_dag_and_a_labeling_dag(self, dag_bag: DagBag) -> None:
        assert set(dag_bag.dags) == DAGS

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            pytest.param("name: broken\nteachr: x\n", "teachr: unknown key, did you mean", id="unknown key"),
            pytest.param("a: [", "cannot be read as YAML", id="no YAML"),
            pytest.param("", "expected a mapping", id="empty"),
        ],
    )
    def test_a_broken_use_case_is_an_import_error_with_its_reason_and_the_other_dags_load(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, reason: str
    ) -> None:
        dag_bag = with_use_cases(monkeypatch, tmp_path, broken=text)
        assert set(dag_bag.dags) == use_case_dags("aws_docs_qa") | OTHER_DAGS
        ((file, error),) = dag_bag.import_errors.items()
        assert Path(file).name == "use_case_errors.py"
        assert "broken.yaml" in error
        assert reason in error

    def test_a_second_use_case_is_a_second_dag(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        sample = yaml.safe_load((USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text(encoding="utf-8"))
        dag_bag = with_use_cases(monkeypatch, tmp_path, other=yaml.safe_dump({**sample, "name": "other"}))
        assert (set(dag_bag.dags), dag_bag.import_errors) == (
            use_case_dags("aws_docs_qa", "other") | OTHER_DAGS,
            {},
        )

    def test_a_use_case_may_have_the_name_of_a_function_of_the_dag_file(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        sample = yaml.safe_load((USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text(encoding="utf-8"))
        files = {name: yaml.safe_dump({**sample, "name": name}) for name in ("dag", "other")}  # distill_dag() exists
        dag_bag = with_use_cases(monkeypatch, tmp_path, **files)
        assert dag_bag.import_errors == {}
        assert {"distill_dag", "distill_other"} < set(dag_bag.dags)

    def test_schedules_can_be_turned_off(self, dag: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DISTILL_SCHEDULES", "off")
        assert dag.schedule == "0 2 * * *"
        assert {parsed.schedule for parsed in parse(monkeypatch).dags.values()} == {None}


@pytest.mark.parametrize("dag_id", sorted(DAGS))
class TestEveryDag:
    @pytest.fixture
    def dag(self, dag_bag: DagBag, dag_id: str) -> Any:
        return dag_bag.dags[dag_id]

    def test_the_dag_runs_once_at_a_time_without_catch_up_and_without_a_time_out(self, dag: Any) -> None:
        # Several people label the same sample, and the champions of several use cases may be rolled back.
        at_once = 16 if dag.dag_id.startswith("distill_label__") else 4 if dag.dag_id == ROLLBACK else 1
        assert (dag.catchup, dag.max_active_runs, dag.dagrun_timeout) == (False, at_once, None)
        assert dag.start_date == datetime(2026, 1, 1, tzinfo=UTC)

    def test_the_dag_has_an_owner_a_description_and_the_tag_distill(self, dag: Any) -> None:
        assert "distill" in dag.tags
        assert not {task.owner for task in dag.tasks} & {"", "airflow"}
        assert dag.description

    def test_the_runbook_is_shown_in_the_ui(self, dag: Any) -> None:
        assert {"### Tasks", "### If a task fails"} <= set(dag.doc_md.splitlines())

    def test_every_task_but_outcome_has_retries(self, dag: Any) -> None:
        assert {task.task_id for task in dag.tasks if task.retries < 2} <= {"outcome"}

    @needs_policies
    def test_only_tasks_that_say_so_have_no_retry_policy(self, dag: Any) -> None:
        """On Airflow 3.2, ``retries_every_error`` takes the place of a missing policy."""
        tasks = [task for task in dag.tasks if isinstance(task, ExplainedTask)]
        assert [task.task_id for task in tasks if (task.retry_policy is None) is not task.retries_every_error] == []

    def test_every_field_of_the_form_is_typed_titled_and_explained(self, dag: Any) -> None:
        params = {name: dag.params.get_param(name) for name in dag.params}
        # Labeling and the check buy and delete nothing, and a person must approve each rollback.
        assert "dry_run" in params or not params or {"label_sample", "rollback", "check_account"} & set(dag.tags)
        for name, param in params.items():
            assert param.schema.get("type") or param.schema.get("enum"), name
            assert param.schema.get("title"), name
            assert param.description, name


class TestDag:
    def test_the_graph_has_the_documented_tasks_and_edges(self, dag: Any) -> None:
        assert {task.task_id: set(task.downstream_task_ids) for task in dag.tasks} == TASKS

    @pytest.mark.parametrize(
        ("heading", "without"),
        [
            ("Tasks", set()),
            ("If a task fails", {"start_serving", "wait_for_previous_arm", "wait_for_release"}),
        ],  # do no work
    )
    @pytest.mark.parametrize("dag_id", [SAMPLE, EXPERIMENT])
    def test_both_tables_of_the_runbook_name_every_task(
        self, dag_bag: DagBag, dag_id: str, heading: str, without: set[str]
    ) -> None:
        dag = dag_bag.dags[dag_id]
        (section,) = (part for part in dag.doc_md.split("\n### ") if part.startswith(f"{heading}\n"))
        steps = {task.task_id.rpartition(".")[2] for task in dag.tasks if task.task_id not in JUDGES} - without
        assert "`judge.<model>`" in section
        assert [step for step in steps if f"`{step}`" not in section and f".{step}`" not in section] == []

    def test_the_owner_is_the_team_of_the_use_case(self, dag: Any) -> None:
        assert {task.owner for task in dag.tasks} == {"ml-platform"}

    def test_all_pools_of_the_tasks_exist(self, dag: Any) -> None:
        used = {task.pool for task in dag.tasks} - {"default_pool"}
        sample = [use_case for use_case in load_use_cases().valid if use_case.dag_id == SAMPLE]
        assert used == required_pools(sample).keys()

    def test_every_task_works_in_the_folder_of_its_own_run(self, dag: Any) -> None:
        task = dag.get_task("ingest")
        macros = {**dag.user_defined_macros, "dag": dag, "run_id": "manual__2026-11-22T02:00:00+00:00"}
        task.render_template_fields(macros)
        assert task.run_uri.startswith(
            "s3://bedrock-distill-training/distill/runs/aws_docs_qa/manual-2026-11-22t02-00-"
        )


class TestTasks:
    def test_outcome_has_no_retries(self, dag: Any) -> None:
        assert dag.get_task("outcome").retries == 0

    def test_deferrable_tasks_have_three_retries(self, dag: Any) -> None:
        deferrable = {task.task_id: task.retries for task in dag.tasks if getattr(task, "deferrable", False)}
        assert deferrable == {"tuned.trained": 3, "tuned.active": 3}

    def test_no_mapped_task_defers(self, dag: Any) -> None:
        mapped = {task.task_id for task in dag.tasks if task.is_mapped}
        assert mapped == {"synthesize", "base.answer", "tuned.answer", *JUDGES}

    def test_tasks_that_call_a_model_on_demand_share_its_pool_and_fill_it_together(self, dag: Any) -> None:
        pools = {task.task_id: (task.pool, task.pool_slots) for task in dag.tasks if task.is_mapped}
        assert pools == {
            "synthesize": ("bedrock_123456789012_claude-sonnet-5-5_us-east-1", 1),
            "base.answer": ("bedrock_123456789012_nova-micro_us-east-1", 2),
            "tuned.answer": ("default_pool", 1),
            "judge.claude-haiku-4-5": ("bedrock_123456789012_claude-haiku-4-5_us-east-1", 8),
            "judge.mistral-large-3": ("bedrock_123456789012_mistral-large-3_us-east-1", 8),
        }

    def test_outcome_is_a_teardown_that_decides_the_runs_state(self, dag: Any) -> None:
        outcome = dag.get_task("outcome")
        assert (outcome.is_teardown, outcome.on_failure_fail_dagrun) == (True, True)


class TestLabeling:
    @pytest.mark.parametrize(("dag_id", "use_case"), [(LABELS, "aws_docs_qa"), (EXPERIMENT_LABELS, "compare_arms")])
    def test_every_task_that_opens_a_run_is_bound_to_the_use_case_of_the_dag(
        self, dag_bag: DagBag, dag_id: str, use_case: str
    ) -> None:
        dag = dag_bag.dags[dag_id]
        tasks = {task.task_id: {**vars(task), **getattr(task, "partial_kwargs", {})} for task in dag.tasks}
        bound = {name: fields.get("use_case_name") for name, fields in tasks.items() if name != "examples"}
        assert bound == dict.fromkeys(("draw_sample", "ask", "collect_labels"), use_case)
        assert {tasks[name]["aws_conn_id"] for name in ("ask", "collect_labels")} == {"aws_default"}
        assert "use_case" not in dag.params
        assert use_case in dag.tags

    def test_the_rights_to_a_labeling_dag_are_never_the_rights_to_another_dag(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        sample = yaml.safe_load((USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text(encoding="utf-8"))
        names = ("sample", "label", "label_aws_docs_qa", "aws_docs_qa_label")
        bag = with_use_cases(
            monkeypatch, tmp_path, **{name: yaml.safe_dump({**sample, "name": name}) for name in names}
        )
        assert bag.import_errors == {}
        ids = {f"distill_{name}" for name in (*names, "aws_docs_qa")} | {
            f"distill_label__{name}" for name in (*names, "aws_docs_qa")
        }
        assert set(bag.dags) == ids | OTHER_DAGS
        assert len(ids) == 10

    def test_the_old_dag_says_which_dag_replaced_it(self, dag_bag: DagBag) -> None:
        (task,) = dag_bag.dags[MOVED].tasks
        with pytest.raises(InputError, match="Trigger distill_label__<use case>"):
            task.execute({})
        assert not dag_bag.dags[MOVED].params
