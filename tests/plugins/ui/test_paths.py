from __future__ import annotations

import pytest

from bedrock_distill.ui.paths import ui_path


@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        pytest.param("http://airflow.example.com", "/distill/", id="root of its host"),
        pytest.param("http://airflow.example.com:8080/", "/distill/", id="root with a slash"),
        pytest.param("https://example.com/team/airflow", "/team/airflow/distill/", id="below a path"),
        pytest.param("https://example.com/team/airflow/", "/team/airflow/distill/", id="below a path with a slash"),
        pytest.param("/", "/distill/", id="no host"),
    ],
)
def test_a_page_is_below_the_root_of_airflows_ui(monkeypatch: pytest.MonkeyPatch, base_url: str, path: str) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    assert ui_path("distill/") == path
