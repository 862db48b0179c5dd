"""The command ``python -m tools.aws_simulator``, in a process of its own, and when it cannot serve."""

from __future__ import annotations

import datetime
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.aws_simulator import RunningSimulator, start_simulator
from tests.fakes.simulator_process import cpu_seconds, exit_code, port_in, simulator_process, wait_for
from tests.tools.aws_simulator.builders import refused
from tools.aws_simulator.__main__ import _parser, main
from tools.aws_simulator.server.server import bind
from tools.local_airflow.settings import BEDROCK_OPENED


def test_a_second_process_on_the_same_state_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with start_simulator(tmp_path):
        assert main(["--state", str(tmp_path)]) == 2
    assert "Another AWS simulator uses" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "::"])  # noqa: S104 - these are refused
def test_only_loopback_is_served(tmp_path: Path, capsys: pytest.CaptureFixture[str], host: str) -> None:
    assert main(["--host", host, "--state", str(tmp_path / "state")]) == 2
    assert "not a loopback address" in capsys.readouterr().err
    assert not (tmp_path / "state").exists()


def test_a_port_in_use_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        assert main(["--port", str(taken.getsockname()[1]), "--state", str(tmp_path / "state")]) == 2
    assert "Cannot listen on 127.0.0.1" in capsys.readouterr().err


def test_the_command_serves_with_its_options_until_it_is_asked_to_stop(tmp_path: Path) -> None:
    with bind("127.0.0.1", 0) as probe:
        port = str(probe.getsockname()[1])
    port_file, state = tmp_path / "port", tmp_path / "state"
    options = ["--port", port, "--state", str(state), "--port-file", str(port_file), "--job-seconds", "0.5"]
    with simulator_process([*options, "--as-of", "2026-03-01"]) as process:
        assert wait_for(process, lambda: port_in(port_file)) == port
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_admin/health", timeout=60) as answer:
            assert answer.status == 200
        simulator = RunningSimulator(f"http://127.0.0.1:{port}")
        settings = simulator.admin("GET", "settings")
        assert (settings["job_seconds"], settings["as_of"]) == (0.5, "2026-03-01")
        assert simulator.boto("bedrock").list_custom_models()["modelSummaries"] == []
        process.send_signal(signal.SIGTERM)
        assert exit_code(process) == 0
    assert (state / "bedrock.sqlite").exists()


TEMPLATE = """
Parameters: {Action: {Type: String}}
Resources:
  Policy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      ManagedPolicyName: runs
      Roles: [runner]
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Action: !Ref Action, Resource: "*"}]
"""


def test_the_command_authorises_callers_with_the_policies_of_a_stack(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    stack, port_file = tmp_path / "stack.yaml", tmp_path / "port"
    stack.write_text("template-file-path: template.yaml\nparameters: {Action: bedrock:ListCustomModels}\n")
    options = ["--state", str(tmp_path / "state"), "--port-file", str(port_file), "--policies", str(stack)]
    with simulator_process([*options, "--caller", "run-key=runner", "--caller", "owner-key=root"]) as process:
        simulator = RunningSimulator(f"http://127.0.0.1:{wait_for(process, lambda: port_in(port_file))}")
        caller, owner = (simulator.boto("bedrock", access_key=key) for key in ("run-key", "owner-key"))
        assert caller.list_custom_models()["modelSummaries"] == []
        with refused("AccessDeniedException", "assumed-role/runner/run-key is not authorized to perform: bedrock:Li"):
            caller.list_evaluation_jobs()
        assert owner.list_evaluation_jobs()["jobSummaries"] == []
        with refused("UnrecognizedClientException"):
            simulator.boto("bedrock").list_custom_models()


def test_a_template_that_cannot_be_loaded_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("Resources: {Queue: {Type: AWS::SQS::Queue}}")
    assert main(["--state", str(tmp_path / "state"), "--policies", str(template)]) == 2
    text = capsys.readouterr().err
    assert f"{template}" in text and "AWS::SQS::Queue" in text and "Nothing was started" in text  # noqa: PT018


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        pytest.param([], "--state", id="no state folder"),
        pytest.param(["--state", "s", "--as-of", "tomorrow"], "--as-of", id="no date"),
        pytest.param(["--state", "s", "--job-seconds", "long"], "--job-seconds", id="no number"),
        pytest.param(["--state", ""], "The name of the folder is empty", id="empty state folder"),
        pytest.param(["--state", "s", "--port", "70000"], "expected a number from 0 to 65535", id="large port"),
        pytest.param(["--state", "s", "--port", "-1"], "expected a number from 0 to 65535", id="negative port"),
        pytest.param(["--state", "s", "--role", "junk"], "is not the ARN of a role of the account", id="no role"),
        pytest.param(
            ["--state", "s", "--caller", "key"], "'key' names no role. The form is KEY=ROLE", id="no role of a key"
        ),
        pytest.param(["--state", "s", "--policies", "."], "'.' is a folder", id="a folder of policies"),
        pytest.param(["--state", "s", "--caller", "kk=a", "--caller", "kk=b"], "'kk' is given twice", id="key twice"),
        pytest.param(["--state", "s", "--caller", "k y=r"], "is not an access key", id="no key"),
        pytest.param(["--state", "s", "--policies", "none.yaml"], "does not exist", id="no file"),
        pytest.param(["--state", "s", "--port-file", "/no/such/folder/port"], "cannot be written", id="no folder"),
    ],
)
def test_a_wrong_option_is_named(options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(options)
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("day", ["2019-01-01", "2023-09-27", "2099-01-01", "tomorrow", "20250212", "2025-02-30"])
def test_a_day_without_bedrock_or_in_the_future_is_refused(day: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--state", "s", "--as-of", day])
    text = f"{day!r} must be a day from {BEDROCK_OPENED} to today, such as 2025-02-12. Nothing was started."
    assert text in " ".join(capsys.readouterr().err.split())


def test_the_first_and_the_last_day_are_accepted() -> None:
    for day in (BEDROCK_OPENED, datetime.datetime.now(datetime.UTC).date()):
        assert _parser().parse_args(["--state", "s", "--as-of", day.isoformat()]).as_of == day


def test_a_setting_out_of_range_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--state", str(tmp_path / "state"), "--job-seconds", "-1"]) == 2
    assert "job_seconds" in capsys.readouterr().err
    assert not (tmp_path / "state").exists()


def damage_object(state: Path) -> None:
    next((state / "s3" / "data" / "objects").iterdir()).write_bytes(b"damaged")


def damage_bucket(state: Path) -> None:
    (state / "s3" / "data" / "bucket.json").write_text("[]")


def damage_database(state: Path) -> None:
    for path in state.glob("bedrock.sqlite*"):
        path.write_bytes(b"damaged" * 1000)


@pytest.mark.parametrize("damage", [damage_object, damage_bucket, damage_database])
def test_a_damaged_state_is_reported_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None]
) -> None:
    with start_simulator(tmp_path) as simulator:
        simulator.boto("s3").create_bucket(Bucket="data")
        simulator.boto("s3").put_object(Bucket="data", Key="k", Body=b"1")
    damage(tmp_path)
    assert main(["--state", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert (error.count("\n"), "Nothing was started" in error, str(tmp_path) in error) == (1, True, True)


def test_a_file_is_no_state_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["--state", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with start_simulator(tmp_path / "state") as simulator:  # the failed start left nothing open in the process
        assert simulator.boto("s3").list_buckets()["Buckets"] == []


START_RATIO = 6.0  # measured: 2.9 to 3.8


def test_a_start_needs_little_more_cpu_time_than_the_imports_of_moto(tmp_path: Path) -> None:
    """On an idle machine of 2026, these imports take 0.3 seconds, so a start stays far below three seconds."""
    code = "import os, boto3, moto; times = os.times(); print(times.user + times.system)"
    imports = float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    port_file = tmp_path / "port"
    with simulator_process(["--state", str(tmp_path / "state"), "--port-file", str(port_file)]) as process:
        wait_for(process, lambda: port_in(port_file))
        assert cpu_seconds(process) <= START_RATIO * imports
