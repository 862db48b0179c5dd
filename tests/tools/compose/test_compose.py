"""docker-compose.yaml and .env.example are complete and safe by default."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from include.distill.core.errors import InputError
from include.distill.core.paths import PROJECT_ROOT
from tools.compose.compose_file import read_services
from tools.compose.variables import new_variables

COMPOSE_FILE = PROJECT_ROOT / "docker-compose.yaml"
COMPOSE = yaml.safe_load(COMPOSE_FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
AIRFLOW = ["airflow-init", "api-server", "scheduler", "dag-processor", "triggerer", "worker"]
EXAMPLE = (PROJECT_ROOT / ".env.example").read_text()
USED = re.compile(r"\$\{([A-Z0-9_]+)")
REQUIRED = sorted(set(re.findall(r"\$\{([A-Z0-9_]+):\?", COMPOSE_FILE.read_text())))
every_service = pytest.mark.parametrize("name", SERVICES)
every_airflow_service = pytest.mark.parametrize("name", AIRFLOW)


# The variables of .env that are secret, and the services that need them. AWS's keys are passed through by their names.
SECRETS = {
    "POSTGRES_PASSWORD": {"postgres", *AIRFLOW},
    "REDIS_PASSWORD": {"redis", "scheduler", "worker"},
    "FERNET_KEY": {"airflow-init", "api-server", "triggerer"},
    "JWT_SECRET": {"api-server", "scheduler"},
    "API_SECRET_KEY": {"api-server"},
    "ADMIN_USER": {"api-server"},
    "ADMIN_PASSWORD": {"api-server"},
    "AWS_ACCESS_KEY_ID": {"api-server", "triggerer", "worker"},
    "AWS_SECRET_ACCESS_KEY": {"api-server", "triggerer", "worker"},
    "AWS_SESSION_TOKEN": {"api-server", "triggerer", "worker"},
}


def handed_on() -> set[str]:
    environments = [service["environment"] for service in SERVICES.values()]
    return {key for environment in environments for key, value in environment.items() if value is None}


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_reaches_only_the_services_that_need_it(secret: str) -> None:
    """The value of the secret must occur in no part of another service: environment, command, health check or label."""
    marked = {**new_variables(), "AWS_SESSION_TOKEN": "token", secret: "SECRET-VALUE"}
    services = read_services(COMPOSE_FILE, marked)
    given = {name for name, service in services.items() if "SECRET-VALUE" in repr(service)}
    assert given == SECRETS[secret]
    named = {name for name, service in SERVICES.items() if re.search(rf"\b{secret}\b", repr(service))}
    assert named == SECRETS[secret]


def test_every_secret_of_the_example_is_assigned_to_services() -> None:
    assert set(REQUIRED) - {"DISTILL_ENVIRONMENT"} <= set(SECRETS)


def test_the_simulator_gets_no_setting_of_the_installation() -> None:
    assert SERVICES["aws-simulator"]["environment"] == {"PYTHONPATH": "/opt/airflow"}


def test_the_table_in_the_documentation_names_the_services_of_each_secret() -> None:
    page = (PROJECT_ROOT / "docs/how-to/run_on_compose.md").read_text()
    table = re.findall(r"^\| (`[A-Z].*?) \| (.*?) \|", page, re.MULTILINE)
    documented = {
        secret: set(re.findall(r"`([a-z-]+)`", services))
        for secrets, services in table
        for secret in re.findall(r"`([A-Z_]+)`", secrets)
    }
    assert documented == SECRETS


def test_the_installation_has_every_service_that_airflow_with_celery_needs() -> None:
    assert set(SERVICES) == {"postgres", "redis", *AIRFLOW, "aws-simulator"}


@every_service
def test_a_service_is_watched_restarted_and_without_privileges(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert len(service["healthcheck"]["test"]) > 1
    assert service["restart"].startswith(("unless-stopped", "on-failure:"))
    assert str(service["user"]).split(":")[0] not in ("root", "0")
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


@every_airflow_service
def test_an_airflow_service_shares_image_settings_and_logs_and_waits_for_what_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["image"] == "bedrock-distill"
    assert COMPOSE["x-airflow-environment"].items() <= service["environment"].items()
    assert service["environment"]["PYTHONPATH"] == "/opt/airflow"
    assert service["environment"]["AIRFLOW__CORE__LOAD_EXAMPLES"] == "false"
    assert service["volumes"] == ["logs:/opt/airflow/logs"]
    needs = {other: need["condition"] for other, need in service["depends_on"].items()}
    prepared = {} if name == "airflow-init" else {"airflow-init": "service_completed_successfully"}
    assert {"postgres": "service_healthy", "redis": "service_healthy", **prepared}.items() <= needs.items()


@every_service
def test_a_port_is_published_on_loopback_only(name: str) -> None:
    ports = SERVICES[name].get("ports", [])
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert bool(ports) == (name == "api-server")


@every_service
def test_no_secret_is_written_down_or_has_a_default(name: str) -> None:
    for key, value in SERVICES[name].get("environment", {}).items():
        if re.search(r"(KEY|SECRET|PASSWORD|_AUTH|_TOKEN|KEY_ID)$", key):
            assert value is None or re.fullmatch(r"\$\{[A-Z0-9_]+:\?[^}]+\}", value), key
        for credentials in re.findall(r"://([^@/]*)@", str(value)):
            assert re.fullmatch(r"(airflow)?:\$\{[A-Z0-9_]+:\?[^}]+\}", credentials), key


def test_every_variable_is_explained_and_no_other_name_is() -> None:
    documented = set(re.findall(r"^#?([A-Z0-9_]+)=", EXAMPLE, re.MULTILINE))
    used = set(USED.findall(COMPOSE_FILE.read_text())) | handed_on()
    assert documented - {"COMPOSE_PROFILES"} == used


def test_the_example_lists_every_secret_without_a_value() -> None:
    stated = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    assert stated == dict.fromkeys(REQUIRED, "")


@pytest.mark.parametrize("missing", REQUIRED)
def test_a_missing_secret_stops_the_start_with_a_message_that_names_it(missing: str) -> None:
    with pytest.raises(InputError, match=f"^{missing} is not set, see .env.example$"):
        read_services(COMPOSE_FILE, {**new_variables(), missing: ""})


def test_the_pools_that_use_cases_need_are_made_at_the_start() -> None:
    assert SERVICES["airflow-init"]["command"][-1].endswith(
        "python -m include.distill.pools > /tmp/pools.json && airflow pools import /tmp/pools.json"
    )


def test_the_worker_ends_after_its_tasks_and_keeps_results_in_postgres() -> None:
    worker = SERVICES["worker"]
    assert worker["environment"]["DUMB_INIT_SETSID"] == "0"
    assert worker["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert worker["environment"]["AIRFLOW__CELERY__RESULT_BACKEND"].startswith("db+postgresql+psycopg2://")
    assert worker["depends_on"]["api-server"]["condition"] == "service_healthy"
    assert "container_name" not in worker  # a fixed name could not be scaled


def test_the_simulator_runs_only_with_its_profile() -> None:
    assert SERVICES["aws-simulator"]["profiles"] == ["aws-simulator"]
    assert not any("profiles" in SERVICES[name] for name in ("postgres", "redis", *AIRFLOW))


def compose_command() -> list[str]:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            found = subprocess.run([*command, "version"], capture_output=True, check=False)
            if found.returncode == 0:
                return command
    pytest.skip("neither `docker compose` nor docker-compose is installed (Debian: apt-get install docker-compose)")


def run_compose(folder: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = compose_command()
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    arguments = ["--file", str(COMPOSE_FILE), "--env-file", str(folder / ".env"), "config"]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(
        [*command, *arguments], capture_output=True, text=True, check=False, cwd=folder, env=environment
    )


def test_compose_itself_reads_the_file_as_we_do(tmp_path: Path) -> None:
    variables = new_variables()
    done = run_compose(tmp_path, {**variables, "COMPOSE_PROFILES": "aws-simulator"})
    assert done.returncode == 0, done.stderr
    theirs = yaml.safe_load(done.stdout)["services"]
    ours = read_services(COMPOSE_FILE, variables)
    assert theirs.keys() == ours.keys()
    for name, service in ours.items():
        given = {key: str(value) for key, value in theirs[name]["environment"].items() if value is not None}
        assert given == service.environment
        written = [part.replace("$$", "$") for part in theirs[name].get("command", [])]
        assert written == list(service.command)


def test_compose_itself_refuses_a_missing_secret(tmp_path: Path) -> None:
    done = run_compose(tmp_path, {**new_variables(), "JWT_SECRET": ""})
    assert done.returncode != 0
    assert "JWT_SECRET is not set, see .env.example" in done.stderr


@every_airflow_service
def test_a_busy_host_has_time_to_import_a_dag(name: str) -> None:
    environment = SERVICES[name]["environment"]
    import_seconds = float(environment["AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT"])
    assert import_seconds >= 10 * 30  # Airflow's default
    assert float(environment["AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT"]) > import_seconds
