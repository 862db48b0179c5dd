from __future__ import annotations

import pytest

from tools.aws_simulator.stacks.properties import (
    check_known,
    document_of,
    objects_of,
    tags_of,
    text_of,
    texts_of,
)
from tools.aws_simulator.stacks.yaml_files import StackError


def test_properties_are_read() -> None:
    properties = {"Name": "a", "Count": 3, "Names": ["a", "b"], "Rules": [{"a": 1}], "Document": {"Version": "x"}}
    check_known("here", properties, ["Name", "Count", "Names", "Rules", "Document", "Other"])
    assert text_of("here", properties, "Name") == "a"
    assert text_of("here", properties, "Count") == "3"
    assert text_of("here", properties, "Other", "usual") == "usual"
    assert texts_of("here", properties, "Names") == ["a", "b"]
    assert texts_of("here", properties, "Other") == []
    assert objects_of("here", properties, "Rules") == [{"a": 1}]
    assert document_of("here", properties, "Document") == '{"Version": "x"}'


def test_the_tags_of_a_resource_win_over_those_of_its_stack() -> None:
    properties = {"Tags": [{"Key": "Owner", "Value": "own"}]}
    assert tags_of("here", properties, {"Owner": "stack", "Cost": "1"}) == {"Owner": "own", "Cost": "1"}


def test_what_is_missing_or_of_another_kind_is_refused_with_its_place() -> None:
    with pytest.raises(StackError, match=r"^here\.Extra: the AWS simulator does not have this property"):
        check_known("here", {"Extra": 1, "Name": 2}, ["Name"])
    with pytest.raises(StackError, match=r"^here\.Name: a text is needed"):
        text_of("here", {"Name": ["a"]}, "Name")
    with pytest.raises(StackError, match=r"^here\.Name: a text is needed"):
        text_of("here", {}, "Name")
    with pytest.raises(StackError, match=r"^here\.Names: a list of texts"):
        texts_of("here", {"Names": [""]}, "Names")
    with pytest.raises(StackError, match=r"^here\.Rules: a list of objects"):
        objects_of("here", {"Rules": {"a": 1}}, "Rules")
    with pytest.raises(StackError, match=r"^here\.Document: a policy document"):
        document_of("here", {"Document": "{}"}, "Document")
