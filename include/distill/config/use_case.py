"""
A use case: one YAML file in ``include/use_cases/`` that says everything a nightly run needs to know.

Unknown keys are errors. The trigger form may override a few values for one run.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, get_args

from croniter import CroniterError, croniter
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from include.distill.config.catalog import EPOCH_COUNT, Model, load_catalog
from include.distill.config.sections import (
    Answering,
    Arm,
    Aws,
    Batch,
    Comparison,
    CriticSettings,
    Curation,
    Estimate,
    FanOut,
    Judging,
    ModelQuota,
    Promotion,
    Prompts,
    Section,
    Serving,
    Slug,
    SourceData,
    Storage,
    Synthesis,
    Training,
)
from include.distill.core.errors import UseCaseError

# distill_<name> is a DAG of the project's own, or a choice of the clean-up form.
_PRESETS = frozenset({"@once", "@continuous", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly"})
RESERVED_NAMES = frozenset({"clean_up", "release_leftovers", "label_sample", "all"})


class UseCase(Section):
    """Everything a run needs to know; frozen into the run's folder by preflight."""

    name: Annotated[Slug, Field(max_length=24)]
    description: str
    owner: str
    schedule: str | None = "0 2 * * *"
    tags: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = ()  # Airflow's limit
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
    promotion: Promotion = Promotion()
    training: Training = Training()
    batch: Batch = Batch()
    serving: Serving = Serving()
    arms: tuple[Arm, ...] = (Arm(name="base", kind="base"), Arm(name="tuned"))
    comparisons: tuple[Comparison, ...] = ()
    fan_out: FanOut = FanOut()
    estimate: Estimate = Estimate()
    quotas: dict[str, ModelQuota] = Field(default_factory=dict)
    max_spend_usd: float = Field(100, gt=0)
    seed: int = 20_250_212

    @field_validator("schedule")
    @classmethod
    def _a_schedule(cls, schedule: str | None) -> str | None:
        """Airflow would find it out too, but would then schedule no DAG of any use case."""
        try:
            if schedule is not None and schedule not in _PRESETS:
                croniter(schedule)
        except CroniterError as error:
            message = f'{schedule!r} is no cron expression ({error}); expected one such as "0 2 * * *", or null'
            raise ValueError(message) from error
        return schedule

    @field_validator("teacher", "student")
    @classmethod
    def _model_is_known(cls, name: str) -> str:
        return load_catalog().model(name).key

    @field_validator("judges")
    @classmethod
    def _judges_are_known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        keys = tuple(load_catalog().model(name).key for name in names)
        if len(set(keys)) != len(keys):
            message = f"judges must be distinct models, found {list(keys)}"
            raise ValueError(message)
        return keys

    @field_validator("quotas")
    @classmethod
    def _quotas_are_of_known_models(cls, quotas: dict[str, ModelQuota]) -> dict[str, ModelQuota]:
        return {load_catalog().model(name).key: quota for name, quota in quotas.items()}

    @field_validator("curation")
    @classmethod
    def _critic_is_known(cls, curation: Curation) -> Curation:
        if curation.critic is None:
            return curation
        critic = curation.critic.model_copy(update={"model": load_catalog().model(curation.critic.model).key})
        return curation.model_copy(update={"critic": critic})

    @field_validator("arms")
    @classmethod
    def _arms_are_distinct(cls, arms: tuple[Arm, ...]) -> tuple[Arm, ...]:
        names = [arm.name for arm in arms]
        if len(set(names)) != len(names):
            message = f"arms must have distinct names, found {names}"
            raise ValueError(message)
        if len(champions := [arm.name for arm in arms if arm.kind == "champion"]) > 1:
            message = f"there is one champion, found {champions}"
            raise ValueError(message)
        return arms

    @field_validator("name")
    @classmethod
    def _name_is_free(cls, name: str) -> str:
        if name in RESERVED_NAMES:
            message = f"{name!r} is taken by the project itself"
            raise ValueError(message)
        return name

    @model_validator(mode="after")
    def _comparisons_name_arms(self) -> UseCase:
        names = {arm.name for arm in self.arms}
        for pair in self.pairs:
            if unknown := {pair.candidate, pair.baseline} - names:
                message = f"comparisons name unknown arms {sorted(unknown)}; known: {sorted(names)}"
                raise ValueError(message)
            if pair.candidate == pair.baseline:
                message = f"a comparison needs two arms, found {pair.candidate!r} twice"
                raise ValueError(message)
        if not self.pairs:
            message = "nothing is compared: add an arm of kind fine_tuned beside the base, or say what in comparisons"
            raise ValueError(message)
        if len(set(self.pairs)) != len(self.pairs):
            message = "comparisons name a pair of arms twice; its verdicts would be stored twice in one place"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _arms_can_be_had(self) -> UseCase:
        if problems := [problem for arm in self.arms if (problem := self._beyond_reach(arm))]:
            raise ValueError("; ".join(problems))
        return self

    def _beyond_reach(self, arm: Arm) -> str | None:
        """Return why there can never be as many rows or pairs as an arm asks for."""
        rows, per_row = self.source.documents, self.synthesis.pairs_per_document
        if rows is not None and arm.originals != "all" and arm.originals > rows:
            return f"arm {arm.name} asks for {arm.originals} originals, source.documents allows {rows}"
        maximum = rows if arm.originals in ("all", 0) else int(arm.originals)
        if maximum is not None and arm.synthetic != "all" and arm.synthetic > maximum * per_row:
            return (
                f"arm {arm.name} asks for {arm.synthetic} synthetic pairs, {maximum} rows give at most"
                f" {maximum * per_row} (pairs_per_document is {per_row})"
            )
        return None

    @property
    def dag_id(self) -> str:
        """The DAG that runs this use case."""
        return f"distill_{self.name}"

    @property
    def pairs(self) -> tuple[Comparison, ...]:
        """The stated comparisons, or every fine-tuned arm against the champion, then against every base arm."""
        if self.comparisons:
            return self.comparisons
        baselines = [arm.name for kind in ("champion", "base") for arm in self.arms if arm.kind == kind]
        tuned = [arm.name for arm in self.arms if arm.kind == "fine_tuned"]
        return tuple(Comparison(candidate=arm, baseline=baseline) for baseline in baselines for arm in tuned)

    @property
    def champion_arm(self) -> str | None:
        """The arm that the promoted model is, if the use case has one."""
        return next((arm.name for arm in self.arms if arm.kind == "champion"), None)

    @property
    def models(self) -> tuple[str, ...]:
        """Every model that may be asked, once."""
        critic = (self.critic.model,) if self.critic else ()
        return tuple(dict.fromkeys((self.teacher, self.student, *self.judges, *critic)))

    @property
    def critic(self) -> CriticSettings | None:
        """Who looks at new pairs, if anybody does and there are any."""
        return self.curation.critic if self.wants_pairs else None

    @property
    def wants_pairs(self) -> bool:
        """Whether any arm is trained on pairs that the teacher has to write."""
        return any(arm.wants_pairs for arm in self.arms)

    @property
    def noise_control_arm(self) -> str | None:
        """
        The arm that answers twice, so that the judges compare it with itself; ``None`` without a noise control.

        The base student: its second answers cost tokens, a tuned one's would cost time of its endpoint. At temperature
        0 the second answer is the first, and there is nothing to compare.
        """
        if not self.judging.noise_control or self.answering.temperature == 0:
            return None
        return next((arm.name for arm in self.arms if arm.kind == "base"), None)

    @property
    def judged_pairs(self) -> tuple[Comparison, ...]:
        """What the judges are asked: the comparisons, then the noise control."""
        arm = self.noise_control_arm
        return (*self.pairs, Comparison(candidate=arm, baseline=repeat_arm_name(arm))) if arm else self.pairs

    @property
    def epochs(self) -> float:
        """Passes over the training file: the stated ones, or the default of the student's family."""
        catalog = load_catalog()
        default = catalog.family_of(catalog.model(self.student)).hyperparameters[EPOCH_COUNT].default
        return float(self.training.hyperparameters.get(EPOCH_COUNT, default))

    def quota(self, model: Model) -> ModelQuota:
        """Return what may be asked of ``model`` on demand: as the file says, else as the catalog does, else unknown."""
        return self.quotas.get(model.key) or model.quotas.get(self.aws.region) or ModelQuota()

    def arm(self, name: str) -> Arm:
        """Return the arm called ``name``."""
        return next(arm for arm in self.arms if arm.name == name)

    def with_overrides(self, overrides: Mapping[str, Any]) -> UseCase:
        """
        Return a copy with the trigger form's values in place.

        :param overrides: the keys of :data:`OVERRIDES`, others are no setting. An empty field clears what can be
            absent (:data:`CLEARABLE`) and leaves the file's value of what cannot.
        :raises UseCaseError: a value is out of range.
        """
        raw = self.model_dump(mode="json")
        for key, section in OVERRIDES.items():
            value = None if overrides.get(key) == "" else overrides.get(key)
            if value is not None or (key in CLEARABLE and key in overrides):
                target = raw[section] if section else raw
                target[key] = value
        return parse_use_case(raw, origin=f"{self.name} with the values of the trigger form")


def repeat_arm_name(arm: str) -> str:
    """Return the name under which an arm's second answers are judged; no arm can be called so."""
    return f"{arm}-again"


# What the trigger form may change, and the section of the file where it stands.
OVERRIDES: dict[str, str | None] = {
    "training_csv": "source",
    "evaluation_csv": "source",
    "documents": "source",
    "evaluation_rows": "source",
    "pairs_per_document": "synthesis",
    "max_spend_usd": None,
}
CLEARABLE = ("evaluation_csv", "documents", "evaluation_rows")


def parse_use_case(raw: Any, *, origin: str) -> UseCase:
    """Return the use case in a YAML value, or say everything that is wrong with it.

    :raises UseCaseError: one line per problem, each with its key.
    """
    if not isinstance(raw, dict):
        message = f"{origin}: expected a mapping of keys, found {type(raw).__name__}."
        raise UseCaseError(message)
    try:
        return UseCase.model_validate(raw)
    except ValidationError as error:
        raise UseCaseError(f"{origin}: " + "; ".join(_problem(fault) for fault in error.errors())) from error


def _problem(fault: Mapping[str, Any]) -> str:
    """Say in plain words what pydantic found; a misspelt key is answered with the nearest one."""
    place = [str(part) for part in fault["loc"]]
    if fault["type"] != "extra_forbidden":
        text = f"{'.'.join(place) or 'file'}: {fault['msg'].removeprefix('Value error, ')}"
        is_text = fault["input"] is None or isinstance(fault["input"], (str, int, float))
        return f"{text}, found {repr(fault['input'])[:60]}" if is_text and fault["type"] != "value_error" else text
    nearest = difflib.get_close_matches(place[-1], _keys_at(place[:-1]), n=1)
    return f"{'.'.join(place)}: unknown key" + (f", did you mean {nearest[0]!r}?" if nearest else "")


def _keys_at(place: Sequence[str]) -> list[str]:
    """Return the keys of the section at ``place``, such as ``("arms", "0")``."""
    section: type[BaseModel] = UseCase
    for part in place:
        if part not in section.model_fields:  # the number of a list's element
            continue
        annotation = section.model_fields[part].annotation
        candidates = (annotation, *get_args(annotation))
        section = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), section)
    return list(section.model_fields)
