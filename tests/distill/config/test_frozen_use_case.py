from __future__ import annotations

from typing import Any

import pytest
import yaml

from include.distill.config.frozen_use_case import dump_use_case, load_frozen, restore_use_case
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NewerFormatError, UseCaseError
from include.distill.core.formats import FORMAT, Mark
from include.distill.core.version import VERSION
from tests.fakes.variables import VARIABLES

URI = "s3://bucket/distill/runs/aws_docs_qa/run/use_case.yaml"


@pytest.fixture(scope="module")
def use_case() -> UseCase:
    return load_use_case(USE_CASES_FOLDER / "aws_docs_qa.yaml", environment=VARIABLES)


def changed(use_case: UseCase, **keys: Any) -> bytes:
    return yaml.safe_dump({**yaml.safe_load(dump_use_case(use_case)), **keys}).encode()


def test_a_frozen_use_case_is_restored_and_names_the_version_that_froze_it(use_case: UseCase) -> None:
    body = dump_use_case(use_case)
    assert restore_use_case(body, URI) == use_case
    mark, raw = load_frozen(body, URI)
    assert mark == Mark(FORMAT, VERSION)
    assert raw == use_case.model_dump(mode="json")


def test_a_use_case_that_an_earlier_version_froze_gets_defaults_for_new_settings(use_case: UseCase) -> None:
    raw = use_case.model_dump(mode="json")
    del raw["environment"], raw["estimate"], raw["serving"]["expires_after_hours"]
    restored = restore_use_case(yaml.safe_dump(raw).encode(), URI)
    assert restored.environment == "test"
    assert restored == use_case


def test_a_newer_frozen_use_case_is_refused_before_its_keys_are_checked(use_case: UseCase) -> None:
    body = changed(use_case, format=FORMAT + 1, version="0.9.0", unknown_setting=1)
    with pytest.raises(NewerFormatError, match=rf"version 0\.9\.0 \(format {FORMAT + 1}\); this is version {VERSION}"):
        restore_use_case(body, URI)


@pytest.mark.parametrize(
    ("keys", "who"),
    [
        ({"version": "0.2.7", "new_setting": 1}, r"version 0\.2\.7 \(format 2\)"),
        ({"format": 1, "version": None, "max_spend_usd": -1}, r"a version before 0\.2\.0 \(format 1\)"),
    ],
)
def test_an_invalid_use_case_of_another_version_names_both_versions_and_the_way_out(
    use_case: UseCase, keys: dict[str, Any], who: str
) -> None:
    with pytest.raises(UseCaseError, match=rf"frozen by {who}; this is version {VERSION}.*clear `preflight`"):
        restore_use_case(changed(use_case, **keys), URI)


def test_an_invalid_use_case_of_this_version_does_not_blame_a_version(use_case: UseCase) -> None:
    with pytest.raises(UseCaseError, match="max_spend_usd") as error:
        restore_use_case(changed(use_case, max_spend_usd=-1), URI)
    assert "frozen by" not in str(error.value)
