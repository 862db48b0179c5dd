"""Check a use case against AWS before anything is bought, and store a frozen copy for the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bedrock_distill.operators.base import DistillOperator
from bedrock_distill.operators.sdk_check import sdk_problems
from bedrock_distill.operators.standing_check import standing_problems, standing_warnings
from bedrock_distill.run.configuration import configuration_of
from bedrock_distill.run.own_folder import run_identity
from include.distill.config.allowed_inputs import input_problem
from include.distill.config.catalog import load_catalog
from include.distill.config.company import key_warnings
from include.distill.config.form_fields import FORM_FIELDS
from include.distill.config.frozen_use_case import dump_use_case
from include.distill.config.layout import Layout, champion_uri
from include.distill.config.lifecycle_check import lifecycle_warning
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case, load_use_cases
from include.distill.config.parsing import with_overrides
from include.distill.config.prompt_loader import dump_prompts, load_prompts
from include.distill.config.prompts import Prompt
from include.distill.config.quota_check import quota_problems
from include.distill.config.records import PreflightManifest
from include.distill.config.root_owner import claim_root, foreign_root_problem
from include.distill.config.run_configuration import refuse_unknown_keys
from include.distill.config.run_record import claim_run_folder
from include.distill.config.section import MAX_RECORDS
from include.distill.config.training_method import training_family
from include.distill.config.use_case import UseCase
from include.distill.core.errors import (
    FAILED_TASK,
    ContractError,
    DistillError,
    InputError,
    RefusedError,
)
from include.distill.core.storage import write_json
from include.distill.cost.model_advice import output_prices
from include.distill.cost.model_check import model_problems, tuning_problems
from include.distill.cost.prices import load_prices
from include.distill.cost.serving_check import hourly_notes, serving_problems
from include.distill.evaluation.champion import Champion, champion_before_run, save_champion_snapshot
from include.distill.evaluation.judge_families import family_warnings
from include.distill.training.hyperparameters import check_hyperparameters
from include.distill.training.reachable_sizes import SIZES, size_problems

if TYPE_CHECKING:
    from airflow.sdk import Context


class BedrockPreflightOperator(DistillOperator):
    """
    Check a use case against AWS, and store it with its prompts in the run's folder.

    The task reads ``include/use_cases/<name>.yaml`` and applies the values of the trigger form. It checks that all
    models exist, are ACTIVE and accessible, including the models that Bedrock calls in distillation and evaluation
    jobs. It checks that the student can be trained in this Region and served as ``serving.mode`` asks, within the
    account's quota of deployments. It also checks that a promotion can change the champion's standing endpoint, and
    warns if this endpoint does not answer with the champion. If Bedrock and ``include/models.yaml`` disagree about a
    model, Bedrock is right. If a model cannot be used, the message names models that can take its place. The task also
    checks prices, hyperparameters, prompts, CSV files, buckets and the sizes of the arms, and reports all problems
    together. A run whose configuration has unknown keys is refused. Missing buckets are created if
    ``storage.create_buckets`` is set. Before the task stores anything else, it records in ``environment.json`` that
    this environment owns the storage roots, and in ``run.json`` that this DAG run owns the folder. If nothing is left
    of a monthly budget of the use case or its owner, the run is refused, unless it is a dry run. The task buys nothing.
    Retrying or clearing the task checks again, and stores the YAML file and the prompts in their current state.

    :param use_case_name: name of a file in ``include/use_cases/``, without ``.yaml``. (templated)
    :param use_cases: the folder that contains the use cases.
    :return: ``{"use_case_uri": str, "warnings": [str]}``
    :raises InputError: the message lists all problems; nothing was bought.
    :raises BudgetExceededError: nothing is left of a monthly budget; nothing was stored or bought.
    :raises BudgetUnknownError: it cannot be read what was spent in the month; nothing was stored or bought.
    :raises RefusedError: the storage root or the folder belongs to another run or environment; nothing was stored or
        bought.
    """

    template_fields: Sequence[str] = (*DistillOperator.template_fields, "use_case_name")
    ui_color = "#e8f0fe"
    waits_for = "the check of the use case, its files, models and buckets"

    def __init__(self, *, use_case_name: str, use_cases: Path = USE_CASES_FOLDER, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.use_case_name = use_case_name
        self.use_cases = use_cases

    def execute(self, context: Context) -> PreflightManifest:
        """Check the use case and store a frozen copy; return the URI of the copy."""
        from bedrock_distill.run.month_budget import RunBudgets

        use_case_file = load_use_case(self.use_cases / f"{self.use_case_name}.yaml")
        self._refuse_unknown_keys(use_case_file, context)
        use_case = with_overrides(use_case_file, dict(context["params"]))
        inputs = {"training_csv": use_case.source.training_csv, "evaluation_csv": use_case.source.evaluation_csv}
        # The other checks read the inputs, so they come only after this one.
        problems: list[str | DistillError] = [
            InputError(problem, settings=[key])
            for key, uri in inputs.items()
            if uri and (problem := input_problem(uri, use_case_file))
        ]
        problems = problems or self._problems(use_case)
        prompts: dict[str, Prompt] = {}
        try:
            is_optimized = bool(use_case.optimized_arms)
            settings, prompts = load_prompts(use_case.prompts, self.store, for_optimization=is_optimized)
            use_case = use_case.model_copy(update={"prompts": settings})
        except (InputError, RefusedError) as error:
            problems += str(error).splitlines()
        if problems:
            listed = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(problems, start=1))
            raise InputError(
                f"Use case {use_case.name} cannot run. Problems ({len(problems)}):\n{listed}",
                billed="Nothing was bought.",
                to_do="Correct all problems that the log of preflight lists.",
                then_clear=FAILED_TASK,
                settings=[key for problem in problems if isinstance(problem, DistillError) for key in problem.settings],
            )
        budgets = RunBudgets(self, use_case, context, folder=self.use_cases)
        if not context["params"].get("dry_run"):  # a dry run pays for nothing
            budgets.require_some_left()
        self._claim_folder(use_case, context)
        champion = champion_before_run(self.store, self.folder, use_case.name)
        warnings = [*self._warnings(use_case, champion), *budgets.warnings()]
        for warning in warnings:
            self.log.warning(warning)
        save_champion_snapshot(self.store, self.folder, champion)
        write_json(self.store, self.folder.prompts, dump_prompts(prompts))
        self.store.write(self.folder.use_case, dump_use_case(use_case))
        return {"use_case_uri": self.folder.use_case, "warnings": warnings}

    def _warnings(self, use_case: UseCase, champion: Champion | None) -> list[str]:
        from include.distill.training.data_card import licence_note

        note = licence_note(self.model(use_case.teacher), self.model(use_case.student))
        compared = champion.student if champion and use_case.champion_arm else None
        return [
            *([note] if note else []),
            *family_warnings(use_case),
            *key_warnings(use_case.kms_keys, use_case.aws.account),
            *self._lifecycle_warnings(use_case),
            *_size_warnings(use_case),
            *hourly_notes(use_case, champion=compared),
            *standing_warnings(self.hook, use_case, champion),
        ]

    def _refuse_unknown_keys(self, use_case: UseCase, context: Context) -> None:
        """Refuse configuration keys that match no field of the form, such as ``document`` for ``documents``."""
        known = {*FORM_FIELDS, *(self.dag.params if self.has_dag() else ())}
        in_file = f"it can be set only in {use_case.name}.yaml"
        refuse_unknown_keys(
            configuration_of(context),
            known,
            dag_id=use_case.dag_id,
            state="Nothing was stored or bought.",
            elsewhere=dict.fromkeys(UseCase.model_fields, in_file),
        )

    def state_left(self, error: Exception) -> str:
        """Return what is left after an error: this attempt stored no checked use case, so no later task starts."""
        return "This attempt stored no checked use case, so no later task starts."

    def pre_execute(self, context: Context) -> None:
        """Leave the check of the run's folder to ``execute``, because the bucket may not exist yet."""

    def _claim_folder(self, use_case: UseCase, context: Context) -> None:
        """Record that this environment owns the storage roots, and that this DAG run owns its folder."""
        for root in Layout(use_case.storage).roots:
            claim_root(self.store, root, use_case.environment)
        super().pre_execute(context)
        claim_run_folder(self.store, self.folder, run_identity(context), use_case=use_case.name)

    def _problems(self, use_case: UseCase) -> list[str | DistillError]:
        from include.distill.batch.step_requests import batch_problems
        from include.distill.dataset.source_files import check_inputs

        problems: list[str | DistillError] = []
        problems.extend(self._bucket_problems(use_case) or self._root_problems(use_case))
        for key in use_case.all_models:
            problems += model_problems(self.hook, use_case, self.model(key))
        problems += sdk_problems(self.hook, use_case)
        problems += self._student_problems(use_case)
        problems += self._serving_problems(use_case)
        problems += batch_problems(use_case, output_prices())
        problems += quota_problems(use_case)
        checks = [partial(load_prices().price, key, "input_per_million") for key in use_case.all_models]
        return [*problems, *check_inputs(use_case.source, self.store), *_failures(checks)]

    def _bucket_problems(self, use_case: UseCase) -> list[str]:
        storage = use_case.storage
        tags = {**use_case.aws.tags, "environment": use_case.environment}
        problems: list[str] = []
        for bucket in storage.buckets:
            try:
                problem = self.store.ensure_bucket(
                    bucket, region=use_case.aws.region, create=storage.create_buckets, tags=tags
                )
            except RefusedError as error:
                problem = str(error)
            problems += [problem] if problem else []
        return problems

    def _root_problems(self, use_case: UseCase) -> list[str]:
        """Check that no other environment owns a root of the use case. Call this only if the buckets exist."""
        problems: list[str] = []
        for root in Layout(use_case.storage).roots:
            try:
                problem = foreign_root_problem(self.store, root, use_case.environment)
            except (RefusedError, ContractError) as error:
                problem = str(error)
            problems += [problem] if problem else []
        return problems

    def _lifecycle_warnings(self, use_case: UseCase) -> list[str]:
        """
        Warn about models that Bedrock reports as ACTIVE, but ``include/models.yaml`` does not list as active.

        On the AWS simulator of another day, this is no contradiction. One sentence then names the day instead.
        """
        if day := self.hook.simulated_day(self.model(use_case.student).foundation_id):
            return [
                f"As of {day}, SIMULATED: this account has the models and operations of that day. Clocks are real, and"
                " prices are those of include/prices.yaml."
            ]
        models = map(self.model, use_case.all_models)
        doubted = [model for model in models if model.lifecycle != "active"]
        warnings = [lifecycle_warning(model, self.hook.foundation_model(model.foundation_id)) for model in doubted]
        return [warning for warning in warnings if warning]

    def _student_problems(self, use_case: UseCase) -> list[str | DistillError]:
        if all(arm.kind == "base" for arm in use_case.arms):
            return []
        student = self.model(use_case.student)
        if student.customization is None:
            return [*_failures([partial(load_catalog().family_of, student)])]
        problems: list[str | DistillError] = [*tuning_problems(self.hook, use_case, student)]
        if use_case.aws.region not in student.customization.regions:
            regions = ", ".join(student.customization.regions)
            problems.append(
                f"{student.key} can be trained only in {regions}, but aws.region is {use_case.aws.region};"
                " change aws.region or student in the use-case file"
            )
        family = training_family(student, use_case.training)
        # If the use case does not limit the number of documents, only arms that ask for too little are found here.
        # `estimate` checks the sizes again when the rows have been counted.
        sizes = size_problems(use_case, family, training=use_case.source.documents or MAX_RECORDS)
        problems += [InputError(problem, settings=SIZES) for problem in sizes]
        return problems + _failures(
            [
                partial(
                    check_hyperparameters,
                    use_case.training.hyperparameters,
                    family,
                    with_validation=use_case.training.validation_share > 0,
                ),
                partial(load_prices().price, student.key, "training_per_thousand"),
            ]
        )

    def _serving_problems(self, use_case: UseCase) -> list[str]:
        """
        Check that the custom models can be served, and that a promotion can change the champion's standing endpoint.

        If an arm uses the champion, also check that its model still exists.
        """
        try:
            champion = champion_before_run(self.store, self.folder, use_case.name)
        except ContractError as error:
            return [str(error)]
        compared = champion if use_case.champion_arm else None
        problems = serving_problems(
            self.hook,
            use_case,
            self.folder.run_key,
            champion=compared.student if compared else None,
            use_cases=load_use_cases(self.use_cases).valid,
        )
        problems += standing_problems(use_case, champion)
        return problems + (self._champion_problems(use_case, compared) if compared else [])

    def _champion_problems(self, use_case: UseCase, champion: Champion) -> list[str]:
        try:
            if self.hook.has_custom_model(champion.model_arn):
                return []
        except RefusedError as error:
            return [f"the champion {champion.model_arn} cannot be looked up: {error}"]
        uri = champion_uri(self.folder.root, use_case.name)
        return [
            f"the champion {champion.model_arn} no longer exists in Bedrock; delete {uri} to start without a champion"
        ]


def _size_warnings(use_case: UseCase) -> list[str]:
    """
    Warn about an evaluation that is too small for a verdict.

    Without a limit on rows or documents in the use case, there is no warning here. ``estimate`` counts the rows later.
    """
    from include.distill.evaluation.verdict_size import too_few_questions

    source = use_case.source
    limit = source.evaluation_rows if source.evaluation_csv else source.documents
    warning = None if limit is None else too_few_questions(limit)
    return [] if warning is None else [warning]


def _failures(checks: Sequence[Callable[[], object]]) -> list[str]:
    """Run all checks and return the messages of those that fail."""
    problems = []
    for check in checks:
        try:
            check()
        except (InputError, RefusedError) as error:
            problems.append(str(error))
    return problems
