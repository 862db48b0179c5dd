"""
Define and validate a use case, which is the content of a YAML file in ``include/use_cases/``.

A use case contains all settings of a run. Unknown keys are errors. The trigger form can override some values for one
run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, PrivateAttr, field_validator

from include.distill.config.approval_rule import Approval
from include.distill.config.arms import Arm, Comparison, arms_problems, default_comparisons
from include.distill.config.budgets import Budget
from include.distill.config.catalog import EPOCH_COUNT, Model, load_catalog
from include.distill.config.environment import EnvironmentName
from include.distill.config.evaluation_settings import Evaluations, HumanEvaluation
from include.distill.config.key_problems import refuse
from include.distill.config.model_names import different_models, model_keys
from include.distill.config.notifications import Event, Notify
from include.distill.config.promotion_rule import Promotion
from include.distill.config.prompt_optimization import PromptOptimization
from include.distill.config.published import load_published
from include.distill.config.ready_by import UTC_NAME, TimeOfDay, TimeZoneName
from include.distill.config.reserved_names import RESERVED_NAMES
from include.distill.config.schedule import check_schedule
from include.distill.config.section import Section, Slug
from include.distill.config.sections import (
    Answering,
    Aws,
    Batch,
    CriticSettings,
    Curation,
    Estimate,
    FanOut,
    Judging,
    ModelQuota,
    Prompts,
    Serving,
    SourceData,
    Storage,
    Synthesis,
    Training,
)
from include.distill.core.naming import label_dag_id


class UseCase(Section):
    """
    All settings of a run. Preflight stores a frozen copy in the run's folder.

    ``environment`` is not a key of the use-case file. It is the name of the installation, and is frozen with the run.
    """

    _frozen_models: Mapping[str, Model] = PrivateAttr(default_factory=dict)

    name: Annotated[Slug, Field(max_length=24)]
    environment: EnvironmentName
    description: str
    owner: str = Field(max_length=500)  # Airflow limits the length of a DAG's owners
    schedule: Annotated[str, Field(max_length=150)] | None = "0 2 * * *"  # Airflow also limits a schedule's description
    timezone: TimeZoneName = UTC_NAME  # of schedule and ready_by
    ready_by: TimeOfDay | None = None
    notify: tuple[Notify, ...] = Field((), max_length=20)
    tags: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = ()  # Airflow's limit
    published: Slug | None = None  # a file in include/published, whose figures the report shows
    aws: Aws
    storage: Storage
    source: SourceData
    teacher: str
    student: str
    judges: tuple[str, ...] = Field(min_length=1)
    prompts: Prompts = Prompts()
    synthesis: Synthesis = Synthesis()
    curation: Curation = Curation()
    answering: Answering = Answering()
    judging: Judging = Judging()
    prompt_optimization: PromptOptimization = PromptOptimization()
    evaluations: Evaluations = Evaluations()
    promotion: Promotion = Promotion()
    approval: Approval = Approval()
    training: Training = Training()
    batch: Batch = Batch()
    serving: Serving = Serving()
    # With hundreds of arms, parsing dags/distill.py would exceed Airflow's time limit, and no use case would load.
    arms: tuple[Arm, ...] = Field((Arm(name="base", kind="base"), Arm(name="tuned")), max_length=50)
    comparisons: tuple[Comparison, ...] = ()
    fan_out: FanOut = FanOut()
    estimate: Estimate = Estimate()
    quotas: dict[str, ModelQuota] = Field(default_factory=dict)
    max_spend_usd: float = Field(100, gt=0)
    budget: Budget = Budget()
    seed: int = 20_250_212

    @property
    def bucket_owners(self) -> dict[str, str]:
        """The account that must own each bucket, by the bucket's name; ``*`` is for all other buckets."""
        return {"*": self.aws.account, **self.storage.bucket_owners}

    @property
    def kms_keys(self) -> dict[str, str | None]:
        """The ARNs of the KMS keys, by the names of their settings."""
        return {"aws.kms_key_arn": self.aws.kms_key_arn, "storage.kms_key_arn": self.storage.kms_key_arn}

    @property
    def output_key(self) -> str | None:
        """The KMS key that encrypts the answers of batch jobs; ``None`` for the setting of the bucket."""
        return self.aws.kms_key_arn or self.storage.kms_key_arn

    @field_validator("schedule")
    @classmethod
    def _schedule_is_valid(cls, schedule: str | None) -> str | None:
        check_schedule(schedule)
        return schedule

    @field_validator("published")
    @classmethod
    def _figures_are_published(cls, name: str | None) -> str | None:
        if name is not None:
            load_published(name)
        return name

    @field_validator("teacher", "student")
    @classmethod
    def _model_is_known(cls, name: str) -> str:
        return load_catalog().model(name).key

    @field_validator("judges")
    @classmethod
    def _judges_are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return different_models(names)

    @field_validator("quotas")
    @classmethod
    def _quotas_are_of_known_models(cls, quotas: dict[str, ModelQuota]) -> dict[str, ModelQuota]:
        keys = model_keys(quotas, lambda index: (list(quotas)[index],))
        return dict(zip(keys, quotas.values(), strict=True))

    @field_validator("curation")
    @classmethod
    def _critic_is_known(cls, curation: Curation) -> Curation:
        if curation.critic is None:
            return curation
        (key,) = model_keys([curation.critic.model], lambda _: ("critic", "model"))
        return curation.model_copy(update={"critic": curation.critic.model_copy(update={"model": key})})

    @field_validator("arms")
    @classmethod
    def _arms_are_distinct(cls, arms: tuple[Arm, ...]) -> tuple[Arm, ...]:
        refuse(arms_problems(arms))
        return arms

    @field_validator("name")
    @classmethod
    def _name_is_free(cls, name: str) -> str:
        if name in RESERVED_NAMES:
            message = f"{name!r} is a reserved name; expected another name"
            raise ValueError(message)
        return name

    def notifies(self, event: Event) -> bool:
        """Return whether anybody is notified of an event."""
        return any(one.wants(event) for one in self.notify)

    @property
    def with_fewer_rows(self) -> str:
        """What to do if the files have fewer rows than an arm requests, as a sentence without a full stop."""
        return (
            f"If you have fewer rows, reduce arms.originals and arms.synthetic in include/use_cases/{self.name}.yaml,"
            " or run a use case whose arms take all rows"
        )

    @property
    def dag_id(self) -> str:
        """The id of the DAG that runs this use case."""
        return f"distill_{self.name}"

    @property
    def label_dag_id(self) -> str:
        """The id of the DAG that people use to label runs of this use case."""
        return label_dag_id(self.name)

    @property
    def pairs(self) -> tuple[Comparison, ...]:
        """The configured comparisons. By default, each trained arm is compared with the champion and base arms."""
        return self.comparisons or default_comparisons(self.arms)

    @property
    def scored_arms(self) -> tuple[str, ...]:
        """The names of the arms whose answers Bedrock's evaluation jobs score."""
        if (pointwise := self.evaluations.pointwise) is None:
            return ()
        return tuple(arm.name for arm in self.arms if pointwise.arms == "all" or arm.name in pointwise.arms)

    @property
    def evaluators(self) -> tuple[str, ...]:
        """The keys of the models that score answers in Bedrock's evaluation jobs."""
        return self.evaluations.pointwise.evaluators if self.evaluations.pointwise else ()

    @property
    def optimized_arms(self) -> tuple[str, ...]:
        """The names of the arms whose prompt a prompt optimization job rewrites."""
        return tuple(arm.name for arm in self.arms if arm.has_optimized_prompt)

    @property
    def human_workers(self) -> HumanEvaluation | None:
        """The settings of jobs for human workers; ``None`` if the use case names no workers."""
        human = self.evaluations.human
        return human if human and human.flow_definition_arn else None

    @property
    def champion_arm(self) -> str | None:
        """The name of the promoted model's arm, if the use case has one."""
        return next((arm.name for arm in self.arms if arm.kind == "champion"), None)

    @property
    def models(self) -> tuple[str, ...]:
        """The keys of all models that the pipeline may call, without repetition."""
        critic = (self.critic.model,) if self.critic else ()
        return tuple(dict.fromkeys((self.teacher, self.student, *self.judges, *critic)))

    def job_teacher(self, arm: str) -> str | None:
        """Return the key of the model that Bedrock asks during the arm's job; ``None`` if it is no distillation job.

        :param arm: name of an arm. In a run whose use case was edited, a task's arm may be missing from the use case.
        """
        distilled = (one for one in self.arms if one.name == arm and one.kind == "distilled")
        return next((one.teacher or self.teacher for one in distilled), None)

    @property
    def models_of_jobs(self) -> tuple[str, ...]:
        """The keys of the models that only Bedrock calls, in jobs other than batch jobs, without repetition."""
        teachers = [teacher for arm in self.arms if (teacher := self.job_teacher(arm.name))]
        judges = [self.prompt_optimization.judge_model] if self.optimized_arms else []
        return tuple(key for key in dict.fromkeys((*teachers, *self.evaluators, *judges)) if key not in self.models)

    @property
    def all_models(self) -> tuple[str, ...]:
        """The keys of the models that the pipeline or Bedrock's jobs call, without repetition."""
        return (*self.models, *self.models_of_jobs)

    def catalog_model(self, name: str) -> Model:
        """
        Return a model of the catalog.

        A frozen use case may state the facts that shape the requests to this model. The returned model then has these
        facts, even if the catalog has changed since then.
        """
        model = load_catalog().model(name)
        return self._frozen_models.get(model.key, model)

    def with_frozen_models(self, models: Mapping[str, Model]) -> UseCase:
        """
        Return a copy whose :meth:`catalog_model` returns ``models`` instead of the catalog's models with the same keys.

        :param models: models with the facts that the run froze, by key.
        """
        copy = self.model_copy()
        copy._frozen_models = models
        return copy

    @property
    def critic(self) -> CriticSettings | None:
        """The settings of the critic; ``None`` if there is no critic or if the teacher writes no pairs."""
        return self.curation.critic if self.wants_pairs else None

    @property
    def wants_pairs(self) -> bool:
        """Whether at least one arm is trained on pairs that the teacher writes."""
        return any(arm.wants_pairs for arm in self.arms)

    @property
    def noise_control_arm(self) -> str | None:
        """
        The arm whose two answers to each question the judges compare; ``None`` if there is no noise control.

        This arm is the base student, because its second answers cost only tokens, not endpoint hours. At temperature 0,
        both answers would be the same, so there is no noise control.
        """
        if not self.judging.noise_control or self.answering.temperature == 0:
            return None
        base = [arm for arm in self.arms if arm.kind == "base"]
        return next((arm.name for arm in sorted(base, key=lambda arm: arm.has_optimized_prompt)), None)

    @property
    def judged_pairs(self) -> tuple[Comparison, ...]:
        """The pairs of arms that the judges compare: the comparisons, then the noise control if there is one."""
        arm = self.noise_control_arm
        return (*self.pairs, Comparison(candidate=arm, baseline=repeat_arm_name(arm))) if arm else self.pairs

    @property
    def epochs(self) -> float:
        """The configured number of passes over the training file, or else the default of the student's family."""
        return float(self.training.hyperparameters.get(EPOCH_COUNT, self._default_epochs))

    @property
    def _default_epochs(self) -> float:
        catalog = load_catalog()
        return catalog.family_of(catalog.model(self.student)).hyperparameters[EPOCH_COUNT].default

    def epochs_of(self, arm: str) -> float:
        """Return how often the job of a trained arm passes over its data.

        A distillation job gets no hyperparameters, so it has the default number of passes.
        """
        return self._default_epochs if self.job_teacher(arm) else self.epochs

    def quota(self, model: Model) -> ModelQuota:
        """
        Return the on-demand quota of ``model`` from the use case, or else from the catalog.

        If neither states a quota, the rates of the returned quota are ``None``.
        """
        return self.quotas.get(model.key) or model.quotas.get(self.aws.region) or ModelQuota()

    def arm(self, name: str) -> Arm:
        """Return the arm with this name."""
        return next(arm for arm in self.arms if arm.name == name)


def repeat_arm_name(arm: str) -> str:
    """Return the reserved name under which the noise control stores an arm's second answer to each question."""
    return f"{arm}-again"
