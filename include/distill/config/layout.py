"""Build the S3 URIs of all objects that the pipeline reads and writes. No other module builds URIs."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from include.distill.config.sections import Storage
from include.distill.core.naming import former_run_key


@dataclass(frozen=True)
class RunFolder:
    """
    The folder of one run, and the objects that the run uses.

    The folder is ``s3://<training bucket>/<prefix>/runs/<use case>/<run_key>``. Earlier versions made folders without
    the use case, and with a run key that has 8 instead of 32 hex digits.
    """

    uri: str

    @property
    def run_key(self) -> str:
        """The run's key, the last part of the URI."""
        return self.uri.rsplit("/", 1)[1]

    @property
    def root(self) -> str:
        """The project's part of the training bucket, ``s3://<training bucket>/<prefix>``."""
        return self.uri.rsplit("/", 2 if self.is_former else 3)[0]

    @property
    def is_former(self) -> bool:
        """Whether the folder has the form that earlier versions used, without the use case."""
        return former_run_key(self.run_key) is None

    @property
    def use_case_name(self) -> str:
        """The use case in the URI; empty for a folder of an earlier version, whose URI names no use case."""
        return "" if self.is_former else self.uri.rsplit("/", 2)[1]

    @property
    def former(self) -> RunFolder | None:
        """The folder that earlier versions used for the same run; ``None`` if this folder is of an earlier version."""
        key = former_run_key(self.run_key)
        return None if key is None else RunFolder(f"{self.root}/runs/{key}")

    @property
    def run_record(self) -> str:
        """The record of the DAG run that owns the folder. Preflight writes it before anything else."""
        return f"{self.uri}/run.json"

    @property
    def responses(self) -> str:
        """The folder of the answers that were paid for. All runs share this folder."""
        return f"{self.root}/responses"

    def dataset(self, sha256: str, name: str) -> str:
        """A file of a training set. The URI contains the set's hash, so the same data always has the same URI."""
        return f"{self.root}/datasets/{sha256}/{name}"

    def batch_input(self, sha256: str) -> str:
        """The input of a batch job. The URI contains a hash of the model and of the keys of the requests."""
        return f"{self.root}/batches/{sha256}/input.jsonl"

    def batch_claim(self, sha256: str) -> str:
        """The claim of a batch job's questions, so that two use cases do not buy a job for them at the same time."""
        return f"{self.root}/batches/{sha256}/claim.json"

    @property
    def pending_batches(self) -> str:
        """The folder with one object per batch job whose answers are not stored yet. All runs share this folder."""
        return f"{self.root}/batches/open/"

    def batch_outcome(self, name: str) -> str:
        """The outcome of a batch job. It is written after the job's answers have been stored."""
        return f"{self.root}/batches/landed/{name}.json"

    def batch_errors(self, name: str) -> str:
        """The lines of a batch job's output for which no answer was stored, each with the reason."""
        return f"{self.uri}/batches/{name}-errors.jsonl"

    def evaluation_dataset(self, sha256: str) -> str:
        """The dataset of an evaluation job. The URI contains the hash of its content."""
        return f"{self.root}/evaluations/{sha256}/dataset.jsonl"

    def ended_evaluation(self, name: str) -> str:
        """The record of how an evaluation job ended. All runs share these records."""
        return ended_evaluation_uri(self.root, name)

    def missing_evaluation(self, name: str) -> str:
        """The record of an evaluation job that Bedrock named but does not have. All runs share these records."""
        return ended_evaluation_uri(self.root, f"{name}.missing")

    def evaluation_questions(self, arm: str) -> str:
        """The rows of the dataset of an arm's evaluation jobs, in the order of the dataset."""
        return f"{self.uri}/evaluations/{arm}/questions.jsonl"

    def evaluation_scores(self, arm: str, evaluator: str) -> str:
        """The scores that an evaluator gave to an arm's answers."""
        return f"{self.uri}/evaluations/{arm}/{evaluator}.jsonl"

    def optimization_dataset(self, sha256: str) -> str:
        """The input of a prompt optimization job. The URI contains the hash of its content."""
        return f"{self.root}/prompt_optimizations/{sha256}/input.jsonl"

    def ended_optimization(self, name: str) -> str:
        """The record of how a prompt optimization job ended. All runs share these records."""
        return ended_optimization_uri(self.root, name)

    def missing_optimization(self, name: str) -> str:
        """The record of a prompt optimization job that Bedrock named but does not have. All runs share these."""
        return ended_optimization_uri(self.root, f"{name}.missing")

    def optimized_prompt(self, arm: str) -> str:
        """The prompt that a job optimized for an arm, with the scores that the job gave."""
        return f"{self.uri}/optimized_prompts/{arm}.json"

    @property
    def use_case(self) -> str:
        """The frozen use case."""
        return f"{self.uri}/use_case.yaml"

    @property
    def champion(self) -> str:
        """The copy of the champion's record that preflight stored. The run compares candidates with this champion."""
        return f"{self.uri}/champion.json"

    @property
    def prompts(self) -> str:
        """The frozen prompts."""
        return f"{self.uri}/prompts.json"

    def source(self, name: str) -> str:
        """One of the files that contain the run's rows; ``name`` is ``train``, ``evaluation`` or ``rejected``."""
        return f"{self.uri}/source/{name}.jsonl"

    @property
    def lost_calls(self) -> str:
        """The folder with a record of each model call whose answer did not arrive."""
        return f"{self.uri}/lost_calls/"

    @property
    def row_list(self) -> str:
        """The list of accepted rows. Each line has the identity of one row and a hash of its question."""
        return f"{self.uri}/source/rows.txt"

    def last_run(self, use_case: str) -> str:
        """The record of the most recent run of a use case. A run writes this record after it has read its rows."""
        return f"{self.root}/latest/{use_case}.json"

    def splits(self, use_case: str) -> str:
        """
        The file that records for each document whether it is used for training or for evaluation.

        Later runs of the use case keep each document on its side.
        """
        return f"{self.root}/splits/{use_case}.jsonl"

    def shard(self, rows: str, number: int) -> str:
        """The rows that one mapped task works on; ``rows`` is ``train`` or ``evaluation``."""
        return f"{self.uri}/shards/{rows}-{number:05d}.jsonl"

    def synthetic(self, number: int) -> str:
        """The accepted pairs that the teacher wrote from the rows of one shard."""
        return f"{self.uri}/synthetic/accepted-{number:05d}.jsonl"

    def synthetic_texts(self, number: int) -> str:
        """The accepted pairs of one shard without their documents, for code that needs only questions and answers."""
        return f"{self.uri}/synthetic/texts-{number:05d}.jsonl"

    @property
    def synthetic_repeated(self) -> str:
        """The pairs that passed the filters of ``synthesize`` but repeat another pair's question. They are not used."""
        return f"{self.uri}/synthetic/rejected-repeated.jsonl"

    def synthetic_rejected(self, number: int) -> str:
        """The rejected pairs of one shard, and the teacher's unreadable output, each with the reason."""
        return f"{self.uri}/synthetic/rejected-{number:05d}.jsonl"

    def critic_ended(self, number: int) -> str:
        """The marker that is written if one shard's part of the critic's budget is used up."""
        return f"{self.uri}/synthetic/critic-ended-{number:05d}.json"

    @property
    def estimate(self) -> str:
        """The estimated cost of the run."""
        return f"{self.uri}/estimate.json"

    @property
    def spending_approval(self) -> str:
        """The latest decision on whether the run may spend the estimated cost. It can be ``unanswered``."""
        return f"{self.uri}/spending_approval.json"

    @property
    def bought_jobs(self) -> str:
        """The folder with a record of each training job and evaluation job that the run bought or was about to buy."""
        return f"{self.uri}/bought_jobs/"

    def bought_job(self, name: str) -> str:
        """The record of one job that the run bought or was about to buy."""
        return f"{self.bought_jobs}{name}.json"

    def merged(self, arm: str, name: str) -> str:
        """A file of an arm's training set before upload: ``train.jsonl``, ``validation.jsonl``, ``data_card.json``."""
        return f"{self.uri}/merged/{arm}/{name}"

    def answers(self, arm: str, number: int) -> str:
        """An arm's answers to the questions in one shard."""
        return f"{self.uri}/answers/{arm}/{number:05d}.jsonl"

    def judgments(self, judge: str, candidate: str, baseline: str) -> str:
        """One judge's verdicts on a pair of arms."""
        return f"{self.uri}/judgments/{judge}/{candidate}--{baseline}/verdicts.jsonl"

    def release_records(self, arm: str) -> str:
        """The folder of an arm's release records."""
        return f"{self.uri}/serving/{arm}/"

    def release_record(self, arm: str, ordinal: int) -> str:
        """The release of an arm's endpoint with a number, counted from 1. Once it exists, no task buys it again."""
        return f"{self.release_records(arm)}released-s{ordinal}.json"

    def missing_endpoint(self, arm: str, ordinal: int) -> str:
        """The record that Bedrock does not show an arm's endpoint with a number although it has created it."""
        return f"{self.uri}/missing_endpoints/{arm}-s{ordinal}.json"

    @property
    def progress(self) -> str:
        """The folder in which running tasks record how far they are, with one object per task."""
        return f"{self.uri}/progress/"

    def task_progress(self, task_id: str, map_index: int) -> str:
        """The progress of one task; ``map_index`` is -1 for a task that is not mapped."""
        return f"{self.progress}{task_id}{f'-{map_index}' if map_index >= 0 else ''}.json"

    @property
    def smoke_usages(self) -> str:
        """The folder that records the calls with smoke prompts, in one object per change of the standing endpoint."""
        return f"{self.uri}/standing/"

    def smoke_usage(self, number: int) -> str:
        """The calls with smoke prompts for one change of the standing endpoint. The bill includes these calls."""
        return f"{self.smoke_usages}smoke-{number}.json"

    def report(self, extension: str) -> str:
        """The run's report, in the format that ``extension`` names: ``json`` or ``html``."""
        return f"{self.uri}/report/report.{extension}"

    def label_sample(self, candidate: str, baseline: str, name: str) -> str:
        """A file of a label sample: ``sheet.csv``, or ``key-….jsonl``, which records the arm that gave each answer."""
        return f"{self.uri}/report/label_sample/{candidate}--{baseline}/{name}"

    @property
    def labels(self) -> str:
        """The folder of labels, with one object per labeler."""
        return f"{self.uri}/report/labels/"

    def labels_by(self, labeler: str) -> str:
        """The labels of one labeler."""
        return f"{self.labels}{labeler}.jsonl"

    def report_entry(self, use_case: str, started: datetime.datetime) -> str:
        """The run's entry in the list of reports. Sorting the entries by name puts them in chronological order."""
        return f"{list_uri(self.root, use_case)}{started.astimezone(datetime.UTC):%Y%m%dT%H%M%SZ}-{self.run_key}.json"


@dataclass(frozen=True)
class Layout:
    """The URIs in a use case's buckets that can be built without a run's folder."""

    storage: Storage

    @property
    def roots(self) -> tuple[str, ...]:
        """The URIs ``s3://<bucket>/<prefix>`` below which the project stores its objects, training bucket first."""
        return tuple(f"s3://{bucket}/{self.storage.prefix}" for bucket in self.storage.buckets)

    def run_uri(self, use_case: str, run_key: str) -> str:
        """The folder of one run, in the training bucket."""
        return run_uri(self._root, use_case, run_key)

    def runs(self, use_case: str) -> str:
        """The prefix of the folders of a use case's runs. Folders of earlier versions do not have this prefix."""
        return f"{self._root}/runs/{use_case}/"

    def reports(self, use_case: str) -> str:
        """The folder that has one small object for each report of a use case."""
        return list_uri(self._root, use_case)

    def champion(self, use_case: str) -> str:
        """The record of a use case's promoted model."""
        return champion_uri(self._root, use_case)

    def endpoint_change(self, use_case: str) -> str:
        """The last change to the model behind a use case's standing endpoint."""
        return endpoint_change_uri(self._root, use_case)

    def smoke_prompts(self, use_case: str) -> str:
        """The smoke prompts of the last change to a use case's standing endpoint."""
        return smoke_prompts_uri(self._root, use_case)

    def rollback_choice(self, use_case: str, run_key: str) -> str:
        """The record that says which champion one run of ``distill_rollback`` restores."""
        return rollback_choice_uri(self._root, use_case, run_key)

    def training_output(self, fingerprint: str) -> str:
        """The prefix under which Bedrock writes the metrics of a training job."""
        return f"s3://{self.storage.output_bucket}/{self.storage.prefix}/training/{fingerprint[:12]}/"

    def batch_output(self, sha256: str) -> str:
        """The prefix under which Bedrock writes the answers of a batch job."""
        return f"s3://{self.storage.output_bucket}/{self.storage.prefix}/batches/{sha256[:16]}/"

    def evaluation_output(self, fingerprint: str) -> str:
        """The prefix under which Bedrock writes the results of an evaluation job."""
        return f"s3://{self.storage.output_bucket}/{self.storage.prefix}/evaluations/{fingerprint[:16]}/"

    def optimization_output(self, fingerprint: str) -> str:
        """The prefix under which Bedrock writes the results of a prompt optimization job."""
        return f"s3://{self.storage.output_bucket}/{self.storage.prefix}/prompt_optimizations/{fingerprint[:16]}/"

    @property
    def _root(self) -> str:
        return self.roots[0]


def owner_uri(root: str) -> str:
    """Return the URI of the object that names the environment that owns a root."""
    return f"{root}/environment.json"


def run_uri(root: str, use_case: str, run_key: str) -> str:
    """
    Return the folder of a run.

    For a run key of an earlier version, it is the folder that the earlier version used.
    """
    is_former = former_run_key(run_key) is None
    return f"{root}/runs/{run_key}" if is_former else f"{root}/runs/{use_case}/{run_key}"


def run_uri_of(root: str, uri: str) -> str:
    """Return the URI of the run's folder that contains the object ``uri``, which is below ``<root>/runs/``."""
    first, second, *_ = [*uri.removeprefix(f"{root}/runs/").split("/"), ""]
    is_former = former_run_key(second) is None
    return f"{root}/runs/{first}" if is_former else f"{root}/runs/{first}/{second}"


def ended_evaluation_uri(root: str, name: str) -> str:
    """Return the URI of the record of how an evaluation job ended."""
    return f"{root}/ended_evaluations/{name}.json"


def ended_optimization_uri(root: str, name: str) -> str:
    """Return the URI of the record of how a prompt optimization job ended."""
    return f"{root}/ended_optimizations/{name}.json"


def root_of_job(input_uri: str) -> str:
    """Return the root below which the input of an evaluation job or a prompt optimization job is stored."""
    return input_uri.rsplit("/", 3)[0]


def list_uri(root: str, use_case: str) -> str:
    """Return the prefix of a use case's list of reports. The list has one object for each report."""
    return f"{root}/reports/{use_case}/"


def is_dataset_of(root: str, uri: str) -> bool:
    """
    Return whether ``uri`` is a file of a training set in the folder that all runs below ``root`` share.

    :meth:`RunFolder.dataset` builds such URIs.
    """
    folder, _, rest = uri.removeprefix(f"{root}/datasets/").partition("/")
    return uri.startswith(f"{root}/datasets/") and bool(folder and rest) and "/" not in rest


def champion_uri(root: str, use_case: str) -> str:
    """Return the URI of the record that names a use case's promoted model."""
    return f"{root}/champions/{use_case}.json"


def endpoint_change_uri(root: str, use_case: str) -> str:
    """Return the URI of the record of the last change to a use case's standing endpoint."""
    return f"{root}/endpoints/{use_case}/change.json"


def smoke_prompts_uri(root: str, use_case: str) -> str:
    """Return the URI of the smoke prompts for a use case's standing endpoint."""
    return f"{root}/endpoints/{use_case}/smoke.json"


def rollback_choice_uri(root: str, use_case: str, run_key: str) -> str:
    """Return the URI of the record that says which champion a run of ``distill_rollback`` restores."""
    return f"{root}/endpoints/{use_case}/rollbacks/{run_key}.json"
