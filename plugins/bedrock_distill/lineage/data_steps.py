"""Say what the steps from the CSV files to the training set read and write."""

from __future__ import annotations

from bedrock_distill.lineage.artifacts import Artifact, TaskLineage, foundation_model, stored
from include.distill.config.layout import RunFolder
from include.distill.config.training_method import PRE_TRAINING
from include.distill.config.use_case import UseCase
from include.distill.curation.records import CurateManifest, Pair, RejectedPair
from include.distill.dataset.records import IngestManifest, RejectedRow, Row, ShardNumbers, Side
from include.distill.synthesis.records import SynthesisManifest
from include.distill.training.records import DatasetManifest, MergeManifest

_USES: dict[Side, str] = {"train": "training", "evaluation": "evaluation"}


def ingest_lineage(use_case: UseCase, folder: RunFolder, result: IngestManifest | None) -> TaskLineage:
    """Return the lineage of ``ingest``: input files to accepted and rejected rows."""
    source = use_case.source
    inputs = [stored(source.training_csv, "Input of the use case with documents, questions and answers")]
    if source.evaluation_csv:
        inputs.append(stored(source.evaluation_csv, "Input of the use case with rows for evaluation only"))
    if result is None:
        return TaskLineage(tuple(inputs))
    outputs = (
        rows_of(folder, "train", result["train"]),
        rows_of(folder, "evaluation", result["evaluation"]),
        stored(
            folder.source("rejected"),
            "Rows that the run does not use, each with the reason",
            rows=result["rejected"],
            record=RejectedRow,
        ),
    )
    return TaskLineage(tuple(inputs), outputs)


def shard_lineage(folder: RunFolder, side: Side, result: ShardNumbers | None) -> TaskLineage:
    """Return the lineage of ``shards`` or ``evaluation_shards``: rows to one file for each mapped task."""
    outputs = () if result is None else (shards_of(folder, side, files=len(result)),)
    return TaskLineage((rows_of(folder, side),), outputs)


def synthesis_lineage(use_case: UseCase, folder: RunFolder, result: SynthesisManifest | None) -> TaskLineage:
    """Return the lineage of a mapped task of ``synthesize``. The counts are those of its own shard."""
    region = use_case.aws.region
    inputs = [
        shards_of(folder, "train"),
        foundation_model(use_case.catalog_model(use_case.teacher), region, "Teacher, which writes new pairs"),
    ]
    if critic := use_case.critic:
        inputs.append(foundation_model(use_case.catalog_model(critic.model), region, "Critic, which checks new pairs"))
    if result is None:
        return TaskLineage(tuple(inputs))
    outputs = (_accepted_pairs(folder, result["accepted"], files=1), _rejected_pairs(folder, result["rejected"]))
    return TaskLineage(tuple(inputs), outputs)


def curation_lineage(folder: RunFolder, result: CurateManifest | None) -> TaskLineage:
    """Return the lineage of ``curate``: the accepted pairs of all shards to the list of repeated pairs."""
    inputs = (_accepted_pairs(folder), _rejected_pairs(folder))
    return TaskLineage(inputs, () if result is None else (_repeated_pairs(folder),))


def merge_lineage(use_case: UseCase, folder: RunFolder, arm: str, result: MergeManifest | None) -> TaskLineage:
    """Return the lineage of ``merge``: rows and pairs to the training file of an arm."""
    inputs = [rows_of(folder, "train")]
    if use_case.arm(arm).wants_pairs and use_case.training.method != PRE_TRAINING:
        inputs += [_accepted_pairs(folder), _repeated_pairs(folder)]
    if result is None:
        return TaskLineage(tuple(inputs))
    return TaskLineage(
        tuple(inputs),
        (
            *training_set(result["train_uri"], result["validation_uri"], result["records"], result["validation"]),
            stored(result["card_uri"], "Data card, which describes the training set"),
        ),
    )


def upload_lineage(merged: MergeManifest, result: DatasetManifest | None) -> TaskLineage:
    """Return the lineage of ``upload``: the training file to its copy in a folder that is named after its hash."""
    inputs = training_set(merged["train_uri"], merged["validation_uri"])
    if result is None:
        return TaskLineage(inputs)
    return TaskLineage(inputs, training_set(result["train_uri"], result["validation_uri"], result["records"]))


def training_set(
    train_uri: str, validation_uri: str | None = None, records: int | None = None, validation: int | None = None
) -> tuple[Artifact, ...]:
    """
    Return the training file of an arm, and the validation file if there is one.

    :param records: number of records in the training file.
    :param validation: number of records in the validation file.
    """
    train = stored(train_uri, "Training file of a custom model", rows=records)
    if not validation_uri:
        return (train,)
    return train, stored(validation_uri, "Validation file of a custom model", rows=validation)


def rows_of(folder: RunFolder, side: Side, rows: int | None = None) -> Artifact:
    """Return the accepted rows of one side of the split."""
    return stored(folder.source(side), f"Accepted rows for {_USES[side]}", rows=rows, record=Row)


def shards_of(folder: RunFolder, side: Side, *, files: int | None = None) -> Artifact:
    """Return all shards of one side of the split as one artifact, however many mapped tasks there are."""
    uri = folder.shard(side, 0).rpartition("-")[0]
    return stored(uri, f"Rows for {_USES[side]}, one file for each mapped task", files=files, record=Row)


def _accepted_pairs(folder: RunFolder, rows: int | None = None, *, files: int | None = None) -> Artifact:
    uri = folder.synthetic(0).rpartition("-")[0]
    return stored(uri, "Pairs of the teacher that passed the filters", rows=rows, files=files, record=Pair)


def _rejected_pairs(folder: RunFolder, rows: int | None = None) -> Artifact:
    uri = folder.synthetic_rejected(0).rpartition("-")[0]
    description = "Pairs of the teacher that a filter dropped, each with the reason"
    return stored(uri, description, rows=rows, record=RejectedPair)


def _repeated_pairs(folder: RunFolder) -> Artifact:
    return stored(folder.synthetic_repeated, "Pairs that repeat the question of another pair, and are not used")
