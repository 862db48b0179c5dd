from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from include.distill.config.loader import load_use_cases
from tests.fakes.aws_simulator import start_simulator
from tools.chaos.account import Account, paid_again, purchases
from tools.chaos.control import Metadata
from tools.chaos.material import TRAINING_ROWS, write_use_case
from tools.chaos.runner import line, verdict, write_result
from tools.chaos.trial import Row

ROW = Row("a / b", 1, 1, 1, 1, 0, 0, 0, ok=True, state="success", expected_state="success")
CONTRACT = {
    "name",
    "jobs",
    "throughputs",
    "expected_jobs",
    "expected_throughputs",
    "alive_at_end",
    "repaid",
    "in_flight",
    "ok",
}


def test_only_what_a_case_bought_is_counted_for_it() -> None:
    ledger = {
        "jobs": [{"name": "c01-tuned-a"}, {"name": "c011-tuned-a"}],
        "batch_jobs": [{"name": "c01-synthesize-a"}, {"name": "c011-synthesize-a"}],
        "throughputs": [{"name": "c01-tuned-r-s1", "alive": True}, {"name": "c02-tuned-r-s1", "alive": True}],
    }
    bought = purchases(ledger, "c01-tuned-")
    assert (len(bought["jobs"]), len(bought["throughputs"]), bought["alive"]) == (1, 1, 1)
    assert [job["name"] for job in purchases(ledger, "c01-synthesize-")["jobs"]] == ["c01-synthesize-a"]


def test_the_first_call_on_a_document_is_no_second_payment() -> None:
    key = hashlib.sha256(b"mine").hexdigest()[:16]
    assert paid_again({"by_document": {key: 1}}, ["mine"]) == 0
    assert paid_again({"by_document": {key: 3, "other": 9}}, ["mine"]) == 2


def test_every_case_has_data_and_a_use_case_of_its_own(tmp_path: Path) -> None:
    documents = [write_use_case(tmp_path, name, {"serving": {"timeout_minutes": 0.1}}) for name in ("c01", "c02")]
    assert not set(documents[0]) & set(documents[1])
    found = load_use_cases(tmp_path)
    assert (found.problems, [use_case.name for use_case in found.valid]) == ((), ["c01", "c02"])
    assert found.valid[0].serving.timeout_minutes == pytest.approx(0.1)
    rows = [(tmp_path / f"{name}-train.csv").read_text().splitlines() for name in ("c01", "c02")]
    assert len(rows[0]) == TRAINING_ROWS + 1
    assert rows[0][1:] != rows[1][1:]


def test_the_result_file_keeps_the_contract(tmp_path: Path) -> None:
    write_result(tmp_path / "chaos.json", [ROW], seed=1)
    (case,) = json.loads((tmp_path / "chaos.json").read_text())["cases"]
    assert case.keys() >= CONTRACT


def test_a_breach_is_seen_in_its_line_and_in_the_verdict() -> None:
    breach = Row("c / d", 2, 1, 1, 1, 1, 0, 0, ok=False, state="success", expected_state="failed", note="bought twice")
    assert line(ROW).startswith("ok")
    assert line(breach).startswith("FAIL")
    assert "bought twice" in line(breach)
    assert "breaches: c / d" in verdict([ROW, breach], 0)
    assert "no breach" in verdict([ROW], 0)


def test_a_run_is_settled_when_it_has_ended_and_nothing_of_it_is_under_way(tmp_path: Path) -> None:
    database = tmp_path / "airflow.db"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE dag_run (dag_id, run_id, state)")
        connection.execute("CREATE TABLE task_instance (dag_id, run_id, task_id, map_index, state, pid, try_number)")
        connection.execute("INSERT INTO dag_run VALUES ('d', 'r', 'failed')")
        connection.execute("INSERT INTO task_instance VALUES ('d', 'r', 'release', -1, 'running', 7, 1)")
    metadata = Metadata(database)
    assert metadata.settled("d", "r") is None
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE task_instance SET state = 'success'")
    assert metadata.settled("d", "r") == "failed"
    assert Metadata(tmp_path / "gone.db").settled("d", "r") is None


def test_a_fault_is_counted_for_its_case_alone(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator:
        account = Account(simulator.url)
        account.settle(model_units=2)
        account.fail(operation="CreateProvisionedModelThroughput", kind="throttle", match="c01-", times=1)
        account.buy_foreign_throughput("c02-mine")
        assert account.fired("c01-", "CreateProvisionedModelThroughput") == 0
        with pytest.raises(OSError, match="429"):
            account.buy_foreign_throughput("c01-mine")
        assert account.fired("c01-", "CreateProvisionedModelThroughput") == 1
        account.delete_throughput("c02-mine")
        assert account.ledger()["throughputs_alive"] == 0


def test_an_object_is_read_as_it_was_written(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator:
        account = Account(simulator.url)
        account.create_bucket("a-bucket")
        account.write_object("s3://a-bucket/folder/key.json", b"{}")
        assert account.read_object("s3://a-bucket/folder/key.json") == b"{}"
