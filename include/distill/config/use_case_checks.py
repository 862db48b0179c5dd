"""
Check what several sections of a use case say together. Each problem is reported under the key that has to change.

:func:`include.distill.config.parsing.parse_use_case` applies these checks to every use case that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from include.distill.config.arms import comparisons_problem, unknown_arm
from include.distill.config.catalog import load_catalog
from include.distill.config.company import key_problem, role_problem
from include.distill.config.distillation_pairs import distillation_problem, most_prompts, prompt_count_problem
from include.distill.config.key_problems import KeyProblem
from include.distill.config.model_serving import standing_problem
from include.distill.config.prompt_optimization import optimization_problem, unused_prompt_problem
from include.distill.config.published import load_published
from include.distill.config.ready_by import ready_by_problem
from include.distill.config.training_method import method_problem, mix_problem
from include.distill.config.use_case import UseCase


def use_case_problems(use_case: UseCase) -> Iterator[KeyProblem]:
    """Yield the problems of a use case whose sections are valid each by itself."""
    if problem := comparisons_problem(use_case.pairs, use_case.arms):
        yield problem
    else:
        yield from _unused_prompts(use_case)
    yield from _arn_problems(use_case)
    yield from _published_problems(use_case)
    yield from _evaluation_problems(use_case)
    yield from _size_problems(use_case)
    yield from _job_problems(use_case)
    yield from _ready_by_problems(use_case)
    student = load_catalog().model(use_case.student)
    if text := standing_problem(use_case.promotion.serve, student, use_case.aws.region):
        yield KeyProblem(("promotion", "serve"), text.replace("promotion.serve is", "found", 1))


def _ready_by_problems(use_case: UseCase) -> Iterator[KeyProblem]:
    if (ready_by := use_case.ready_by) is None:
        return
    if text := ready_by_problem(ready_by, use_case.schedule):
        yield KeyProblem(("ready_by",), text)
    elif "timezone" not in use_case.model_fields_set:  # a default could be hours away from what its author means
        text = f"found {ready_by}, but no time zone; expected also the key timezone, such as timezone: Europe/Berlin"
        yield KeyProblem(("ready_by",), text)
    elif not use_case.notifies("late"):
        text = f"found {ready_by}, but nobody is notified of a late run; expected a channel in notify with on: [late]"
        yield KeyProblem(("ready_by",), text)


def _arn_problems(use_case: UseCase) -> Iterator[KeyProblem]:
    if text := role_problem(use_case.aws.role_arn, use_case.aws.region):
        yield KeyProblem(("aws", "role_arn"), text)
    for setting, arn in use_case.kms_keys.items():
        if text := key_problem(arn, use_case.aws.region):
            yield KeyProblem((*setting.split("."),), text)


def _unused_prompts(use_case: UseCase) -> Iterator[KeyProblem]:
    for index, arm in enumerate(use_case.arms):
        if text := unused_prompt_problem(arm, use_case.pairs, use_case.scored_arms):
            yield KeyProblem(("arms", index, "prompt"), text)


def _published_problems(use_case: UseCase) -> Iterator[KeyProblem]:
    """Yield a problem if published figures compare arms that the use case does not have, or arms of another kind."""
    if use_case.published is None:
        return
    results, names = load_published(use_case.published), [arm.name for arm in use_case.arms]
    expected = results.arms
    for index, arm in enumerate(use_case.arms):
        if problem := results.kind_problem(arm):
            text = f"{problem}, or remove the key published"
            yield KeyProblem(("arms", index, "prompt" if arm.has_optimized_prompt else "kind"), text)
    if missing := [name for name in expected if name not in names]:
        described = ", ".join(f"{name} ({meaning})" for name, meaning in expected.items())
        yield KeyProblem(
            ("published",),
            f"found {use_case.published!r}, whose figures compare the arms {described}, but the use case has no arm"
            f" {' and no arm '.join(missing)}; expected arms with all these names, so that the report can show each"
            " figure next to one of the run. Add the arms, or remove the key published",
        )


def _evaluation_problems(use_case: UseCase) -> Iterator[KeyProblem]:
    pointwise, names = use_case.evaluations.pointwise, [arm.name for arm in use_case.arms]
    if pointwise and pointwise.arms != "all":
        for index, name in enumerate(pointwise.arms):
            if name not in names:
                path = ("evaluations", "pointwise", "arms", index)
                yield KeyProblem(path, unknown_arm(name, names))
    human = use_case.evaluations.human
    if human and (text := human.region_problem(use_case.aws.region)):
        yield KeyProblem(("evaluations", "human", "flow_definition_arn"), text)


def _size_problems(use_case: UseCase) -> Iterator[KeyProblem]:
    rows, per_row = use_case.source.documents, use_case.synthesis.pairs_per_document
    limits = load_catalog().distillation
    for index, arm in enumerate(use_case.arms):
        excess, count = arm.excess(rows, per_row), prompt_count_problem(arm, limits)
        if excess and count and excess.path == count.path and (room := most_prompts(arm, limits)):
            # Two limits for one number would contradict each other, so only the smaller one is reported.
            if arm.model_copy(update={room[0]: room[1]}).excess(rows, per_row):
                count = None
            else:
                excess = None
        if excess:
            yield KeyProblem(("arms", index, *excess.path), f"{excess.text}. {use_case.with_fewer_rows}")
        if count:
            yield KeyProblem(("arms", index, *count.path), count.text)


def _job_problems(use_case: UseCase) -> Iterator[KeyProblem]:
    """Yield why Bedrock would not accept the jobs of the arms."""
    catalog, method, region = load_catalog(), use_case.training.method, use_case.aws.region
    if text := method_problem(catalog.model(use_case.student), method):
        yield KeyProblem(("training", "method"), text)
    for index, arm in enumerate(use_case.arms):
        if text := mix_problem(arm, method):
            yield KeyProblem(("arms", index, "synthetic"), text)
        teacher = use_case.job_teacher(arm.name)
        if teacher and (text := distillation_problem(arm.name, teacher, use_case.student, region)):
            yield KeyProblem(("arms", index, "teacher"), text)
        if text := optimization_problem([arm], region):
            yield KeyProblem(("arms", index, "prompt"), text)
