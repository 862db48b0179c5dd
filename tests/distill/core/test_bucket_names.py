from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from include.distill.config.loader import load_use_case
from include.distill.config.parsing import with_overrides
from include.distill.core.bucket_names import bucket_name_problem, uri_problem
from include.distill.core.errors import InputError, UseCaseError
from include.distill.labeling.label_params import parse_label_params
from tests.distill.conftest import make_use_case, raw_use_case
from tests.fakes.variables import VARIABLES

INVALID = [
    *(
        "",
        "a",
        "ab",
        "a" * 64,
        "A-bucket",
        "My-Bucket",
        "my_bucket",
        "bücket",
        "my bucket",
        "bucket\n",
        "bucket*",
        "b@cket",
    ),
    *("-a-bucket", "bucket-", ".bucket", "bucket.", "a..b", "my...bucket"),
    *("192.168.1.1", "192.168.5.4", "1.2.3.4", "999.999.999.999"),
    *("xn--a", "xn--bucket", "sthree-bucket", "sthree-configurator", "amzn-s3-demo-bucket"),
    *("a-s3alias", "bucket--ol-s3", "bucket.mrap", "bucket--usw2-az1--x-s3", "bucket--table-s3"),
    *("٣٣٣", "a\u200bb", "bucket/", "ab\u00b2"),
]
VALID = [
    *("abc", "a" * 63, "123", "1bucket1", "my-bucket", "my.bucket.example.com", "a-b.c-d", "a.-b", "a--b"),
    *("192.168.1", "192.168.1.1.1", "192.168.1.a", "1-2-3-4", "192-168-1-1"),
    *("xn-bucket", "axn--b", "sthree", "amzn-s3-bucket", "my-xn--bucket", "my-sthree-bucket"),
    *("s3alias", "as3alias", "a-s3alias-b", "ol-s3", "mrap", "a-mrap", "x-s3", "table-s3"),
    *("my-data-123456789012-us-west-2-an", "bedrock-distill-training", "aws-logs"),
]


@pytest.mark.parametrize("name", INVALID)
def test_a_name_that_no_general_purpose_bucket_can_have_is_refused(name: str) -> None:
    problem = bucket_name_problem(name)
    assert problem is not None
    assert problem.startswith(f"found {name[:80]!r}, expected the name of a general purpose S3 bucket")


@pytest.mark.parametrize("name", VALID)
def test_a_name_that_follows_the_rules_is_accepted(name: str) -> None:
    assert bucket_name_problem(name) is None
    assert uri_problem(f"s3://{name}/A..B/192.168.1.1") is None


def test_the_rules_do_not_apply_to_local_paths() -> None:
    assert uri_problem("include/data/A..B.csv") is None


@pytest.mark.parametrize("name", ["a..b", "192.168.1.1", "-abc", "xn--a", "a-s3alias", "Upper-Case"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("storage.training_bucket", "{}"),
        ("storage.output_bucket", "${{BUCKET:-{}}}"),
        ("storage.bucket_owners", {"{}": "123456789012"}),
        ("source.training_csv", "s3://{}/rows.csv"),
        ("source.evaluation_csv", "s3://{}/folder/"),
        ("source.allowed_prefixes", ["s3://{}/folder/"]),
        ("prompts.judging", "s3://{}/judging.j2"),
        ("prompts.instruction_file", "s3://{}/instruction.txt"),
        ("prompts.examples", "s3://{}/examples.jsonl"),
    ],
)
def test_every_bucket_of_a_use_case_is_checked(tmp_path: Path, key: str, value: object, name: str) -> None:
    raw = raw_use_case(name="docs")
    section, last = key.split(".")
    raw.setdefault(section, {})[last] = "PLACEHOLDER"
    text = yaml.safe_dump(raw).replace("PLACEHOLDER", str(value).replace("{{", "{").replace("}}", "}"))
    path = tmp_path / "docs.yaml"
    path.write_text(text.replace("{}", name), encoding="utf-8")
    with pytest.raises(UseCaseError, match=rf"^docs\.yaml: {key}.*expected the name of a general purpose S3 bucket"):
        load_use_case(path, environment=VARIABLES)


def test_a_bucket_in_an_environment_variable_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "docs.yaml"
    storage = {"training_bucket": "${TRAINING}", "output_bucket": "bucket"}
    path.write_text(yaml.safe_dump(raw_use_case(name="docs", storage=storage)), encoding="utf-8")
    with pytest.raises(UseCaseError, match=r"storage\.training_bucket: found '192\.168\.1\.1'"):
        load_use_case(path, environment={**VARIABLES, "TRAINING": "192.168.1.1"})


@pytest.mark.parametrize("key", ["training_csv", "evaluation_csv"])
def test_a_bucket_in_the_trigger_form_is_checked(key: str) -> None:
    with pytest.raises(UseCaseError, match=rf"source\.{key}: found 'a\.\.b'"):
        with_overrides(make_use_case(), {key: "s3://a..b/rows.csv"})


def test_a_bucket_in_the_label_form_is_checked() -> None:
    with pytest.raises(InputError, match=r"labelled_csv.*found 'xn--a'"):
        parse_label_params({"labelled_csv": "s3://xn--a/sheet.csv"}, "docs")
