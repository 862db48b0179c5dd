from __future__ import annotations

from pathlib import Path

import pytest

from tools.aws_simulator.stacks.yaml_files import StackError, read_yaml


def written(folder: Path, text: str) -> Path:
    path = folder / "template.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_short_forms_become_long_forms(tmp_path: Path) -> None:
    text = """
a: !Ref Bucket
b: !GetAtt Role.Arn
c: !GetAtt [Role, Arn]
d: !Sub ["${Name}-x", {Name: !Ref Bucket}]
e: !If [Made, !Ref Bucket, !Ref "AWS::NoValue"]
f: !Condition Made
"""
    assert read_yaml(written(tmp_path, text)) == {
        "a": {"Ref": "Bucket"},
        "b": {"Fn::GetAtt": "Role.Arn"},
        "c": {"Fn::GetAtt": ["Role", "Arn"]},
        "d": {"Fn::Sub": ["${Name}-x", {"Name": {"Ref": "Bucket"}}]},
        "e": {"Fn::If": ["Made", {"Ref": "Bucket"}, {"Ref": "AWS::NoValue"}]},
        "f": {"Condition": "Made"},
    }


def test_a_date_stays_a_text(tmp_path: Path) -> None:
    assert read_yaml(written(tmp_path, "Version: 2012-10-17")) == {"Version": "2012-10-17"}


def test_json_is_read_too(tmp_path: Path) -> None:
    assert read_yaml(written(tmp_path, '{"a": {"Ref": "B"}, "c": [1, true]}')) == {"a": {"Ref": "B"}, "c": [1, True]}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: 1\na: 2", "the key 'a' occurs twice"),
        ("a: [1", "is not valid YAML"),
        ("[a]: 1", "a key must be a text"),
        ("- a", "must contain an object"),
        ("a: !!python/object:os.system x", "is not valid YAML"),
    ],
)
def test_a_damaged_file_is_refused_with_its_name(tmp_path: Path, text: str, reason: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(StackError, match=reason) as caught:
        read_yaml(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"absent\.yaml cannot be read: No such file"):
        read_yaml(tmp_path / "absent.yaml")
