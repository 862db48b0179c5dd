"""
Name the folders of a root, which is the project's part of a bucket (``s3://<bucket>/<prefix>``).

All runs of the root share some of the folders, such as ``datasets``. Some other folders, such as ``latest``, are
deleted only together with their bucket. A clean-up never deletes ``champions`` and ``endpoints``.
"""

from __future__ import annotations

import re

from include.distill.cleanup.item_groups import group_by, group_item
from include.distill.cleanup.plan import PlanItem, ProjectRoot, ResourceKind, StoredObject
from include.distill.cleanup.run_objects import run_objects
from include.distill.config.layout import owner_uri

# The folders that all runs of a root share.
SHARED_FOLDERS = {
    ResourceKind.DATASETS: "datasets",
    ResourceKind.PAID_ANSWERS: "responses",
    ResourceKind.BATCH_FILES: "batches",
    ResourceKind.EVALUATION_FILES: "evaluations",
    ResourceKind.OPTIMIZATION_FILES: "prompt_optimizations",
}
# The names that config/layout.py and AWS give to objects in these folders. Objects with other names are not ours.
OUR_NAMES = {
    ResourceKind.DATASETS: re.compile(r"[0-9a-f]{64}/(train\.jsonl|validation\.jsonl|data_card\.json)"),
    ResourceKind.PAID_ANSWERS: re.compile(r"[a-z0-9-]+/[0-9a-f]{2}/[0-9a-f]{64}\.json"),
    ResourceKind.BATCH_FILES: re.compile(
        r"[0-9a-f]{64}/(input\.jsonl|claim\.json)|(open|landed)/[a-z0-9-]+\.json"
        r"|[0-9a-f]{16}/[a-z0-9]{12}/(input\.jsonl|manifest\.json)\.out"
    ),
    ResourceKind.EVALUATION_FILES: re.compile(
        r"[0-9a-f]{64}/dataset\.jsonl|[0-9a-f]{16}/[a-z0-9-]{1,63}/[A-Za-z0-9-]+/.+"
    ),
    ResourceKind.OPTIMIZATION_FILES: re.compile(r"[0-9a-f]{64}/input\.jsonl|[0-9a-f]{16}/[a-z0-9]{12}/.+"),
}
# The other folders and objects of a root, which are never deleted on their own.
_KEPT_FOLDERS = {
    owner_uri("").removeprefix("/"): (
        ResourceKind.OWNER,
        "it names the root's owner and is deleted with its bucket",
    ),
    "reports": (ResourceKind.RECORDS, "it lists the report of a deleted run and is deleted with its bucket"),
    "training": (ResourceKind.TRAINING_OUTPUT, "Bedrock's files about training jobs are deleted with their bucket"),
    "champions": (ResourceKind.OTHER, "it names the champion; delete it by hand if you want no champion"),
    "endpoints": (
        ResourceKind.OTHER,
        "it contains the smoke prompts, and records the changes to the standing endpoints; delete it by hand if you"
        " want no standing endpoint",
    ),
    "history": (
        ResourceKind.RECORDS,
        "it records what the runs of each use case measured and spent, and is deleted with its bucket",
    ),
    "notifications": (
        ResourceKind.RECORDS,
        "it has messages to people that have not been sent yet, and is deleted with its bucket",
    ),
    "splits": (
        ResourceKind.RECORDS,
        "it records which documents are for training and which for evaluation, and is deleted with its bucket",
    ),
    "ended_evaluations": (
        ResourceKind.RECORDS,
        "it records how evaluation jobs ended, so that none is bought twice, and is deleted with its bucket",
    ),
    "ended_optimizations": (
        ResourceKind.RECORDS,
        "it records how prompt optimization jobs ended, so that none is bought twice, and is deleted with its bucket",
    ),
    "latest": (
        ResourceKind.RECORDS,
        "it names the last run, so that the next run can be compared with it, and is deleted with its bucket",
    ),
}


def kept_objects(root: ProjectRoot) -> list[PlanItem]:
    """
    Return the objects of a root that a clean-up keeps, whatever was chosen in the form.

    Some of them are deleted together with their bucket, if the bucket is deleted. The reasons of these items say so.
    """
    in_runs = {stored.uri for objects in run_objects(root).values() for stored in objects}
    objects = [stored for stored in root.objects if stored.uri not in in_runs]

    def folder(stored: StoredObject) -> str:
        return stored.uri.removeprefix(f"{root.uri}/").split("/")[0]

    unknown = (ResourceKind.OTHER, "it was not written by this pipeline")
    return [
        group_item(kind, f"{root.uri}/{name}", stored, reason)
        for name, stored in group_by(objects, folder)
        if name not in SHARED_FOLDERS.values()
        for kind, reason in [_KEPT_FOLDERS.get(name, unknown)]
    ]
