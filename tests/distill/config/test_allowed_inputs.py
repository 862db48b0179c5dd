from __future__ import annotations

from typing import Any

import pytest

from include.distill.config.allowed_inputs import PIPELINE_FOLDERS, allowed_prefixes, input_problem
from include.distill.config.layout import Layout, RunFolder
from include.distill.config.notification_layout import unsent_uri
from include.distill.config.parsing import parse_use_case
from include.distill.config.use_case import UseCase
from include.distill.core.errors import UseCaseError


def use_case(**source: Any) -> UseCase:
    raw = {
        "name": "payroll",
        "description": "d",
        "owner": "team",
        "schedule": None,
        "aws": {"role_arn": "arn:aws:iam::123456789012:role/r"},
        "storage": {"training_bucket": "train-b", "output_bucket": "out-b", "prefix": "team/distill"},
        "source": {"training_csv": "s3://in-b/payroll/2026/train.csv", "evaluation_csv": "s3://in-b/eval/", **source},
        "teacher": "claude-sonnet-5-5",
        "student": "nova-micro",
        "judges": ["claude-haiku-4-5"],
    }
    return parse_use_case(raw, origin="test")


@pytest.mark.parametrize(
    "uri",
    [
        "s3://in-b/payroll/2026/train.csv",
        "s3://in-b/payroll/2026/other.csv",
        "s3://in-b/payroll/2026/parts/",
        "s3://in-b/eval/",
        "s3://in-b/eval/new part.csv",
        "s3://train-b/team/distill/uploads/new.csv",
        "s3://train-b/team/distill/new.csv",
        "s3://train-b/team/distill/runs-of-may/new.csv",
        "s3://train-b/team/distill/runs/payroll/nightly-1/report/label_sample/tuned--base/sheet.csv",
        "s3://out-b/team/distill/new.csv",
        "s3://more-b/shared/new.csv",
        "include/data/aws_docs_qa/train.csv",
    ],
)
def test_a_form_may_name_files_of_the_use_case(uri: str) -> None:
    assert input_problem(uri, use_case(allowed_prefixes=["s3://more-b/shared/"])) is None


@pytest.mark.parametrize(
    "uri",
    [
        "s3://other-team/secret.csv",
        "s3://train-b/team/distill/",  # a folder is read with all folders below it
        "s3://out-b/team/distill/",
        "s3://in-b/",
        "s3://in-b/payroll/",
        "s3://in-b/payroll/2026",
        "s3://in-b/payroll/2026-secret/train.csv",
        "s3://in-b/payroll/2026/../../other/train.csv",
        "s3://in-b/payroll/2026/./train.csv",
        "s3://in-b/payroll/2026//train.csv",
        "s3://in-b/PAYROLL/2026/train.csv",
        "s3://in-b/payroll%2F2026/train.csv",
        "s3://in-b2/payroll/2026/train.csv",
        "s3://in-b.evil/payroll/2026/train.csv",
        "s3://train-b/other/new.csv",
        "s3://train-b/team/",
        "s3://train-b/team/distill",
        "s3://train-b/team/distill-prod/new.csv",
        "s3://train-b/team/distill/runs/",
        "s3://train-b/team/distill/runs/other/nightly-1/source/train.jsonl",
        "s3://train-b/team/distill/runs/payroll2/nightly-1/source/train.jsonl",
        "s3://train-b/team/distill/runs/payroll/../other/source/train.jsonl",
        "s3://more-b/shared",
        "s3://more-b/shared2/new.csv",
        "s3://",
        "s3:///",
        "s3://in-b",
    ],
)
def test_a_form_may_not_name_other_objects(uri: str) -> None:
    problem = input_problem(uri, use_case(allowed_prefixes=["s3://more-b/shared/"]))
    assert problem is not None
    assert uri in problem
    assert "s3://in-b/payroll/2026/" in problem
    assert "source.allowed_prefixes" in problem


def test_every_folder_of_the_pipeline_is_excluded() -> None:
    root = "s3://train-b/team/distill"
    run, layout = RunFolder(f"{root}/runs/payroll/r"), Layout(use_case().storage)
    stored = [
        run.responses,
        run.dataset("0" * 64, "train.jsonl"),
        run.batch_input("0" * 64),
        run.pending_batches,
        run.last_run("x"),
        run.splits("x"),
        layout.reports("x"),
        layout.champion("x"),
        layout.training_output("0" * 64),
        layout.batch_output("0" * 64),
        layout.runs("x"),
        unsent_uri(root, "prod"),
    ]
    for uri in stored:
        assert uri.split("/team/distill/")[1].split("/")[0] in PIPELINE_FOLDERS, uri
        assert input_problem(uri, use_case()) is not None, uri


def test_a_source_at_the_root_of_a_bucket_does_not_allow_the_whole_bucket() -> None:
    of_a_file = use_case(training_csv="s3://in-b/train.csv", evaluation_csv=None)
    assert input_problem("s3://in-b/train.csv", of_a_file) is None
    assert input_problem("s3://in-b/secret.csv", of_a_file) is not None
    assert "s3://in-b/" not in allowed_prefixes(of_a_file)


@pytest.mark.parametrize(
    "prefix", ["s3://b2b/folder", "b2b/folder/", "s3://b2b//", "s3://*/", "s3:///folder/", "/data/"]
)
def test_an_allowed_prefix_is_a_folder_in_s3(prefix: str) -> None:
    with pytest.raises(UseCaseError, match="allowed_prefixes"):
        use_case(allowed_prefixes=[prefix])


@pytest.mark.parametrize("path", ["/etc/passwd", "../other.csv", "https://host/a.csv", "S3://in-b/a.csv"])
def test_a_path_outside_the_folders_is_refused_with_the_folders_and_with_who_can_allow_more(path: str) -> None:
    problem = input_problem(path, use_case(allowed_prefixes=["s3://more-b/shared/"]))
    assert problem is not None
    for part in (
        f"Input {path} may not be read: local files must be inside one of",
        "upload the file to S3 and name it as s3://bucket/folder/file.csv",
        "Only the administrators of Airflow can allow more local folders",
        "In S3, a form may name files below s3://more-b/shared/, ",
    ):
        assert part in problem
    assert ("has to begin with s3:// in lower case" in problem) is (":/" in path)


def test_the_refusal_of_an_object_names_the_folders_and_the_owner_of_the_use_case() -> None:
    problem = input_problem("s3://other-team/secret.csv", use_case())
    assert problem is not None
    assert "Copy the file below one of these prefixes, or ask the owner of the use case (team) to add" in problem
