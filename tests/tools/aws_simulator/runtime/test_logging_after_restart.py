from __future__ import annotations

from pathlib import Path

from tests.fakes.aws_simulator import start_simulator
from tests.tools.aws_simulator.runtime.test_logging_configuration import configure, log_bucket, shown


def test_the_configuration_survives_a_restart(tmp_path: Path) -> None:
    with start_simulator(tmp_path) as simulator:
        configuration = {"s3Config": {"bucketName": log_bucket(simulator)}, "imageDataDeliveryEnabled": True}
        configure(simulator, **configuration)
    with start_simulator(tmp_path) as simulator:
        assert shown(simulator) == configuration
