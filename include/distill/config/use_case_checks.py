"""
Check what several sections of a use case say together. Each problem is reported under the key that has to change.

:func:`include.distill.config.parsing.parse_use_case` applies these checks to every use case that it reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from include.distill.config.arms import comparisons_problem, unknown_arm
from include.distill.config.catalog import load_catalog
from include.distill.config.distillation_pairs import distillation_problem, prompt_count_problem
from include.distill.config.key_problems import KeyProblem
from include.distill.config.model_serving import standing_problem
from include.distill.config.prompt_optimization import optimization_problem
from include.distill.config.published import load_published
from include.distill.config.training_method import method_problem, mix_problem
from include.distill.config.use_case import UseCase


def use_case_problems(use_case: UseCase) -> Iterator[KeyProblem]:
    """Yield the problems of a use case whose sections are valid each by itself."""
    if problem := comparisons_problem(use_case.pairs, use_case.arms):
        yield problem
    yield from _published_problems(use_case)
    yield from _evaluation_problems(use_case)
    yield from _size_problems(use_case)
    yield from _job_problems(use_case)
    student = load_catalog().model(use_case.student)
    if text := standing_problem(use_case.promotion.serve, student, use_case.aws.region):
        yield KeyProblem(("promotion", "serve"), text.replace("promotion.serve is", "found", 1))


def _published_problems(use_case: UseCase) -> Iterator[KeyProblem]:
    """Yield a problem if published figures compare arms that the use case does not have."""
    if use_case.published is None:
        return
    expected, names = load_published(use_case.published).arms, [arm.name for arm in use_case.arms]
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
    for index, arm in enumerate(use_case.arms):
        if problem := arm.excess(rows, per_row):
            yield KeyProblem(("arms", index, *problem.path), f"{problem.text}. {use_case.with_fewer_rows}")
        if problem := prompt_count_problem(arm, load_catalog().distillation):
            yield KeyProblem(("arms", index, *problem.path), problem.text)


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
