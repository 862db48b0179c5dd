from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import fresh, refused
from tests.tools.aws_simulator.services.test_iam import OF_AWS, create_role
from tools.aws_simulator.services.iam_pages import without_page


def test_deleting_while_listing_misses_nothing(simulator: RunningSimulator) -> None:
    iam, path = simulator.boto("iam"), f"/{fresh('path')}/"
    names = sorted(create_role(iam, Path=path)["RoleName"] for _ in range(5))
    found = []
    page: Any = {"Marker": None}
    while "Marker" in page:
        more = {"Marker": page["Marker"]} if page["Marker"] else {}
        page = iam.list_roles(PathPrefix=path, MaxItems=2, **more)
        assert page["IsTruncated"] == ("Marker" in page)
        found += [role["RoleName"] for role in page["Roles"]]
        for role in page["Roles"]:
            iam.delete_role(RoleName=role["RoleName"])
    assert found == names


ROLE, POLICY = {"RoleName": "customization"}, {"PolicyArn": OF_AWS}


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("list_roles", {}),
        ("list_policies", {}),
        ("list_attached_role_policies", ROLE),
        ("list_role_policies", ROLE),
        ("list_role_tags", ROLE),
        ("list_policy_tags", POLICY),
        ("list_policy_versions", POLICY),
        ("list_instance_profiles_for_role", ROLE),
    ],
)
def test_every_list_refuses_an_unknown_marker(
    simulator: RunningSimulator, operation: str, arguments: dict[str, str]
) -> None:
    iam = simulator.boto("iam")
    getattr(iam, operation)(**arguments)
    with refused("ValidationError", "Invalid Marker."):
        getattr(iam, operation)(**arguments, Marker="junk!")


def test_tags_are_cut_into_pages(simulator: RunningSimulator) -> None:
    iam = simulator.boto("iam")
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(3)]
    name = create_role(iam, Tags=tags)["RoleName"]
    first = iam.list_role_tags(RoleName=name, MaxItems=2)
    rest = iam.list_role_tags(RoleName=name, MaxItems=2, Marker=first["Marker"])
    assert [*first["Tags"], *rest["Tags"]] == tags
    assert (first["IsTruncated"], rest["IsTruncated"]) == (True, False)


def test_a_name_that_differs_only_in_case_exists(simulator: RunningSimulator) -> None:
    with refused("EntityAlreadyExists", status=409):
        create_role(simulator.boto("iam"), RoleName="CUSTOMIZATION")


def test_the_form_for_moto_asks_for_everything() -> None:
    assert without_page(b"Action=ListRoles&Marker=x&MaxItems=1") == b"Action=ListRoles&MaxItems=1000000"
