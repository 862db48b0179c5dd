"""A champion is served, replaced and restored with the policy for promotions alone, and not with those of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bedrock_distill.lifecycle.settling import Settling
from bedrock_distill.lifecycle.standing import StandingSite, switched_arn
from include.distill.core.errors import RefusedError
from include.distill.evaluation.champion import write_champion
from include.distill.evaluation.records import StandingKind
from tests.contract.test_standing_endpoint import HOLDER, begin, record
from tests.fakes.patience import wait_until
from tests.plugins.conftest import make_champion
from tests.policies.installation import Installation, shared_account
from tests.tools.aws_simulator import builders


@pytest.fixture
def prod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    with shared_account(tmp_path / "state", "prod") as aws:
        yield Installation(aws, monkeypatch, tmp_path / "prod", name="prod", use_case="aws_docs_qa", bucket="shared")


def site_of(prod: Installation, role: str) -> StandingSite:
    return StandingSite(prod.hook(role), prod.store(role), prod.use_case, prod.root)


def trained(prod: Installation, arm: str, part: str) -> str:
    return str(builders.finished_job(prod.aws, prod.train(arm, part))["outputModelArn"])


@pytest.mark.parametrize("kind", ["on_demand", "provisioned"])
def test_the_policy_for_promotions_is_enough_for_the_life_of_a_standing_endpoint(
    prod: Installation, kind: StandingKind
) -> None:
    old, new = trained(prod, "tuned", "ab"), trained(prod, "another", "cd")
    site = site_of(prod, "promotion")
    first = begin(site, kind, old)
    wait_until(lambda: switched_arn(site, first))
    record(site, first)
    second = begin(site, kind, new)
    assert (second["created"], second["arn"]) == (False, first["arn"])
    wait_until(lambda: switched_arn(site, second))
    settling = Settling(site, HOLDER, is_live=lambda *_: False)
    assert settling.run()["action"] == "restored"
    assert settling.run()["action"] == "none"


def test_a_run_may_neither_write_the_champion_nor_change_its_endpoint(prod: Installation) -> None:
    model, another = trained(prod, "tuned", "ab"), trained(prod, "another", "cd")
    site = site_of(prod, "promotion")
    first = begin(site, "on_demand", model)
    wait_until(lambda: switched_arn(site, first))
    record(site, first)
    theirs = site_of(prod, "run")
    with pytest.raises(RefusedError, match="not authorized to perform: s3:PutObject"):
        write_champion(theirs.store, theirs.champion_uri, make_champion(model_arn=model), None)
    with pytest.raises(RefusedError, match="not authorized to perform: s3:PutObject"):
        begin(theirs, "on_demand", another)
    for change in (
        lambda: prod.hook("run").update_deployment(first["arn"], another),
        lambda: prod.hook("run").delete_deployment(first["arn"]),
        lambda: prod.hook("run").delete_custom_model(another),
    ):
        with pytest.raises(RefusedError, match="not authorized to perform: bedrock:"):
            change()
