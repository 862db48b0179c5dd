"""No value of a use case may keep another use case or a housekeeping DAG from loading, whether it is legal or not."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pendulum
import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import TimeRestriction
from pydantic import BaseModel

from bedrock_distill.operators.release_leftovers import ReleaseLeftoversOperator
from bedrock_distill.params import distill as form
from bedrock_distill.params import label_sample as label_form
from include.distill.config.loader import USE_CASES_FOLDER
from include.distill.config.reserved_names import RESERVED_ARM_NAMES
from include.distill.config.use_case import UseCase
from tests.dags import notification_values
from tests.fakes.dag_parsing import check_equal_schemas_once, with_use_cases

HOUSEKEEPING = {
    *("distill_label_sample", "distill_check_account", "distill_clean_up", "distill_release_leftovers"),
    "distill_rollback",
}
SAMPLE = yaml.safe_load((USE_CASES_FOLDER / "aws_docs_qa.yaml").read_text(encoding="utf-8"))
BASE, TUNED = {"name": "base", "kind": "base"}, {"name": "tuned"}
CHAMPION = {"name": "best", "kind": "champion"}
PROMPTED = {"kind": "base", "prompt": "optimized"}
TINY, YEAR = 1e-300, 8_760
FLOW = "arn:aws:sagemaker:us-east-1:123456789012:flow-definition/x"
KEY = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
TEXTS = ["", "日本 \U0001f600", "{{ ds }} %s ' \" \\ , * # \t\n", "x" * 400]
TIMES = [TINY, YEAR]

# Legal values for every key, as far from the usual ones as the key allows.
LEGAL: dict[str, list[Any]] = {
    "name": [
        "a",
        "sample",
        "label",
        "label_a",
        "label_aws_docs_qa",
        "x_" + "y" * 22,
        "judge",
        "report",
        "none",
        "base",
    ],
    "description": [*TEXTS, "x" * 100_000],
    "owner": TEXTS,
    "schedule": [
        *(None, "@once", "@continuous", "@midnight", "@DAILY", "0 0 29 2 *", "0 0 ? * ?", "0 0 15W * *", "0 0 * * L5"),
        *(
            "0 0 1,L * *",
            "* * * * * *",
            "0\t2  * * *  ",
            "59-5 * * * *",
            "0 0 * * sun#1",
            "0 2 * * * 0 *",
            "0 0 1 mar-apr fri,thu",
        ),
    ],
    **notification_values.LEGAL,
    "tags": [["distill", "distill"], ["日本", "a,b", " ", "x" * 100], ["A", "a"]],
    "published": ["article"],
    "aws.conn_id": ["team-b/aws", "a/b", "a-b", "équipe", ".", "-", "a" * 250],
    "aws.promotion_conn_id": ["", "team-b/aws", "équipe", "a" * 250],
    "aws.clean_up_conn_id": ["", "team-b/aws", "équipe", "a" * 250],
    "aws.region": ["us-gov-west-1", "us-gov-east-1"],
    "aws.role_arn": ["arn:aws-us-gov:iam::000000000000:role/a/b/日本"],
    "aws.tags": [{}, {"x" * 128: "y" * 256, "a b": "", "._:/=+@-": "@"}],
    "aws.kms_key_arn": [None, "", KEY],
    "aws.vpc": [
        None,
        {
            "subnet_ids": [f"subnet-{number:017x}" for number in range(16)],
            "security_group_ids": [f"sg-{number:08x}" for number in range(5)],
        },
    ],
    "storage.training_bucket": ["a.b-c"],
    "storage.output_bucket": ["0" * 63],
    "storage.prefix": ["a" * 900, "a/b/c.d_e-f"],
    "storage.create_buckets": [False],
    "storage.bucket_owners": [{}, {"other-bucket": "000000000000"}, {"0" * 63: "9" * 12}],
    "storage.kms_key_arn": [None, "", KEY, KEY.partition("key/")[0] + "alias/" + "a/_-" * 60],
    "source.training_csv": ["s3://bucket/" + "k" * 1024, "{{ ds }}.csv", "日本/"],
    "source.evaluation_csv": [None, "s3://bucket/k", "../x"],
    "source.evaluation_share": [0, 0.999999],
    "source.documents": [None, 1, 1_000_000],
    "source.evaluation_rows": [None, 1, 1_000_000],
    "source.allowed_prefixes": [[], ["s3://other-bucket/"], ["s3://other-bucket/{{ ds }}/日本/" + "x" * 900 + "/"]],
    "source.encoding": ["no-such-encoding", {"old/*.csv": "latin-1"}],
    "source.columns": [{}, {"doc": "文書"}],
    "source.max_document_characters": [100, 10**30],
    "source.group_column": [None, "日本"],
    "source.same_document_similarity": [0.5, 1],
    "source.shared_documents": ["keep"],
    "source.max_rejected_share": [0, 1],
    "source.shared_passages": ["warn"],
    "source.licence": TEXTS,
    "source.attribution": TEXTS,
    "teacher": ["nova-pro"],
    "student": ["nova-lite"],
    "judges": [["nova-micro"]],
    **{f"prompts.{role}": ["s3://bucket/p.j2"] for role in ("synthesis", "answering", "judging", "critic")},
    "prompts.instruction": ["{{ ds }} <document>", "x" * 100_000],
    "prompts.instruction_file": [None, "s3://bucket/i.txt"],
    "prompts.examples": [[], [{"question": "{{", "answer": "}}"}], "s3://bucket/e.jsonl"],
    "synthesis.inference": ["batch"],
    "synthesis.pairs_per_document": [1, 20],
    "synthesis.max_tokens": [64, 32_000],
    "synthesis.temperature": [None, 0, 1],
    **{key: [1, 5] for key in ("synthesis.attempts", "synthesis.rounds", "judging.attempts")},
    "synthesis.min_accepted_share": [0, 1],
    "curation.min_question_characters": [1],
    "curation.max_question_characters": [10**30],
    "curation.min_answer_characters": [4_000],
    "curation.max_answer_characters": [1],
    "curation.max_question_similarity": [0.6, 1],
    "curation.max_leak_similarity": [0.6, 1],
    "curation.min_grounding": [0, 1],
    "curation.max_topic_similarity": [0, 1],
    "curation.drop_refusals": [False],
    "curation.critic": [None, {"model": "nova-lite", "max_spend_usd": 1e300, "temperature": None}],
    "answering.max_tokens": [16, 8_192],
    "answering.temperature": [None, 0, 1],
    "judging.inference": ["batch"],
    "judging.max_tokens": [64, 8_192],
    "judging.temperature": [None, 1],
    "judging.show_reference": [True],
    "judging.max_unparsable_share": [0, 0.999],
    "judging.noise_control": [False],
    "evaluations.pointwise": [
        None,
        {"evaluators": ["nova-pro"], "timeout_hours": YEAR, "poll_interval_seconds": TINY, "questions": 1},
        {
            "evaluators": ["llama-3-3-70b"],
            "metrics": [],
            "arms": ["base"],
            "custom_metrics": [
                {
                    "name": "a_-.",
                    "instructions": "{{prompt}} {{ prediction }} {% raw %} 日本",
                    "rating_scale": [{"definition": "%s", "value": -1e300}, {"definition": "日本", "value": 1e300}],
                }
            ],
        },
    ],
    "evaluations.human": [
        *(None, {}, {"flow_definition_arn": ""}),
        {"flow_definition_arn": FLOW, "workers": 3, "wait_days": 365, "poll_interval_seconds": 86_400},
        {"flow_definition_arn": FLOW, "instructions": "{{ ds }} <b>\t日本", "wait_days": TINY},
    ],
    "prompt_optimization.samples": [1, 100],
    "prompt_optimization.steering_criteria": [[], ["日本 {{ ds }}", "x" * 500, "%s", "\t'\"", "A"]],
    "prompt_optimization.judge": [
        None,
        {"metric": "a_-.", "instructions": "{{prompt}} {{ response }} {% raw %} 日本"},
        {"metric": "x" * 63, "instructions": "{{prompt}}{{response}}{{referenceResponse}}" + "x" * 4_900},
    ],
    "prompt_optimization.timeout_hours": TIMES,
    "prompt_optimization.max_attempts": [1, 9],
    "prompt_optimization.stop_when_marked_failed": [False],
    "prompt_optimization.poll_interval_seconds": [TINY, 86_400],
    "promotion.margin": [0, 0.499],
    "promotion.min_decisive": [1, 10**30],
    "promotion.min_clusters": [2, 10**30],
    "promotion.max_unparsable_share": [TINY, 1],
    "promotion.max_incomplete_share": [0, 0.999],
    "promotion.runs_a_year": [TINY, 1e300],
    "promotion.ask_a_person": [True],
    "promotion.approvers": [["日本", 10**30, {"id": "{{ ds }}", "name": "x" * 10_000}]],
    "promotion.answer_within_hours": TIMES,
    "promotion.delete_losers": [True],
    "promotion.serve": ["on_demand", "provisioned"],
    "promotion.smoke_prompts": [1, 20],
    "approval.before_spending": ["never", "always"],
    "approval.above_usd": [TINY, 1e300],
    "approval.before_hourly": ["never", "always", "above_usd"],
    "approval.above_usd_per_hour": [TINY, 1e300],
    "approval.approvers": [["日本", 10**30, {"id": "{{ ds }}", "name": "x" * 10_000}]],
    "approval.answer_within_hours": TIMES,
    "training.method": ["fine_tuning", "continued_pre_training"],
    "training.hyperparameters": [{}, {"epochCount": 5}, {"日本": "1e-5", "learningRate": TINY}],
    "training.validation_share": [0, 0.999],
    "training.reserved_in_answers": ["warn"],
    "training.max_attempts": [1, 9],
    "training.stop_when_marked_failed": [False],
    "training.stall_after_hours": TIMES,
    "training.poll_interval_seconds": [TINY, 86_400],
    "training.timeout_hours": TIMES,
    "batch.timeout_hours": [24, 168],
    "batch.max_attempts": [1, 9],
    "batch.stop_when_marked_failed": [False],
    "batch.poll_interval_seconds": [TINY, 86_400],
    "serving.mode": ["on_demand", "provisioned"],
    "serving.max_hours": TIMES,
    "serving.deployment_quota": [1, 10**30],
    "serving.model_units": [10**30],
    "serving.arms_at_a_time": [10**30],
    "serving.poll_interval_seconds": [TINY, 86_400],
    "serving.timeout_minutes": [TINY, 525_600],
    "serving.expected_hours": TIMES,
    "serving.expires_after_hours": TIMES,
    "arms": [
        [BASE, {"name": "answer"}, {"name": "submit", "originals": 0}, CHAMPION],
        [{"name": "a" * 16, "kind": "base"}, {"name": "champion", "synthetic": 0}],
        *([BASE, {"name": name, **PROMPTED}, TUNED] for name in ("answer", "optimize")),
        [{"name": "a" * 16, **PROMPTED}, CHAMPION, TUNED],
    ],
    "comparisons": [[{"candidate": "base", "baseline": "tuned"}]],
    "fan_out.max_tasks": [1, 400],
    "fan_out.evaluation_tasks": [1, 400],
    "fan_out.concurrency": [1, 200],
    "fan_out.patience_seconds": [TINY, 86_400],
    "fan_out.max_failed_share": [0, 0.999],
    "estimate.counted_rows": [0, "all", 10**30],
    "quotas": [{"nova-micro": {"requests_per_minute": 1e300, "tokens_per_minute": TINY, "burst_share": 1}}],
    "max_spend_usd": [TINY, 1e300],
    "budget.month_usd": [None, TINY, 1e300],
    "seed": [-1, 10**300],
}
# Values that Airflow or PostgreSQL cannot handle. Only the file with the value is refused.
ILLEGAL: dict[str, list[Any]] = {
    "aws.conn_id": ["", "team b", "{{ ds }}", "s3://x", "a" * 251],
    "description": ["a\0b", "\ufffe"],
    "owner": ["o" * 501],
    "schedule": [
        *("0 0 31 2 *", "0 0 30 2 *", "0 0 1 1 * 0 2020", "0 0 1 1 * 0 2099", "R R * * *", "r(0-9) * * * *"),
        *("0 0 1 1 * 0 2026,2027", "0 0 1 * * 0 2025-2099", "0 0 1 1 * 0 */2", "0 0 29 2 * 0 2024,2028"),
        *("0 0 1,R * *", "H H * * *", "", "*/0 * * * *", "0 24 * * *", "1,2," * 60 + "3 * * * *"),
    ],
    **notification_values.ILLEGAL,
    "tags": [["a\0b"], ["x" * 101], [""]],
    "published": ["nobody", "../published/article", "Article", 1],
    "aws.role_arn": ["arn:aws-cn:iam::123456789012:role/x", "arn:aws:iam::١٢٣٤٥٦٧٨٩٠١٢:role/x"],
    "aws.tags": [{"aws:a": "b"}, {"run-id": "x"}, {"a": "é"}, {"a": "\0"}],
    "aws.kms_key_arn": ["alias/a", KEY.replace("us-east-1", "eu-west-1")],
    "aws.vpc": [{"subnet_ids": [], "security_group_ids": ["sg-01234567"]}],
    "storage.kms_key_arn": [KEY.replace("arn:aws:", "arn:aws-cn:")],
    "aws.region": ["us-" + "a" * 300 + "-1", "us-east-١"],
    "source.documents": [1_000_001, 10**30],
    "source.evaluation_rows": [1_000_001],
    "source.columns": [{"doc": "\0"}, {"\0": "doc"}],
    "prompts.synthesis": ["a" * 5_000, "\0", "gone.j2"],
    "training.method": ["", "distillation"],
    "prompt_optimization.steering_criteria": [["a"] * 6, [" "]],
    "prompt_optimization.judge": [{"metric": "a b", "instructions": "{{prompt}}{{response}}"}, {"metric": "a"}],
    "training.hyperparameters": [{"epochCount": "\0"}],
    "budget.month_usd": [0, -1],
    "arms": [
        [BASE, {"name": "tuned", "prompt": "optimized"}],
        [BASE, {"name": "a", **PROMPTED}, {"name": "b", **PROMPTED}],
        *([BASE, {"name": name}] for name in sorted(RESERVED_ARM_NAMES)),
        [{"name": "judge", "kind": "base"}, TUNED],
        [BASE, *({"name": f"a{number}"} for number in range(50))],
    ],
    **{
        key: [1e300, YEAR + 0.001]
        for key in (
            *("promotion.answer_within_hours", "training.stall_after_hours", "training.timeout_hours"),
            "prompt_optimization.timeout_hours",
            *("serving.expected_hours", "serving.expires_after_hours", "approval.answer_within_hours"),
        )
    },
    **{
        key: [1e300]
        for key in (
            *("training.poll_interval_seconds", "batch.poll_interval_seconds", "serving.poll_interval_seconds"),
            *("serving.timeout_minutes", "fan_out.patience_seconds", "prompt_optimization.poll_interval_seconds"),
        )
    },
}
# Keys of which one value creates the tasks that read another key.
WITH = {
    "ready_by": ("notify", [{"on": "all", "slack": {"conn_id": "a"}}]),
    "promotion.approvers": ("promotion.ask_a_person", True),
    "promotion.answer_within_hours": ("promotion.ask_a_person", True),
    "approval.above_usd": ("approval.before_spending", "above_usd"),
    "curation.max_answer_characters": ("curation.min_answer_characters", 1),
    "batch.poll_interval_seconds": ("judging.inference", "batch"),
    "batch.timeout_hours": ("synthesis.inference", "batch"),
    "training.method": ("arms", [BASE, {"name": "tuned", "synthetic": 0}]),
    "aws.region": ("aws.role_arn", "arn:aws-us-gov:iam::123456789012:role/a"),
    "aws.role_arn": ("aws.region", "us-gov-west-1"),
    "published": ("arms", [BASE, *({"name": name} for name in ("few", "many", "mixed"))]),
    **{
        f"prompt_optimization.{key}": ("arms", [BASE, {"name": "prompted", **PROMPTED}, TUNED])
        for key in ("samples", "judge", "timeout_hours", "max_attempts", "poll_interval_seconds")
    },
}
ZONE = {"timezone": "UTC"}  # `ready_by` needs it
# The sample's student cannot be trained on documents alone.
STUDENTS = {"training.method": "titan-text-lite"}


@dataclass(frozen=True)
class Parsed:
    """All DAG files, parsed with one use-case file for each value."""

    bag: DagBag
    values: dict[str, tuple[str, Any]]  # key and value of each file, by the use case's name

    @property
    def errors(self) -> dict[str, str]:
        return {Path(file).name: error for file, error in self.bag.import_errors.items()}


def changed(raw: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    result = copy.deepcopy(raw)
    section = result
    *path, last = key.split(".")
    for part in path:
        section = section.setdefault(part, {})
    section[last] = value
    return result


def parse_values(folder: Path, table: dict[str, list[Any]]) -> Parsed:
    files: dict[str, str] = {}
    values: dict[str, tuple[str, Any]] = {}
    for key, value in ((key, value) for key, several in table.items() for value in several):
        name = value if key == "name" else f"v{len(values)}"
        sample = {**SAMPLE, "name": name, "student": STUDENTS.get(key, SAMPLE["student"]), **ZONE}
        raw = changed(sample, *WITH[key]) if key in WITH else sample
        files[name] = yaml.safe_dump(changed(raw, key, value))
        values[name] = (key, value)
    with pytest.MonkeyPatch.context() as monkeypatch:
        return Parsed(with_use_cases(monkeypatch, folder, **files), values)


@pytest.fixture(scope="module")
def legal(tmp_path_factory: pytest.TempPathFactory) -> Parsed:
    return parse_values(tmp_path_factory.mktemp("legal"), LEGAL)


@pytest.fixture(scope="module")
def illegal(tmp_path_factory: pytest.TempPathFactory) -> Parsed:
    return parse_values(tmp_path_factory.mktemp("illegal"), ILLEGAL)


def dags_of(*names: str) -> set[str]:
    """Return the ids of the DAGs of use cases: the pipeline and the labeling DAG of each."""
    return {f"distill_{name}" for name in names} | {f"distill_label__{name}" for name in names}


def keys(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the keys of a use case. A list, a mapping or an optional section is one key."""
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_every_key_of_a_use_case_has_unusual_legal_values() -> None:
    assert set(LEGAL) == set(keys(UseCase)) - {"environment"}  # which no file may contain
    assert set(ILLEGAL) <= set(LEGAL)


def test_every_dag_loads_with_unusual_legal_values(legal: Parsed) -> None:
    assert legal.errors == {}
    assert set(legal.bag.dags) == HOUSEKEEPING | dags_of("aws_docs_qa", *legal.values)


def test_an_illegal_value_is_reported_with_its_key_and_affects_no_other_dag(illegal: Parsed) -> None:
    assert set(illegal.errors) == {"use_case_errors.py"}
    problems = illegal.errors["use_case_errors.py"]
    for name, (key, value) in illegal.values.items():
        (problem,) = (line for line in problems.splitlines() if line.startswith(f"{name}.yaml: "))
        assert key.partition(".")[0] in problem or "prompt" in problem, (key, value, problem)
    assert set(illegal.bag.dags) == HOUSEKEEPING | dags_of("aws_docs_qa")


def test_airflow_can_store_every_dag_in_postgresql_and_compute_its_next_run(
    legal: Parsed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One DAG that cannot be stored keeps Airflow from storing all other DAGs of the same file."""
    check_equal_schemas_once(monkeypatch)
    start = TimeRestriction(pendulum.datetime(2026, 1, 1, tz="UTC"), None, catchup=False)
    for dag_id, dag in legal.bag.dags.items():
        stored = DagSerialization.to_dict(dag)
        assert "\\u0000" not in repr(stored), dag_id
        read = DagSerialization.from_dict(stored)
        read.timetable.next_dagrun_info(last_automated_data_interval=None, restriction=start)
        assert (len(read.owner) <= 2_000, len(read.timetable.description) <= 1_000) == (True, True), dag_id


def test_the_sweeper_has_a_task_for_every_connection(legal: Parsed) -> None:
    dag = legal.bag.dags["distill_release_leftovers"]
    tasks = [task for task in dag.tasks if isinstance(task, ReleaseLeftoversOperator)]
    swept = {(task.aws_conn_id, task.region_name) for task in tasks}
    assert {value for key, value in legal.values.values() if key == "aws.conn_id"} < {conn_id for conn_id, _ in swept}
    assert len({task.task_id for task in tasks}) == len(tasks) == len(swept)
    assert "sweep_aws_default_us-east-1" in {task.task_id for task in tasks}


def test_reserved_arm_names_are_the_tasks_and_groups_that_a_dag_has_besides_its_arms(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    everything = functools.reduce(
        lambda raw, change: changed(raw, *change),
        [
            *(("synthesis.inference", "batch"), ("judging.inference", "batch"), ("promotion.ask_a_person", True)),
            *(("promotion.delete_losers", True), ("arms", [BASE, TUNED, CHAMPION]), ("judging.noise_control", True)),
            *(("answering.temperature", 1), ("promotion.serve", "on_demand")),
            ("evaluations.pointwise", {"evaluators": ["nova-pro"]}),
        ],
        {**SAMPLE, "name": "everything"},
    )
    bag = with_use_cases(monkeypatch, tmp_path, everything=yaml.safe_dump(everything))
    dag = bag.dags["distill_everything"]
    names = {task_id for task_id in dag.task_dict if "." not in task_id} | set(dag.task_group_dict)
    # A name with a hyphen is not valid for an arm.
    assert {name for name in names if "-" not in name} - {"base", "tuned", "best"} == RESERVED_ARM_NAMES


def test_a_fault_that_no_check_foresaw_stays_in_its_use_case(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    build = form.trigger_params

    def fail_for_one(use_case: UseCase) -> Any:
        if use_case.name == "other":
            raise OverflowError("date value out of range")
        return build(use_case)

    monkeypatch.setattr(form, "trigger_params", fail_for_one)
    bag = with_use_cases(monkeypatch, tmp_path, other=yaml.safe_dump({**SAMPLE, "name": "other"}))
    assert set(bag.dags) == HOUSEKEEPING | dags_of("aws_docs_qa", "other") - {"distill_other"}
    ((file, error),) = bag.import_errors.items()
    assert Path(file).name == "use_case_errors.py"
    assert "other.yaml: the DAG cannot be created: OverflowError: date value out of range" in error


def test_a_fault_of_a_labeling_dag_stays_in_its_use_case(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = label_form.label_params
    answers = iter([real, lambda: 1 / 0] * 2)  # the second use case; the files are parsed twice
    monkeypatch.setattr(label_form, "label_params", lambda **_: next(answers)())
    bag = with_use_cases(monkeypatch, tmp_path, other=yaml.safe_dump({**SAMPLE, "name": "other"}))
    assert set(bag.dags) == HOUSEKEEPING | dags_of("aws_docs_qa", "other") - {"distill_label__other"}
    (error,) = bag.import_errors.values()
    assert "other.yaml: the labeling DAG cannot be created: ZeroDivisionError" in error


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"teachr": "x"}, id="unknown key"),
        pytest.param({"schedule": "0 0 31 2 *"}, id="schedule"),
        pytest.param({"owner": "${SURELY_NOT_SET_ANYWHERE}"}, id="variable that is not set"),
        pytest.param({"prompts": {"synthesis": "gone.j2"}}, id="missing prompt"),
        pytest.param({"name": "another"}, id="name of another file"),
    ],
)
def test_the_sweeper_still_covers_the_place_of_a_use_case_that_became_invalid(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: dict[str, Any]
) -> None:
    place = {**SAMPLE["aws"], "conn_id": "team-b/aws", "region": "eu-west-1"}
    bag = with_use_cases(
        monkeypatch, tmp_path, other=yaml.safe_dump({**SAMPLE, "name": "other", "aws": place, **broken})
    )
    swept = {(task.aws_conn_id, task.region_name) for task in bag.dags["distill_release_leftovers"].tasks}
    assert swept == {("aws_default", "us-east-1"), ("team-b/aws", "eu-west-1")}


@pytest.mark.parametrize(
    "aws", ["eu-west-1", [], {"region": "nowhere"}, {"conn_id": 7}, {"region": "${NOT_SET_AT_ALL}"}]
)
def test_a_place_that_cannot_be_read_does_not_affect_the_sweeper(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, aws: Any
) -> None:
    bag = with_use_cases(monkeypatch, tmp_path, other=yaml.safe_dump({**SAMPLE, "name": "other", "aws": aws}))
    assert [task.task_id for task in bag.dags["distill_release_leftovers"].tasks] == ["sweep_aws_default_us-east-1"]
