"""Every name that the reference explains exists in the code, and the reference explains every name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from bedrock_distill.run import task_ids
from include.distill.config.arms import Arm, Comparison
from include.distill.config.catalog import (
    CATALOG_PATH,
    ApiName,
    BatchInference,
    Customization,
    Family,
    Hyperparameter,
    Model,
    RecordFormatName,
)
from include.distill.config.company import Vpc
from include.distill.config.evaluation_settings import CustomMetric, HumanEvaluation, Rating
from include.distill.config.notifications import (
    NotifierChannel,
    Notify,
    SlackChannel,
    SmtpChannel,
    SnsChannel,
    SqsChannel,
)
from include.distill.config.promotion_rule import Approver
from include.distill.config.sections import CriticSettings, Example, ModelQuota
from include.distill.config.use_case import UseCase
from include.distill.core import errors
from include.distill.core.paths import PROJECT_ROOT
from include.distill.dataset.records import RowRejectionReason
from include.distill.inference.records import UnreadableReason
from include.distill.report.schema import ReportSchema
from include.distill.report.schema_evaluations import (
    EvaluationsSchema,
    LowScoreSchema,
    MeanScoreSchema,
    MetricSchema,
    ScoreDifferenceSchema,
)
from include.distill.report.schema_judging import ComparisonSchema
from tests.docs.pages import dotted_names, names, page, rows, section

USE_CASES = page("reference/use_cases.md")
OPERATORS = page("reference/operators.md")
MODELS = page("reference/models_prices_pools.md")
# These tasks only order others: they do nothing that can fail.
EMPTY_TASKS = {
    *(task_ids.START_SERVING, task_ids.WAIT_FOR_PREVIOUS_ARM, task_ids.WAIT_FOR_RELEASE),
    task_ids.START_SWITCH,
}
# What the operators of the tables derive from.
BASE_CLASSES = {
    "ArmOperator",
    "BatchOperator",
    "CleanUpOperator",
    "DistillOperator",
    "EvaluationJobOperator",
    "NamedJobOperator",
    "NamedJobSensor",
    "AskPersonOperator",
    "HumanApprovalOperator",
    "WinnerOperator",
    "ServingOperator",
    "WaitingSensor",
}
# The settings of a list's elements, which the page explains in prose.
IN_PROSE = (
    "approval.approvers.",
    "arms.",
    "aws.vpc.",
    "comparisons.",
    "curation.critic.",
    "evaluations.human.",
    "notify.",
    "evaluations.pointwise.custom_metrics.",
    "promotion.approvers.",
    "prompts.examples.",
    "quotas.",
)


def use_case_keys(model: type[BaseModel] = UseCase, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each key of a use case with its default; ``aws.region`` for a key of a section."""
    for name, field in model.model_fields.items():
        if (model, name) == (UseCase, "environment"):  # which no file may contain
            continue
        sections = [type_ for type_ in (field.annotation, *get_args(field.annotation)) if is_section(type_)]
        if sections and f"{prefix}{name}." not in IN_PROSE:
            yield from use_case_keys(sections[0], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field.default


def is_section(type_: object) -> bool:
    return isinstance(type_, type) and issubclass(type_, BaseModel)


def documented_keys() -> dict[str, str]:
    """Return the keys of the page with the text of their defaults."""
    documented = {}
    for cells in rows(USE_CASES):
        keys = dotted_names(cells[0])
        parts = cells[1].split(", ")
        defaults = parts if len(parts) == len(keys) else [cells[1]] * len(keys)
        documented.update(dict(zip(keys, defaults, strict=True)))
    return documented


def classes(*folders: str) -> Iterator[ast.ClassDef]:
    for folder in folders:
        for path in sorted((PROJECT_ROOT / folder).glob("*.py")):
            body = ast.parse(path.read_text(encoding="utf-8")).body
            yield from (node for node in body if isinstance(node, ast.ClassDef))


class TestUseCaseKeys:
    def test_every_key_has_a_row(self) -> None:
        missing = [key for key, _ in use_case_keys() if key not in documented_keys()]
        assert missing == [], f"add a row for each of {missing} to docs/reference/use_cases.md"

    def test_every_row_is_a_key(self) -> None:
        sections = {"arms", "comparisons"}
        known = {key for key, _ in use_case_keys()} | sections | {"base", "fine_tuned", "distilled", "champion"}
        unknown = [key for key in documented_keys() if key not in known]
        assert unknown == [], f"docs/reference/use_cases.md has rows for keys that do not exist: {unknown}"

    @pytest.mark.parametrize(
        "section_",
        [
            *(
                Approver,
                Arm,
                Comparison,
                CriticSettings,
                CustomMetric,
                Example,
                HumanEvaluation,
                ModelQuota,
                Rating,
                Vpc,
            ),
            *(Notify, NotifierChannel, SlackChannel, SmtpChannel, SnsChannel, SqsChannel),
        ],
    )
    def test_every_key_of_a_list_or_mapping_is_named(self, section_: type[BaseModel]) -> None:
        missing = [name for name in section_.model_fields if not re.search(rf"\b{name}\b", USE_CASES)]
        assert missing == [], f"name the keys {missing} of {section_.__name__} in docs/reference/use_cases.md"

    @pytest.mark.parametrize(("key", "default"), [pytest.param(*item, id=item[0]) for item in use_case_keys()])
    def test_the_default_is_the_one_in_the_code(self, key: str, default: Any) -> None:
        documented = documented_keys()
        assert key in documented, f"add a row for `{key}` with its default to docs/reference/use_cases.md"
        text = documented[key].strip('`"')
        if default is PydanticUndefined:
            assert text in ("required", "none", "the family's")  # an empty mapping has no default value either
        elif isinstance(default, bool):
            assert text == str(default).lower()
        elif isinstance(default, int | float):
            assert float(text) == default
        elif isinstance(default, str) and default and not default.endswith(".j2"):
            assert text == default
        else:
            assert text in ("none", "all", "empty", "the shipped files") or key in (
                *("arms", "comparisons", "evaluations.pointwise.metrics"),
            )


class TestTasks:
    def test_the_runbook_has_a_row_for_every_task(self) -> None:
        ids = {
            value
            for name, value in vars(task_ids).items()
            if name.isupper() and not name.startswith("_") and isinstance(value, str)
        }
        documented = {
            name.rpartition(".")[2].partition("[")[0]
            for cells in rows(section(page("runbook.md"), "## Failures, task by task"))
            for name in names(cells[0])
        }
        # The first two have tasks that are called like the judging models, the others have groups.
        groups = {task_ids.JUDGE, task_ids.JUDGE_CHAMPION, task_ids.EVALUATE, task_ids.OPTIMIZE, task_ids.WORKERS}
        missing = sorted(ids - documented - groups - EMPTY_TASKS)
        assert missing == [], f'add a row for each of {missing} to docs/runbook.md, "Failures, task by task"'
        assert "`judge.<model>[i]`" in page("runbook.md")

    def test_the_steps_in_the_readme_are_tasks(self) -> None:
        readme = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
        steps = {name for cells in rows(section(readme, "## What happens in a run")) for name in names(cells[0])}
        unknown = sorted(steps - {value for name, value in vars(task_ids).items() if name.isupper()})
        assert unknown == [], f'README.md, "What happens in a run", has steps that are not tasks: {unknown}'
        assert len(steps) > 10


class TestOperators:
    def test_every_operator_and_sensor_has_a_row(self) -> None:
        documented = {name for cells in rows(OPERATORS) for name in names(cells[0])}
        made = {
            node.name
            for node in classes("plugins/bedrock_distill/operators", "plugins/bedrock_distill/sensors")
            if re.search(r"(Operator|Sensor)$", node.name) and node.name not in BASE_CLASSES
        }
        missing = sorted(made - documented)
        assert missing == [], f"add a row for each of {missing} to docs/reference/operators.md"
        assert len(made) > 20

    def test_every_error_has_a_row(self) -> None:
        table = section(OPERATORS, "## Errors")
        documented = {name for cells in rows(table) for name in names(cells[0])}
        with_subclasses = tuple(
            getattr(errors, names(cells[0])[0]) for cells in rows(table) if "and its subclasses" in cells[0]
        )
        raised = [error for error in vars(errors).values() if is_leaf(error) and not issubclass(error, with_subclasses)]
        missing = [error.__name__ for error in raised if error.__name__ not in documented]
        assert missing == [], f'add a row for each of {missing} to docs/reference/operators.md, "Errors"'
        unknown = [name for name in documented if not hasattr(errors, name)]
        assert unknown == [], f'docs/reference/operators.md, "Errors", has errors that do not exist: {unknown}'


def is_leaf(error: object) -> bool:
    return isinstance(error, type) and issubclass(error, errors.DistillError) and not error.__subclasses__()


class TestReasons:
    def test_every_reason_to_reject_a_row_is_explained(self) -> None:
        table = section(page("reference/ingestion.md"), "## When one row is rejected")
        documented = {name for cells in rows(table) for name in names(cells[0])}
        assert documented == set(get_args(RowRejectionReason)), "docs/reference/ingestion.md and RowRejectionReason"

    def test_every_reason_why_output_is_not_a_pair_is_explained(self) -> None:
        table = section(page("reference/curation.md"), "## Output that is not a pair")
        documented = {name for cells in rows(table) for name in names(cells[0])}
        assert documented == set(get_args(UnreadableReason)), "docs/reference/curation.md and UnreadableReason"


class TestCatalog:
    def test_every_key_of_models_yaml_has_a_row(self) -> None:
        documented = {name for cells in rows(MODELS) for name in names(cells[0])}
        own = {*Model.model_fields, *Family.model_fields} - {"key"}
        own |= {f"customization.{name}" for name in Customization.model_fields}
        missing = sorted(own - documented - {"end_of_life"})
        assert missing == [], f"add a row for each of {missing} to docs/reference/models_prices_pools.md"

    def test_keys_inside_a_row_are_all_named(self) -> None:
        inside = {*BatchInference.model_fields, *Hyperparameter.model_fields, "end_of_life"}
        missing = sorted(name for name in inside if f"`{name}`" not in MODELS)
        assert missing == [], f"name the keys {missing} in docs/reference/models_prices_pools.md"

    def test_every_api_is_in_the_row_of_api(self) -> None:
        (meaning,) = (cells[1] for cells in rows(MODELS) if cells[0] == "`api`")
        missing = sorted(set(get_args(ApiName)) - set(names(meaning)))
        assert missing == [], f"add {missing} to the row `api` of docs/reference/models_prices_pools.md"

    def test_every_record_format_is_described(self) -> None:
        formats = section(page("reference/families.md"), "## Record formats")
        missing = [name for name in get_args(RecordFormatName) if f"- **{name}**: " not in formats]
        assert missing == [], f'describe the formats {missing} in docs/reference/families.md, "Record formats"'

    @pytest.mark.parametrize(("key", "type_"), [("api", ApiName), ("format", RecordFormatName)])
    def test_the_comments_of_models_yaml_name_every_api_and_format(self, key: str, type_: Any) -> None:
        (comment,) = re.findall(rf"^#   {key} +(.*)$", CATALOG_PATH.read_text(encoding="utf-8"), re.MULTILINE)
        missing = [name for name in get_args(type_) if not re.search(rf"(?<![\w-]){name}(?![\w-])", comment)]
        assert missing == [], f"add {missing} to the comment about `{key}` in include/models.yaml"


class TestReport:
    def test_every_part_of_the_report_has_a_row(self) -> None:
        documented = {name for cells in rows(page("reference/report_json.md")) for name in names(cells[0])}
        missing = sorted({*ReportSchema.model_fields} - documented)
        assert missing == [], f"add a row for each of {missing} to docs/reference/report_json.md"

    def test_every_key_of_a_comparison_is_named(self) -> None:
        text = section(page("reference/report_json.md"), "## An entry of `comparisons`")
        missing = [name for name in ComparisonSchema.model_fields if not re.search(rf"\b{name}\b", text)]
        assert missing == [], f'name {missing} in docs/reference/report_json.md, "An entry of `comparisons`"'

    def test_every_key_about_evaluation_jobs_is_named(self) -> None:
        text = section(page("reference/report_json.md"), "## The keys of `evaluations`")
        schemas = (EvaluationsSchema, MeanScoreSchema, ScoreDifferenceSchema, LowScoreSchema, MetricSchema)
        missing = [name for schema in schemas for name in schema.model_fields if not re.search(rf"\b{name}\b", text)]
        assert missing == [], f'name {missing} in docs/reference/report_json.md, "The keys of `evaluations`"'


class TestCommands:
    def test_every_make_target_has_a_row(self) -> None:
        makefile = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
        targets = set(re.findall(r"^([a-z]+):[^\n]*##", makefile, re.MULTILINE))
        documented = {name for cells in rows(page("reference/commands.md")) for name in names(cells[0])}
        missing = sorted(f"make {target}" for target in targets if f"make {target}" not in documented)
        assert missing == [], f"add a row for each of {missing} to docs/reference/commands.md"
        assert len(targets) > 10


class TestEnvironment:
    def test_every_variable_has_a_row(self) -> None:
        folders = ("dags", "plugins", "include", "tools")
        files = [path for folder in folders for path in (PROJECT_ROOT / folder).rglob("*") if is_text(path)]
        files += [PROJECT_ROOT / name for name in ("docker-compose.yaml", ".env.example", "Makefile")]
        used = {name for path in files for name in re.findall(r"\bDISTILL_[A-Z_]+[A-Z]\b", path.read_text("utf-8"))}
        internal = {"DISTILL_LOCAL_STATE"}  # marks the processes of a checkout
        missing = sorted(used - internal - set(names(page("reference/environment.md"))))
        assert missing == [], f"add a row for each of {missing} to docs/reference/environment.md"
        assert "DISTILL_REGION" in used


def is_text(path: Path) -> bool:
    return path.suffix in (".py", ".yaml", ".json")
