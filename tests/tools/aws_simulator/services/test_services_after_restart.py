"""Roles, policies and sessions are in the state. Each test runs simulators of its own."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.fakes.aws_simulator import ROLES, start_simulator
from tests.tools.aws_simulator.builders import create_job, finished_job, refused
from tests.tools.aws_simulator.services.test_iam import OF_AWS, READ, create_role
from tests.tools.aws_simulator.services.test_sts import ACCOUNT, assumable, session_of
from tools.aws_simulator import testing


def test_roles_and_policies_survive_a_restart(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator:
        iam = simulator.boto("iam")
        tags = [{"Key": "project", "Value": "ü 1"}]
        name = create_role(iam, Path="/service-role/", Description="d", MaxSessionDuration=7200, Tags=tags)["RoleName"]
        arn = iam.create_policy(PolicyName="reader", PolicyDocument=json.dumps(READ))["Policy"]["Arn"]
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(READ), SetAsDefault=True)
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        iam.attach_role_policy(RoleName=name, PolicyArn=OF_AWS)
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(READ))
        iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=arn)
        before = everything(iam, name, arn)
    with start_simulator(tmp_path) as simulator:
        iam = simulator.boto("iam")
        assert everything(iam, name, arn) == before
        assert before[0]["Tags"] == tags
        assert before[1] == {arn, OF_AWS}
        version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(READ))["PolicyVersion"]
        assert version["VersionId"] == "v3"
        iam.delete_role_policy(RoleName=name, PolicyName="inline")
        for attached in (arn, OF_AWS):
            iam.detach_role_policy(RoleName=name, PolicyArn=attached)
        iam.delete_role(RoleName=name)
    with start_simulator(tmp_path) as simulator, refused("NoSuchEntity", f"The role with name {name} cannot be found."):
        simulator.boto("iam").get_role(RoleName=name)


def test_a_policy_in_use_cannot_be_deleted(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator:
        iam = simulator.boto("iam")
        name = create_role(iam)["RoleName"]
        arn = iam.create_policy(PolicyName="used", PolicyDocument=json.dumps(READ))["Policy"]["Arn"]
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        with refused("DeleteConflict", "attached to entities", status=409):
            iam.delete_policy(PolicyArn=arn)
        iam.detach_role_policy(RoleName=name, PolicyArn=arn)
        iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=arn)
        with refused("DeleteConflict", "attached to entities", status=409):
            iam.delete_policy(PolicyArn=arn)
        iam.delete_role_permissions_boundary(RoleName=name)
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(READ))
        with refused("DeleteConflict", "more than one version", status=409):
            iam.delete_policy(PolicyArn=arn)
        iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
        iam.delete_policy(PolicyArn=arn)


def test_a_state_in_which_an_attached_policy_was_deleted_is_opened(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator:
        iam = simulator.boto("iam")
        name = create_role(iam)["RoleName"]
        arn = iam.create_policy(PolicyName="gone", PolicyDocument=json.dumps(READ))["Policy"]["Arn"]
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    with closing(sqlite3.connect(tmp_path / "bedrock.sqlite")) as database, database:
        stored = json.loads(database.execute("SELECT value FROM stored_values WHERE name = 'iam'").fetchone()[0])
        text = json.dumps({**stored, "policies": []})
        database.execute("UPDATE stored_values SET value = ? WHERE name = 'iam'", [text])
    with start_simulator(tmp_path) as simulator:
        iam = simulator.boto("iam")
        assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
        iam.delete_role(RoleName=name)


def everything(iam: Any, name: str, arn: str) -> tuple[Any, ...]:
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return (
        iam.get_role(RoleName=name)["Role"],
        {policy["PolicyArn"] for policy in attached},
        iam.get_role_policy(RoleName=name, PolicyName="inline")["PolicyDocument"],
        iam.get_policy(PolicyArn=arn)["Policy"],
        iam.list_policy_versions(PolicyArn=arn)["Versions"],
        iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]["Document"],
    )


def test_a_session_survives_a_restart(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator:
        arn = assumable(simulator)
        answer = simulator.boto("sts").assume_role(RoleArn=arn, RoleSessionName="run-1", DurationSeconds=900)
    name = arn.rpartition("/")[2]
    expected = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/run-1"
    assert answer["AssumedRoleUser"]["Arn"] == expected
    with start_simulator(tmp_path) as simulator:
        identity = session_of(simulator, answer["Credentials"]).get_caller_identity()
        assert (identity["Arn"], identity["UserId"]) == (expected, answer["AssumedRoleUser"]["AssumedRoleId"])


def test_a_session_of_an_earlier_version_needs_no_token(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator:
        arn = assumable(simulator)
        old, new = (simulator.boto("sts").assume_role(RoleArn=arn, RoleSessionName="run") for _ in range(2))
    with closing(sqlite3.connect(tmp_path / "bedrock.sqlite")) as database, database:
        sql = "UPDATE stored_values SET value = json_remove(value, '$.token') WHERE name = ?"
        assert database.execute(sql, [f"sts_session:{old['Credentials']['AccessKeyId']}"]).rowcount == 1
    with start_simulator(tmp_path) as simulator:
        for token in (None, "any"):
            identity = session_of(simulator, old["Credentials"] | {"SessionToken": token}).get_caller_identity()
            assert identity["Arn"] == old["AssumedRoleUser"]["Arn"]
            with refused("InvalidClientTokenId"):
                session_of(simulator, new["Credentials"] | {"SessionToken": token}).get_caller_identity()


def test_the_role_of_the_command_line_is_created_once(tmp_path: Path) -> None:
    name = ROLES[0].rpartition("/")[2]
    with start_simulator(tmp_path) as simulator:
        iam = simulator.boto("iam")
        created = iam.get_role(RoleName=name)["Role"]
        iam.delete_role_policy(RoleName=name, PolicyName="jobs")
    with start_simulator(tmp_path) as simulator:
        iam = simulator.boto("iam")
        assert iam.get_role(RoleName=name)["Role"] == created
        assert iam.list_role_policies(RoleName=name)["PolicyNames"] == []


def test_the_roles_of_jobs_of_earlier_versions_are_created(tmp_path: Path) -> None:
    role = "arn:aws:iam::123456789012:role/path/earlier"
    with testing.start_simulator(tmp_path, roles=[role], job_seconds=3600) as simulator:
        job = create_job(simulator, roleArn=role)
    with closing(sqlite3.connect(tmp_path / "bedrock.sqlite")) as database, database:
        database.execute("DELETE FROM stored_values WHERE name = 'iam'")  # as a version without IAM left the state
    with testing.start_simulator(tmp_path, roles=[], job_seconds=0) as simulator:
        assert finished_job(simulator, job)["status"] == "Completed"
        assert [found["Arn"] for found in simulator.boto("iam").list_roles()["Roles"]] == [role]
        simulator.boto("iam").delete_role_policy(RoleName="earlier", PolicyName="jobs")
        simulator.boto("iam").delete_role(RoleName="earlier")
    with testing.start_simulator(tmp_path, roles=[]) as simulator:
        assert simulator.boto("iam").list_roles()["Roles"] == []
