from __future__ import annotations

import socket
from pathlib import Path

import pytest

from include.distill.core.paths import PROJECT_ROOT
from tools.compose.compose_file import read_services
from tools.compose.stack import CONTAINER_PORTS
from tools.compose.translation import Translation, free_ports
from tools.compose.variables import new_variables

EVERY_INTERFACE = "0.0.0.0"  # noqa: S104 looked for
TRANSLATION = Translation(
    hosts=("redis", "api-server"),
    ports={"6379": 41001, "8080": 41002},
    folders={"/opt/airflow": Path("/opt/airflow/clone"), "/opt/airflow/logs": Path("/state/logs")},
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("redis://:p@redis:6379/0", "redis://:p@127.0.0.1:41001/0", id="service"),
        pytest.param("http://localhost:8080/x", "http://127.0.0.1:41002/x", id="localhost"),
        pytest.param("http://api-server:8080", "http://127.0.0.1:41002", id="name with a hyphen"),
        pytest.param("http://my-redis:6379", "http://my-redis:6379", id="another host with the same ending"),
        pytest.param("http://redis:63790", "http://redis:63790", id="another port with the same beginning"),
        pytest.param(EVERY_INTERFACE, "127.0.0.1", id="every interface becomes loopback"),
        pytest.param("/opt/airflow/logs/a", "/state/logs/a", id="the longest folder wins"),
        pytest.param("/opt/airflow/include", "/opt/airflow/clone/include", id="a folder is replaced once"),
        pytest.param("/opt/airflow-old", "/opt/airflow-old", id="another folder with the same beginning"),
        pytest.param("6379", "6379", id="a number is not a port"),
    ],
)
def test_only_addresses_and_folders_are_translated(text: str, expected: str) -> None:
    assert TRANSLATION.of_text(text) == expected


def test_a_port_without_a_host_is_recognized_only_where_the_option_or_setting_says_port() -> None:
    assert TRANSLATION.of_command(["serve", "--port", "8080", "8080"]) == ["serve", "--port", "41002", "8080"]
    assert TRANSLATION.of_environment({"API__PORT": "8080", "LIMIT": "8080"}) == {"API__PORT": "41002", "LIMIT": "8080"}


def test_no_address_or_path_of_a_container_is_left_in_commands_and_settings() -> None:
    services = read_services(PROJECT_ROOT / "docker-compose.yaml", new_variables())
    folders = {name: Path("/state") for name in ("/opt/airflow", "/opt/airflow/logs")}
    translation = Translation(tuple(services), dict.fromkeys(CONTAINER_PORTS, 41000), folders)
    for service in services.values():
        settings = translation.of_environment(service.environment)
        texts = [*translation.of_command(service.command), *translation.of_command(service.health_check)]
        for text in [*texts, *(value for name, value in settings.items() if not name.startswith("POSTGRES_"))]:
            assert not any(f":{port}" in text or text == port for port in CONTAINER_PORTS), text
            assert "/opt/airflow" not in text
            assert EVERY_INTERFACE not in text


def test_free_ports_are_free_and_differ() -> None:
    ports = free_ports(CONTAINER_PORTS)
    assert len(set(ports.values())) == len(CONTAINER_PORTS)
    for port in ports.values():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
