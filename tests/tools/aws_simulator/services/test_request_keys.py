from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.services.request_keys import request_keys

TAGS = [{"Key": "team", "Value": "a"}]


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        ({"RoleName": "r"}, {}),
        ({"Tags": TAGS}, {"aws:RequestTag/team": "a", "aws:TagKeys": ["team"]}),
        ({"TagKeys": ["team"]}, {"aws:TagKeys": ["team"]}),
        ({"PermissionsBoundary": "b"}, {"iam:PermissionsBoundary": "b"}),
        ({"ExternalId": "x", "RoleSessionName": "s"}, {"sts:ExternalId": "x", "sts:RoleSessionName": "s"}),
    ],
)
def test_what_a_request_states_is_a_key_for_conditions(arguments: dict[str, Any], keys: dict[str, Any]) -> None:
    assert request_keys(arguments) == keys
