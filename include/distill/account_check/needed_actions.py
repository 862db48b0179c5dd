"""
List the actions that a use case needs, and the resources on which it needs them.

The list follows the calls of ``plugins/bedrock_distill/hooks``. A test compares it with these calls. The needs of the
pipeline are those of three identities, which may be the same: that of runs, that of promotions, and that of
``distill_clean_up``. The needs of ``jobs`` are those of the role that Bedrock assumes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from include.distill.account_check.company_needs import key_needs, network_needs
from include.distill.account_check.needs import Arns, Need, Who, invocations
from include.distill.config.catalog import Model, load_catalog
from include.distill.config.use_case import UseCase
from include.distill.core.errors import UseCaseError
from include.distill.core.storage import split_uri
from include.distill.cost.arm_serving import serving_choice
from include.distill.cost.prices import load_prices

_JOBS = {
    "customization": ("ModelCustomizationJob", "model-customization-job"),
    "batch": ("ModelInvocationJob", "model-invocation-job"),
    "evaluation": ("EvaluationJob", "evaluation-job"),
    "optimization": ("AdvancedPromptOptimizationJob", "advanced-prompt-optimization-job"),
}
_ENDPOINTS = {
    "provisioned": ("ProvisionedModelThroughput", "provisioned-model"),
    "on_demand": ("CustomModelDeployment", "custom-model-deployment"),
}
# What Bedrock's documentation requires for jobs of human workers.
_HUMAN_LOOPS = ("StartHumanLoop", "DescribeFlowDefinition", "DescribeHumanLoop", "StopHumanLoop", "DeleteHumanLoop")


def needed_actions(use_case: UseCase) -> list[Need]:
    """Return everything that the identities of a use case need. The order is that of a run."""
    arns = Arns.of(use_case)
    needs = [*_run(use_case, arns), *_promotion(use_case, arns), *_clean_up(use_case, arns), *_jobs(use_case, arns)]
    company = [*key_needs(use_case, has_jobs=bool(job_types(use_case))), *network_needs(use_case, arns)]
    return list(dict.fromkeys([*needs, *company]))


def job_types(use_case: UseCase) -> dict[str, str]:
    """Return the kinds of jobs for which Bedrock assumes the role, with the resource type in the ARNs of such jobs."""
    kinds = {
        "customization": any(arm.is_trained for arm in use_case.arms),
        "batch": bool(_batch_models(use_case)),
        "evaluation": bool(use_case.evaluations.pointwise or use_case.human_workers),
    }
    return {kind: _JOBS[kind][1] for kind, is_used in kinds.items() if is_used}


def serving_kinds(use_case: UseCase) -> dict[str, bool]:
    """
    Return the kinds of endpoints that the arms may need, and whether a run fails without them.

    With ``serving.mode: auto``, ``estimate`` may choose provisioned throughput if the answers on demand take too long.
    """
    if not _has_custom_models(use_case):
        return {}
    try:
        choice = serving_choice(use_case, use_case.student, load_prices())
    except UseCaseError:  # the check of the models reports it
        return {}
    kinds = {choice["mode"]: True}
    if use_case.serving.mode == "auto" and any(option["mode"] == "provisioned" for option in choice["options"]):
        kinds.setdefault("provisioned", False)
    return {str(kind): is_required for kind, is_required in kinds.items()}


def _has_custom_models(use_case: UseCase) -> bool:
    return use_case.champion_arm is not None or any(arm.is_trained for arm in use_case.arms)


def _models(*keys: str) -> list[Model]:
    return [load_catalog().model(key) for key in dict.fromkeys(keys)]


def _batch_models(use_case: UseCase) -> list[Model]:
    teacher = [use_case.teacher] if use_case.synthesis.inference == "batch" and use_case.wants_pairs else []
    judges = use_case.judges if use_case.judging.inference == "batch" else ()
    return _models(*teacher, *judges)


def _run(use_case: UseCase, arns: Arns) -> Iterator[Need]:
    yield from _models_of_run(use_case, arns)
    for kind in job_types(use_case):
        yield from _job_needs(use_case, arns, kind)
    if use_case.optimized_arms:
        yield from _optimization(use_case, arns)
    if _has_custom_models(use_case):
        model = arns.any("custom-model")
        yield Need("run", "bedrock:GetCustomModel", model, "looking up trained models", "resource")
    for kind, is_required in serving_kinds(use_case).items():
        yield from _endpoint("run", arns, kind, "serving trained models", is_required=is_required)
    for noun, _ in _ENDPOINTS.values():  # distill_release_leftovers lists both kinds
        yield Need("run", f"bedrock:List{noun}s", "*", "finding forgotten endpoints")
    yield from _objects("run", use_case, arns)
    yield from _inputs(use_case, arns)


def _models_of_run(use_case: UseCase, arns: Arns) -> Iterator[Need]:
    called = _models(*use_case.models)
    ids = [model.foundation_id for model in _models(*use_case.all_models)]
    student = load_catalog().model(use_case.student)
    if student.customization and any(arm.is_trained for arm in use_case.arms):
        ids.append(student.customization.base_model_id)
    for model_id in dict.fromkeys(ids):
        yield Need("run", "bedrock:GetFoundationModel", arns.foundation_model(model_id), "checking models")
    yield Need("run", "bedrock:GetFoundationModelAvailability", "*", "checking models")
    for model in called:
        what = arns.foundation_model(model.foundation_id)
        yield Need("run", "bedrock:CountTokens", what, "exact token counts in the estimate", is_required=False)
    yield from invocations("run", "bedrock:InvokeModel", arns, called, "calling models")


def _job_needs(use_case: UseCase, arns: Arns, kind: str) -> Iterator[Need]:
    noun, resource_type = _JOBS[kind]
    reason = f"{kind} jobs"
    for resource in _created(use_case, arns, kind):
        yield Need("run", f"bedrock:Create{noun}", resource, reason, "request")
    for resource in _new(arns, kind):
        yield Need("run", "bedrock:TagResource", resource, reason, "request")
    jobs = arns.any(resource_type)
    for verb in ("Get", "Stop"):
        yield Need("run", f"bedrock:{verb}{noun}", jobs, reason, "resource")
    if kind != "customization":
        yield Need("run", f"bedrock:List{noun}s", "*", reason)
    yield Need("run", "bedrock:ListTagsForResource", jobs, reason, "resource")
    passed = (("iam:PassedToService", "bedrock.amazonaws.com"),)
    yield Need("run", "iam:PassRole", use_case.aws.role_arn, "giving the role to Bedrock", conditions=passed)


def _created(use_case: UseCase, arns: Arns, kind: str) -> Iterator[str]:
    """Yield the resources on which AWS checks the creation of a job: what is new, and the models that the job uses."""
    yield from _new(arns, kind)
    if kind == "customization":
        student = load_catalog().model(use_case.student)
        if student.customization:
            yield arns.foundation_model(student.customization.base_model_id)
        return
    for model in _batch_models(use_case) if kind == "batch" else _models(*use_case.evaluators):
        if profile := arns.profile(model):
            yield profile
        yield arns.foundation_model(model.foundation_id)


def _new(arns: Arns, kind: str) -> list[str]:
    """Return the resources that a job of a kind creates. All of them get tags."""
    models = [arns.any("custom-model")] if kind == "customization" else []
    return [arns.any(_JOBS[kind][1]), *models]


def _optimization(use_case: UseCase, arns: Arns) -> Iterator[Need]:
    """Yield the needs of prompt optimization jobs, which have no role and use the permissions of their buyer."""
    noun, resource_type = _JOBS["optimization"]
    reason, jobs = "prompt optimization jobs", arns.any(resource_type)
    for action in (f"Create{noun}", "TagResource"):
        yield Need("run", f"bedrock:{action}", jobs, reason, "request")
    for verb in ("Get", "Stop"):
        yield Need("run", f"bedrock:{verb}{noun}", jobs, reason, "resource")
    # The guide says that this action can be limited to jobs: advanced-prompt-optimization-prereqs.html
    yield Need("run", f"bedrock:List{noun}s", jobs, reason)
    students = _models(use_case.student)
    yield from invocations("run", "bedrock:InvokeModelWithResponseStream", arns, students, reason)


def _endpoint(who: Who, arns: Arns, kind: str, reason: str, *, is_required: bool = True) -> Iterator[Need]:
    noun, resource_type = _ENDPOINTS[kind]
    endpoints = arns.any(resource_type)
    yield Need(who, f"bedrock:Create{noun}", arns.any("custom-model"), reason, "both", is_required=is_required)
    for action in (f"Get{noun}", f"Delete{noun}", "InvokeModel", "ListTagsForResource"):
        yield Need(who, f"bedrock:{action}", endpoints, reason, "resource", is_required=is_required)
    yield Need(who, "bedrock:TagResource", endpoints, reason, "both", is_required=is_required)
    if who == "run" or kind == "on_demand":  # a promotion lists deployments to say what uses up their quota
        yield Need(who, f"bedrock:List{noun}s", "*", reason, is_required=is_required)


def _objects(who: Who, use_case: UseCase, arns: Arns) -> Iterator[Need]:
    storage = use_case.storage
    read = [storage.training_bucket, *([] if who == "promotion" else [storage.output_bucket])]
    for name in dict.fromkeys(read):
        bucket = arns.bucket(name)
        below = f"{bucket}/{storage.prefix}"
        yield Need(who, "s3:GetObject", f"{below}/*", "reading objects")
        listed = (("s3:prefix", f"{storage.prefix}/"),)
        yield Need(who, "s3:ListBucket", bucket, "reading objects", conditions=listed)
        if who == "run":
            yield Need(who, "s3:GetBucketLocation", bucket, "checking the Region of buckets", is_required=False)
            yield Need(who, "s3:PutObject", f"{below}/environment.json", "recording the environment")
        if who == "clean_up":
            yield Need(who, "s3:DeleteObject", f"{below}/*", "deleting objects")
    for bucket, folder in _written(who, use_case):
        below = f"{arns.bucket(bucket)}/{storage.prefix}/{folder}/*"
        yield Need(who, "s3:PutObject", below, "storing objects")
        if who == "run":
            yield Need(who, "s3:AbortMultipartUpload", below, "removing parts of failed uploads", is_required=False)
    if who == "run" and _batch_models(use_case):
        opened = f"{arns.bucket(storage.training_bucket)}/{storage.prefix}/batches/open/*"
        yield Need(who, "s3:DeleteObject", opened, "ending the records of batch jobs")
    if who == "run" and use_case.notify:
        unsent = f"{arns.bucket(storage.training_bucket)}/{storage.prefix}/notifications/*"
        for action in ("s3:PutObject", "s3:DeleteObject"):
            yield Need(who, action, unsent, "keeping notifications until they are sent", is_required=False)
    if who == "run" and use_case.human_workers:
        bucket = arns.bucket(storage.output_bucket)
        yield Need(who, "s3:GetBucketCORS", bucket, "checking the page of human workers", is_required=False)


def _written(who: Who, use_case: UseCase) -> Iterator[tuple[str, str]]:
    """Yield the bucket and the folder below the prefix of everything that an identity stores."""
    training, output = use_case.storage.training_bucket, use_case.storage.output_bucket
    always: Mapping[Who, tuple[str, ...]] = {
        "run": ("datasets", "history", "latest", "reports", "responses", "runs", "splits"),
        "promotion": ("champions", "endpoints", "history", "runs"),
        "clean_up": ("champions", "endpoints", "runs"),
        "jobs": (),
    }
    yield from ((training, folder) for folder in always[who])
    if who == "promotion":
        return
    if who == "run" and _batch_models(use_case):
        yield training, "batches"
    if use_case.evaluations.pointwise or use_case.human_workers:
        yield from ((training, folder) for folder in ("ended_evaluations", *(["evaluations"] if who == "run" else [])))
    if use_case.optimized_arms:
        yield training, "ended_optimizations"
        # Bedrock writes the results with the permissions of the job's buyer.
        yield from ((bucket, "prompt_optimizations") for bucket in (training, output) if who == "run")


def _inputs(use_case: UseCase, arns: Arns) -> Iterator[Need]:
    """Yield the needs for input files in S3 that are not below the prefix of the use case."""
    source = use_case.source
    for uri in filter(None, (source.training_csv, source.evaluation_csv)):
        if uri.startswith("s3://"):
            bucket, key = split_uri(uri)
            what = f"{arns.bucket(bucket)}/{key}{'*' if key.endswith('/') else ''}"
            yield Need("run", "s3:GetObject", what, "reading the input files")
            if key.endswith("/"):
                listed = (("s3:prefix", key),)
                yield Need("run", "s3:ListBucket", arns.bucket(bucket), "reading the input files", conditions=listed)


def _promotion(use_case: UseCase, arns: Arns) -> Iterator[Need]:
    rule, model = use_case.promotion, arns.any("custom-model")
    yield Need("promotion", "bedrock:GetCustomModel", model, "promoting models", "resource")
    if rule.serve != "none":
        yield from _endpoint("promotion", arns, rule.serve, "standing endpoints")
        noun, resource_type = _ENDPOINTS[rule.serve]
        for resource in (arns.any(resource_type), model):
            yield Need("promotion", f"bedrock:Update{noun}", resource, "standing endpoints", "resource")
    if rule.delete_losers:
        yield Need("promotion", "bedrock:DeleteCustomModel", model, "promotion.delete_losers", "resource")
    yield from _objects("promotion", use_case, arns)


def _clean_up(use_case: UseCase, arns: Arns) -> Iterator[Need]:
    reason = "distill_clean_up"
    for noun, resource_type in (*_ENDPOINTS.values(), ("CustomModel", "custom-model")):
        resources = arns.any(resource_type)
        yield Need("clean_up", f"bedrock:List{noun}s", "*", reason)
        for action in (f"Get{noun}", f"Delete{noun}", "ListTagsForResource"):
            yield Need("clean_up", f"bedrock:{action}", resources, reason, "resource")
    for kind in ("evaluation", "optimization"):
        noun, resource_type = _JOBS[kind]
        jobs = arns.any(resource_type)
        listed = "*" if kind == "evaluation" else jobs
        yield Need("clean_up", f"bedrock:List{noun}s", listed, reason, is_required=False)
        for action in (f"Get{noun}", f"BatchDelete{noun}"):
            yield Need("clean_up", f"bedrock:{action}", jobs, reason, "resource", is_required=False)
    yield from _objects("clean_up", use_case, arns)


def _jobs(use_case: UseCase, arns: Arns) -> Iterator[Need]:
    kinds = job_types(use_case)
    if not kinds:
        return
    storage, reason = use_case.storage, "reading the input of jobs"
    listed = (("s3:prefix", f"{storage.prefix}/"),)
    training, output = (arns.bucket(name) for name in (storage.training_bucket, storage.output_bucket))
    yield Need("jobs", "s3:GetObject", f"{training}/{storage.prefix}/*", reason)
    yield Need("jobs", "s3:ListBucket", training, reason, conditions=listed)
    for action in ("GetObject", "PutObject"):
        yield Need("jobs", f"s3:{action}", f"{output}/{storage.prefix}/*", "writing the results of jobs")
    yield Need("jobs", "s3:ListBucket", output, "writing the results of jobs", conditions=listed)
    teachers = [teacher for arm in use_case.arms if (teacher := use_case.job_teacher(arm.name))]
    invoke = "bedrock:InvokeModel"
    yield from invocations("jobs", invoke, arns, _models(*teachers), "asking the teacher in distillation jobs")
    yield from invocations("jobs", invoke, arns, _models(*use_case.evaluators), "asking evaluators")
    by_profile = [model for model in _batch_models(use_case) if arns.profile(model)]
    yield from invocations("jobs", invoke, arns, by_profile, "batch jobs on a cross-Region profile")
    if use_case.human_workers:
        for loop in _HUMAN_LOOPS:
            yield Need("jobs", f"sagemaker:{loop}", "*", "jobs of human workers")
