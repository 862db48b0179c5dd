from __future__ import annotations

from pathlib import Path

import pytest

from tools.aws_simulator.stacks.deployments import Deployment, read_deployment, render_deployment
from tools.aws_simulator.stacks.yaml_files import StackError

TEMPLATE = """
Parameters: {Name: {Type: String, Default: usual}}
Resources: {Bucket: {Type: "AWS::S3::Bucket", Properties: {BucketName: !Ref Name}}}
Outputs: {Region: {Value: !Ref "AWS::Region"}, Stack: {Value: !Ref "AWS::StackName"}}
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "templates" / "buckets.yaml"
    path.parent.mkdir()
    path.write_text(TEMPLATE, encoding="utf-8")
    return path


def deployment(template: Path, text: str) -> Path:
    path = template.parent.parent / "prod.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_deployment_names_a_template_relative_to_itself(template: Path) -> None:
    text = "template-file-path: templates/buckets.yaml\nparameters: {Name: mine}\ntags: {Owner: team, Count: 3}"
    path = deployment(template, text)
    assert read_deployment(path) == Deployment(template, {"Name": "mine"}, {"Owner": "team", "Count": "3"})
    stack, _ = render_deployment(path)
    assert (stack.name, stack.resources["Bucket"].name) == ("prod", "mine")


def test_a_deployment_can_name_its_region(template: Path) -> None:
    stack, _ = render_deployment(deployment(template, "template-file-path: templates/buckets.yaml\nregion: us-west-2"))
    assert stack.outputs == {"Region": "us-west-2", "Stack": "prod"}


def test_a_template_is_a_deployment_with_its_defaults(template: Path) -> None:
    stack, found = render_deployment(template)
    assert found == Deployment(template)
    assert (stack.name, stack.resources["Bucket"].name, stack.outputs["Region"]) == ("buckets", "usual", "us-east-1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("template-file-path: x\nparameter: {}", r"prod\.yaml: a stack deployment file has no key parameter"),
        ("template-file-path: x\nparameters: [a]", r"prod\.yaml: parameters must be an object of texts"),
        ("template-file-path: x\nparameters: {a: [b]}", r"prod\.yaml: parameters must be an object of texts"),
        ("template-file-path: x\nregion: mars-1", r"prod\.yaml: region: 'mars-1' is not a Region"),
        (
            "template-file-path: templates/buckets.yaml\nparameters: {Nmae: x}",
            r"prod\.yaml: .*buckets\.yaml: Parameters",
        ),
        ("template-file-path: absent.yaml", r"prod\.yaml: .*absent\.yaml cannot be read"),
    ],
)
def test_an_invalid_deployment_is_refused(template: Path, text: str, message: str) -> None:
    with pytest.raises(StackError, match=message):
        render_deployment(deployment(template, text))
