"""What is computed once does not change what the tasks do."""

from __future__ import annotations

from bedrock_distill.hooks.aws import AwsClients
from tools.simulate.computed_once import computed_once
from tools.simulate.world import World


def test_hooks_share_clients_only_if_their_settings_are_the_same() -> None:
    with computed_once():
        one, same, other = AwsClients("a", "us-east-1"), AwsClients("a", "us-east-1"), AwsClients("a", "us-west-2")
        assert one._clients is same._clients
        assert one._clients is not other._clients
    assert AwsClients("a", "us-east-1")._clients is not one._clients


def test_a_request_with_a_constant_signature_is_accepted(world: World) -> None:
    assert world.run(()).ended == ["success"]
