from __future__ import annotations

from pathlib import Path

import pytest

from tools.aws_simulator.stacks.clashes import check_clashes
from tools.aws_simulator.stacks.template import RenderedResource, RenderedStack
from tools.aws_simulator.stacks.yaml_files import StackError
from tools.aws_simulator.testing import start_simulator

ROLE, POLICY, BUCKET = "AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::S3::Bucket"
TYPES = [ROLE, POLICY, BUCKET, "AWS::S3::BucketPolicy"]


def stack(name: str, **resources: tuple[str, str]) -> tuple[Path, RenderedStack]:
    rendered = {logical: RenderedResource(kind, value, "") for logical, (kind, value) in resources.items()}
    return Path(f"{name}.yaml"), RenderedStack(name, rendered, {})


@pytest.mark.parametrize("kind", TYPES)
def test_two_stacks_cannot_have_the_same_resource(kind: str) -> None:
    with pytest.raises(StackError, match=r"^b\.yaml: Resources\.Two: .* same already exists in Resources\.One of") as e:
        check_clashes([stack("a", One=(kind, "same")), stack("b", Two=(kind, "same"))])
    assert "the stack a." in str(e.value)


@pytest.mark.parametrize("kind", TYPES)
def test_a_stack_cannot_have_a_resource_twice(kind: str) -> None:
    with pytest.raises(StackError, match=r"^a\.yaml: Resources\.Two: .* already exists in Resources\.One"):
        check_clashes([stack("a", One=(kind, "same"), Two=(kind, "same"))])


def test_names_of_roles_differ_in_more_than_case() -> None:
    with pytest.raises(StackError, match="the role Jobs already exists"):
        check_clashes([stack("a", One=(ROLE, "jobs"), Two=(ROLE, "Jobs"))])


def test_things_of_different_kinds_or_names_do_not_clash() -> None:
    check_clashes([stack("a", One=(ROLE, "x"), Two=(POLICY, "x"), Three=(BUCKET, "x")), stack("b", One=(ROLE, "y"))])
    check_clashes([stack("a", One=("AWS::KMS::Key", "x")), stack("b", One=("AWS::KMS::Key", "x"))])


def test_a_clash_leaves_the_account_as_it_is(tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    for path in (first, second):
        path.write_text("Resources: {Data: {Type: 'AWS::S3::Bucket', Properties: {BucketName: shared-data}}}")
    state = tmp_path / "state"
    with (
        pytest.raises(StackError, match="the bucket shared-data already exists"),
        start_simulator(state, policies=[first, second]),
    ):
        pass
    with start_simulator(state) as running:
        assert "shared-data" not in [one["Name"] for one in running.boto("s3").list_buckets()["Buckets"]]
    for _ in range(2):  # an update of the same stack is no clash
        with start_simulator(state, policies=[first], callers={"owner": "root"}):
            pass
