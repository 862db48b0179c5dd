"""A run cannot delete the standing endpoint of a use case, whatever tags it asks for."""

from __future__ import annotations

import pytest

from bedrock_distill.hooks.aws import tag_list
from include.distill.cleanup.ownership import ROLE_TAG, STANDING_ROLE
from include.distill.core.errors import RefusedError
from tests.policies.policed_account import PROMOTION, RUN, TAGS, PolicedAccount
from tests.tools.aws_simulator import builders

STANDING = {**TAGS, ROLE_TAG: STANDING_ROLE}


def test_a_run_can_neither_delete_a_standing_endpoint_nor_make_it_one_of_its_own(account: PolicedAccount) -> None:
    endpoint = builders.deploy(account.simulator, account.model, tags=tag_list(STANDING))
    run = account.hook(RUN)
    for change in ({ROLE_TAG: "run"}, {**TAGS, ROLE_TAG: "run"}, {**TAGS, ROLE_TAG: ""}):
        with pytest.raises(RefusedError, match="not authorized to perform: bedrock:TagResource"):
            run.tag(endpoint, change)
    with pytest.raises(RefusedError, match="not authorized to perform: bedrock:UntagResource"):
        run.call("bedrock", "untag_resource", resourceARN=endpoint, tagKeys=[ROLE_TAG])
    with pytest.raises(RefusedError, match="not authorized to perform: bedrock:DeleteCustomModelDeployment"):
        run.delete_deployment(endpoint)
    tags = account.bedrock.list_tags_for_resource(resourceARN=endpoint)["tags"]
    assert {tag["key"]: tag["value"] for tag in tags} == STANDING
    account.hook(PROMOTION).delete_deployment(endpoint)
