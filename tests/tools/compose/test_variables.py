"""The variables of ``make celery`` have new secrets and direct the installation to the AWS simulator only."""

from __future__ import annotations

import base64

from tools.compose.variables import new_variables

SECRETS = ("FERNET_KEY", "JWT_SECRET", "API_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "ADMIN_PASSWORD")


def test_every_secret_is_new_each_time_and_long_enough() -> None:
    first, second = new_variables(), new_variables()
    for name in SECRETS:
        assert first[name] != second[name]
        assert len(first[name]) >= 24
    assert len(base64.urlsafe_b64decode(first["FERNET_KEY"])) == 32
    assert len(first["JWT_SECRET"]) == 128


def test_only_the_aws_simulator_can_be_reached() -> None:
    variables = new_variables()
    assert variables["AWS_ENDPOINT_URL"] == "http://aws-simulator:8090"
    assert variables["AWS_ACCESS_KEY_ID"] == "distill-run"  # a role of the simulated account, not its owner
    connections = {uri for name, uri in variables.items() if name.startswith("AIRFLOW_CONN_")}
    assert len(connections) == 4
    assert not any("endpoint_url" in uri or "//testing:" in uri for uri in connections)
    assert variables["AWS_EC2_METADATA_DISABLED"] == "true"


def test_no_schedule_starts_a_run() -> None:
    assert new_variables()["DISTILL_SCHEDULES"] == "off"
