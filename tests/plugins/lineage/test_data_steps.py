from __future__ import annotations

from typing import Any

from bedrock_distill.lineage.artifacts import Artifact
from bedrock_distill.lineage.data_steps import (
    curation_lineage,
    ingest_lineage,
    merge_lineage,
    shard_lineage,
    synthesis_lineage,
    upload_lineage,
)
from include.distill.config.use_case import UseCase
from tests.plugins.conftest import FOLDER
from tests.plugins.task_groups.conftest import PLAIN, TUNED, sample

COUNTS: Any = {"train": 10, "evaluation": 4, "rejected": 2}
MERGED: Any = {
    "train_uri": FOLDER.merged("tuned", "train.jsonl"),
    "validation_uri": FOLDER.merged("tuned", "validation.jsonl"),
    "card_uri": FOLDER.merged("tuned", "data_card.json"),
    "records": 18,
    "validation": 2,
}


def names(artifacts: tuple[Artifact, ...]) -> list[str]:
    """Return the names of artifacts; those in the run's folder without the folder."""
    folder = FOLDER.uri.removeprefix("s3://").partition("/")[2]
    return [artifact.name.removeprefix(f"{folder}/") for artifact in artifacts]


def test_ingest_turns_the_input_files_into_counted_rows(use_case: UseCase) -> None:
    lineage = ingest_lineage(use_case, FOLDER, COUNTS)
    source = use_case.source
    assert names(lineage.inputs) == [source.training_csv, source.evaluation_csv]
    assert [(name, one.rows) for name, one in zip(names(lineage.outputs), lineage.outputs, strict=True)] == [
        ("source/train.jsonl", 10),
        ("source/evaluation.jsonl", 4),
        ("source/rejected.jsonl", 2),
    ]


def test_a_use_case_without_an_evaluation_file_has_one_input() -> None:
    without = sample(source={"evaluation_csv": None})
    assert names(ingest_lineage(without, FOLDER, None).inputs) == [without.source.training_csv]


def test_all_shards_are_one_artifact_however_many_there_are() -> None:
    lineage = shard_lineage(FOLDER, "train", list(range(500)))
    assert names(lineage.outputs) == ["shards/train"]
    assert lineage.outputs[0].files == 500
    assert FOLDER.shard("train", 7).startswith(f"{FOLDER.uri}/shards/train-")


def test_each_mapped_task_of_synthesize_reports_the_counts_of_its_shard(use_case: UseCase) -> None:
    result: Any = {"accepted": 5, "rejected": 1}
    lineage = synthesis_lineage(use_case, FOLDER, result)
    assert [(one.rows, one.files) for one in lineage.outputs] == [(5, 1), (1, None)]
    assert names(lineage.outputs) == ["synthetic/accepted", "synthetic/rejected"]
    teacher = use_case.catalog_model(use_case.teacher).foundation_id
    assert f"foundation-model/{teacher}" in names(lineage.inputs)


def test_the_critic_is_an_input_only_if_there_is_one(use_case: UseCase) -> None:
    critic = {"model": "nova-lite", "max_spend_usd": 1}
    with_critic = sample(curation={"critic": critic})
    plain = names(synthesis_lineage(sample(curation={"critic": None}), FOLDER, None).inputs)
    assert set(names(synthesis_lineage(with_critic, FOLDER, None).inputs)) - set(plain) == {
        f"foundation-model/{with_critic.catalog_model('nova-lite').foundation_id}"
    }


def test_curate_reads_what_synthesize_wrote(use_case: UseCase) -> None:
    result: Any = {"accepted": 5, "rejected": 1}
    written = synthesis_lineage(use_case, FOLDER, result).outputs
    curated = curation_lineage(FOLDER, result)
    assert names(curated.inputs) == names(written)
    assert names(curated.outputs) == ["synthetic/rejected-repeated.jsonl"]


def test_only_an_arm_with_pairs_reads_pairs() -> None:
    use_case = sample(arms=[{"name": "base", "kind": "base"}, TUNED, PLAIN])
    tuned, plain = (merge_lineage(use_case, FOLDER, arm, None) for arm in ("tuned", "plain"))
    assert names(plain.inputs) == ["source/train.jsonl"]
    assert "synthetic/accepted" in names(tuned.inputs)


def test_the_training_file_is_followed_to_the_folder_of_its_hash(use_case: UseCase) -> None:
    dataset: Any = {"train_uri": FOLDER.dataset("5ha", "train.jsonl"), "validation_uri": None, "records": 18}
    merged, uploaded = merge_lineage(use_case, FOLDER, "tuned", MERGED), upload_lineage(MERGED, dataset)
    assert [one.rows for one in merged.outputs] == [18, 2, None]
    assert names(uploaded.inputs) == names(merged.outputs)[:2]
    assert [(one.name, one.rows) for one in uploaded.outputs] == [("distill/datasets/5ha/train.jsonl", 18)]


def test_a_failed_task_has_inputs_and_no_outputs(use_case: UseCase) -> None:
    failed = [
        ingest_lineage(use_case, FOLDER, None),
        shard_lineage(FOLDER, "train", None),
        synthesis_lineage(use_case, FOLDER, None),
        curation_lineage(FOLDER, None),
        merge_lineage(use_case, FOLDER, "tuned", None),
        upload_lineage(MERGED, None),
    ]
    assert all(lineage.inputs and not lineage.outputs for lineage in failed)
