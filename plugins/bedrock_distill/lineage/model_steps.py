"""Say what the steps from the training set to a model's answers read and write."""

from __future__ import annotations

from bedrock_distill.hooks.bedrock import CustomizationJob
from bedrock_distill.lineage.artifacts import Artifact, TaskLineage, bedrock_resource, foundation_model, stored
from bedrock_distill.lineage.data_steps import shards_of, training_set
from include.distill.config.layout import RunFolder
from include.distill.config.use_case import UseCase
from include.distill.evaluation.endpoint_records import SwitchManifest
from include.distill.evaluation.records import Answer, AnswerManifest
from include.distill.inference.records import EndpointManifest, ThroughputManifest
from include.distill.prompt_optimization.records import OptimizedPromptManifest
from include.distill.training.records import (
    DatasetManifest,
    TrainingJobManifest,
    TrainingManifest,
)


def submit_lineage(
    use_case: UseCase, arm: str, dataset: DatasetManifest, result: TrainingJobManifest | None
) -> TaskLineage:
    """Return the lineage of an arm's ``submit``: the training set, the student and perhaps a teacher to a job."""
    region = use_case.aws.region
    inputs = [*training_set(dataset["train_uri"], dataset["validation_uri"]), student(use_case)]
    if teacher := use_case.job_teacher(arm):
        description = "Teacher, whose answers the student is trained on"
        inputs.append(foundation_model(use_case.catalog_model(teacher), region, description))
    return TaskLineage(tuple(inputs), () if result is None else (_training_job(result["job_arn"]),))


def trained_lineage(
    use_case: UseCase, job_arn: str, job: CustomizationJob | None, result: TrainingManifest | None
) -> TaskLineage:
    """
    Return the lineage of an arm's ``trained``: the job and the files that it read to the custom model.

    :param job: the job as Bedrock described it; ``None`` if the task has not looked it up.
    """
    inputs = [_training_job(job_arn), student(use_case)]
    if job and job.training_uri:
        inputs += training_set(job.training_uri)
    if result is None or not result["model_arn"]:
        return TaskLineage(tuple(inputs))
    return TaskLineage(tuple(inputs), (custom_model(result["model_arn"]),))


def serving_lineage(trained: TrainingManifest | None, result: ThroughputManifest | None) -> TaskLineage:
    """Return the lineage of ``provision`` or ``deploy``: a custom model to its endpoint, if it needs an endpoint."""
    model_arn = result["model_arn"] if result else trained and trained["model_arn"]
    inputs = (custom_model(model_arn),) if model_arn else ()
    arn = (result.get("deployment_arn") or result["throughput_arn"]) if result else None
    return TaskLineage(inputs, (_endpoint(arn),) if arn else ())


def answer_lineage(
    use_case: UseCase,
    folder: RunFolder,
    arm: str,
    *,
    serving: EndpointManifest | None,
    optimized: OptimizedPromptManifest | None,
    result: AnswerManifest | None,
) -> TaskLineage:
    """Return the lineage of a mapped task of ``answer``. The counts are those of its own shard."""
    inputs = [shards_of(folder, "evaluation")]
    if serving and serving["model_arn"]:
        inputs.append(custom_model(serving["model_arn"]))
        inputs += [_endpoint(arn)] if (arn := serving["invoke_id"]) else []
    else:
        inputs.append(student(use_case, serving["student"] if serving else None))
    if optimized:
        inputs.append(_optimized_prompt(optimized["prompt_uri"]))
    return TaskLineage(tuple(inputs), () if result is None else (answers_of(folder, arm, result["rows"], files=1),))


def prompt_lineage(use_case: UseCase, result: OptimizedPromptManifest | None) -> TaskLineage:
    """Return the lineage of ``optimize.collect``: the student to the prompt that Bedrock optimized for it."""
    return TaskLineage((student(use_case),), () if result is None else (_optimized_prompt(result["prompt_uri"]),))


def switch_lineage(result: SwitchManifest | None) -> TaskLineage:
    """Return the lineage of ``switched``: the winner to the standing endpoint that answers with it."""
    if not result or not result["arn"]:  # a rollback without a standing endpoint has an empty result
        return TaskLineage()
    endpoint = bedrock_resource(result["arn"], "ENDPOINT", "Standing endpoint, which answers with the champion")
    return TaskLineage((custom_model(result["model_arn"]),), (endpoint,))


def answers_of(folder: RunFolder, arm: str, rows: int | None = None, *, files: int | None = None) -> Artifact:
    """Return all answers of an arm as one artifact, however many mapped tasks there are."""
    uri = folder.answers(arm, 0).rpartition("/")[0]
    return stored(uri, f"Answers of arm {arm} to the rows for evaluation", rows=rows, files=files, record=Answer)


def student(use_case: UseCase, key: str | None = None) -> Artifact:
    """
    Return the student, which the run trains.

    :param key: the model's key in the catalog; ``None`` for the student of the use case.
    """
    model = use_case.catalog_model(key or use_case.student)
    return foundation_model(model, use_case.aws.region, "Student without training")


def custom_model(arn: str) -> Artifact:
    """Return a custom model, which a run trained."""
    return bedrock_resource(arn, "MODEL", "Custom model, which is the trained student")


def _training_job(arn: str) -> Artifact:
    return bedrock_resource(arn, "JOB", "Customization job, which trains a custom model")


def _endpoint(arn: str) -> Artifact:
    return bedrock_resource(arn, "ENDPOINT", "Endpoint of a custom model, which exists for one run")


def _optimized_prompt(uri: str) -> Artifact:
    return stored(uri, "Prompt that Bedrock optimized for the student")
