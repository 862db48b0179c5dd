"""The local stack moves the state of earlier versions before its processes start, and each day has an account."""

from __future__ import annotations

import datetime
from pathlib import Path

from tools.local_airflow.ports import Ports
from tools.local_airflow.settings import Layout
from tools.local_airflow.stack import move_earlier_state, simulator_component

DAY = datetime.date(2025, 2, 12)


def test_the_state_of_an_earlier_version_is_moved_with_its_content(tmp_path: Path) -> None:
    layout = Layout(state=tmp_path)
    (tmp_path / "stand_in" / "s3").mkdir(parents=True)
    (tmp_path / "stand_in" / "s3" / "answer.json").write_text("paid")
    move_earlier_state(layout)
    assert (layout.aws_simulator / "s3" / "answer.json").read_text() == "paid"
    assert not (tmp_path / "stand_in").exists()
    assert layout.aws_simulator == tmp_path / "aws_simulator"


def test_state_under_the_current_name_is_never_replaced(tmp_path: Path) -> None:
    layout = Layout(state=tmp_path)
    for folder in ("stand_in", "aws_simulator"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "account").write_text(folder)
    move_earlier_state(layout)
    assert (layout.aws_simulator / "account").read_text() == "aws_simulator"
    assert (tmp_path / "stand_in" / "account").read_text() == "stand_in"


def test_a_new_checkout_has_nothing_to_move(tmp_path: Path) -> None:
    move_earlier_state(Layout(state=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_account_of_another_day_never_takes_over_the_state_of_an_earlier_version(tmp_path: Path) -> None:
    (tmp_path / "stand_in").mkdir()
    move_earlier_state(Layout(state=tmp_path, as_of=DAY))
    assert [path.name for path in tmp_path.iterdir()] == ["stand_in"]


def test_the_simulator_gets_the_day_of_its_account(tmp_path: Path) -> None:
    today = simulator_component(Layout(state=tmp_path), Ports(1, 2)).command
    past = simulator_component(Layout(state=tmp_path, as_of=DAY), Ports(1, 2)).command
    assert "--as-of" not in today
    assert past[-2:] == ["--as-of", "2025-02-12"]
    assert past[past.index("--state") + 1] == str(tmp_path / "aws_simulator-as-of-2025-02-12")
