"""No setting of a person's real AWS account or Airflow reaches a local run."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.local_airflow.environment import build_environment, load_keys
from tools.local_airflow.ports import Ports
from tools.local_airflow.settings import Layout

KEYS = {"jwt_secret": "j" * 64, "fernet_key": "f", "api_secret": "a"}
PORTS = Ports(api=18080, simulator=14566)
LAYOUT = Layout(state=Path("/checkout/.local"))

REAL = {
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_SECRET_ACCESS_KEY": "real-secret",
    "AWS_SESSION_TOKEN": "real-token",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/real",
    "AWS_ENDPOINT_URL_S3": "https://s3.real.example",
    "AWS_CONFIG_FILE": "/home/person/.aws/config",
    "BOTO_CONFIG": "/etc/real-boto.cfg",
    "AIRFLOW_HOME": "/home/person/real-airflow",
    "AIRFLOW_CONN_AWS_DEFAULT": "aws://real:real@",
    "AIRFLOW__CORE__EXECUTOR": "RealExecutor",
    "AIRFLOW__SECRETS__BACKEND": "real.Backend",
    "DISTILL_ROLE_ARN": "arn:aws:iam::999999999999:role/real",
    "PYTHONHOME": "/opt/real-python",
}


def build(inherited: dict[str, str], **changes: object) -> dict[str, str]:
    arguments = {"layout": LAYOUT, "ports": PORTS, "keys": KEYS, "schedules": "off", **changes}
    return build_environment(inherited, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", REAL)
def test_real_settings_do_not_get_through(name: str) -> None:
    assert build(REAL).get(name) != REAL[name]


@given(st.sampled_from(["AWS_", "AIRFLOW_", "AIRFLOW__", "BOTO"]), st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", max_size=20))
def test_no_variable_of_aws_or_airflow_gets_through(prefix: str, rest: str) -> None:
    assert "a real value" not in build({prefix + rest: "a real value"}).values()


def test_every_aws_endpoint_is_the_simulator() -> None:
    environment = build(REAL)
    endpoints = {value for name, value in environment.items() if name.startswith("AWS_ENDPOINT_URL")}
    assert endpoints == {"http://127.0.0.1:14566"}
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"


def test_loopback_is_never_reached_through_a_proxy() -> None:
    environment = build({"HTTP_PROXY": "http://proxy.example:3128", "NO_PROXY": "corp.example"})
    assert environment["HTTP_PROXY"] == "http://proxy.example:3128"
    assert "127.0.0.1" in environment["NO_PROXY"]
    assert "127.0.0.1" in environment["no_proxy"]


def test_unrelated_variables_are_kept() -> None:
    environment = build({"LANG": "de_DE.UTF-8", "PATH": "/usr/bin"})
    assert environment["LANG"] == "de_DE.UTF-8"
    assert environment["PATH"].endswith(":/usr/bin")


def test_a_busy_machine_has_time_to_import_a_dag() -> None:
    environment = build({"AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "1"})
    import_seconds = float(environment["AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT"])
    assert import_seconds >= 10 * 30  # Airflow's default
    assert float(environment["AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT"]) > import_seconds


def test_schedules_and_input_folders_are_set_as_requested() -> None:
    quiet = build({}, schedules="off", input_roots=[Path("/data"), Path("/more")])
    housekeeping = build({}, schedules="housekeeping")
    assert (quiet["DISTILL_SCHEDULES"], quiet["DISTILL_INPUT_ROOTS"]) == ("off", "/data:/more")
    assert housekeeping["DISTILL_SCHEDULES"] == "housekeeping"
    assert "DISTILL_INPUT_ROOTS" not in housekeeping


def test_two_checkouts_share_nothing() -> None:
    one = build({}, layout=Layout(state=Path("/one/.local")), ports=Ports(1, 2))
    other = build({}, layout=Layout(state=Path("/other/.local")), ports=Ports(3, 4))
    own = [name for name in one if one[name] != other[name]]
    assert {"AIRFLOW_HOME", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__API__PORT", "AWS_ENDPOINT_URL"} <= set(own)


def test_keys_are_created_once_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    path = tmp_path / "state" / "secrets.json"
    first = load_keys(path)
    assert load_keys(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(first["jwt_secret"].encode()) >= 64
    assert len(base64.urlsafe_b64decode(first["fernet_key"])) == 32
    assert load_keys(tmp_path / "other.json") != first
