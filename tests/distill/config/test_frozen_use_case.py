from __future__ import annotations

from typing import Any

import pytest
import yaml

from include.distill.config import use_case as use_case_module
from include.distill.config.catalog import load_catalog
from include.distill.config.frozen_use_case import dump_use_case, load_frozen, restore_use_case
from include.distill.config.loader import USE_CASES_FOLDER, load_use_case
from include.distill.config.notifications import Notify
from include.distill.config.prompt_loader import load_prompts
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NewerFormatError, UseCaseError
from include.distill.core.formats import FORMAT, Mark
from include.distill.core.version import VERSION
from include.distill.cost.token_counts import prompt_probes
from tests.distill.conftest import make_row
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
    assert {key: value for key, value in raw.items() if key != "models"} == use_case.model_dump(
        mode="json", exclude={"notify", "ready_by"}
    )
    assert raw["models"].keys() == set(use_case.models)


def test_a_use_case_that_an_earlier_version_froze_gets_defaults_for_new_settings(use_case: UseCase) -> None:
    raw = use_case.model_dump(mode="json")
    del raw["environment"], raw["estimate"], raw["serving"]["expires_after_hours"]
    restored = restore_use_case(yaml.safe_dump(raw).encode(), URI)
    assert restored.environment == "test"
    assert restored == use_case


def test_a_newer_frozen_use_case_is_refused_before_its_keys_are_checked(use_case: UseCase) -> None:
    body = changed(use_case, format=FORMAT + 1, version="0.9.0", unknown_setting=1)
    with pytest.raises(NewerFormatError, match=rf"version 0\.9\.0 \(format {FORMAT + 1}\), but .* version {VERSION}"):
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
    with pytest.raises(
        UseCaseError, match=rf"frozen by {who}, but this installation runs version {VERSION}.*clear preflight with"
    ):
        restore_use_case(changed(use_case, **keys), URI)


def test_an_invalid_use_case_of_this_version_does_not_blame_a_version(use_case: UseCase) -> None:
    with pytest.raises(UseCaseError, match="max_spend_usd") as error:
        restore_use_case(changed(use_case, max_spend_usd=-1), URI)
    assert "frozen by" not in str(error.value)


def schema_of_teacher(use_case: UseCase, teacher: str) -> bool:
    model = use_case.catalog_model(teacher)
    return model.json_schema and model.teacher_json_schema


class TestRequestForm:
    """A run in progress keeps the form of its requests although the catalog of a new version differs."""

    @pytest.fixture
    def newer_catalog(self, monkeypatch: pytest.MonkeyPatch) -> None:
        present = load_catalog()
        models = {
            key: model.model_copy(
                update={
                    "json_schema": not model.json_schema,
                    "teacher_json_schema": not model.teacher_json_schema,
                    "temperature": not model.temperature,
                    "inference_id": f"eu.{model.inference_id}",
                }
            )
            for key, model in present.models.items()
        }
        newer = present.model_copy(update={"models": models})
        monkeypatch.setattr(use_case_module, "load_catalog", lambda: newer)

    def test_the_keys_of_all_requests_stay_the_same(self, use_case: UseCase, request: pytest.FixtureRequest) -> None:
        def keys(run: UseCase) -> dict[str, str]:
            return {probe.step: probe.request(make_row(1)).key for probe in prompt_probes(run, prompts)}

        body, prompts = dump_use_case(use_case), load_prompts(use_case.prompts, None)[1]
        before = keys(use_case)
        request.getfixturevalue("newer_catalog")
        assert keys(restore_use_case(body, URI)) == before
        assert not set(keys(use_case).values()) & set(before.values())

    @pytest.mark.parametrize("teacher", ["claude-sonnet-5-5", "claude-haiku-4-5", "nova-pro", "llama-3-3-70b"])
    def test_a_run_of_format_1_sends_no_schema_to_its_teacher(self, use_case: UseCase, teacher: str) -> None:
        raw = use_case.model_copy(update={"teacher": teacher}).model_dump(mode="json")
        restored = restore_use_case(yaml.safe_dump(raw).encode(), URI)
        assert not schema_of_teacher(restored, teacher)
        assert restored.catalog_model("claude-haiku-4-5").json_schema

    def test_a_frozen_form_that_this_version_cannot_send_is_refused(self, use_case: UseCase) -> None:
        raw = yaml.safe_load(dump_use_case(use_case))
        raw["models"][use_case.teacher]["api"] = "an_api_of_a_later_version"
        body = changed(use_case, version="0.2.5", models=raw["models"])
        with pytest.raises(
            UseCaseError,
            match=r"models\.claude-sonnet-5-5: this version does not know .*frozen by version 0\.2\.5",
        ):
            restore_use_case(body, URI)

    @pytest.mark.parametrize("models", [None, [], {}, {"claude-sonnet-5-5": None}, {"another-model": {}}])
    def test_without_a_frozen_form_the_present_catalog_is_used(self, use_case: UseCase, models: Any) -> None:
        assert restore_use_case(changed(use_case, models=models), URI) == use_case


def test_a_run_that_a_version_without_the_section_approval_started_asks_nothing(use_case: UseCase) -> None:
    raw = use_case.model_dump(mode="json")
    del raw["approval"]
    assert not restore_use_case(yaml.safe_dump(raw).encode(), URI).approval.may_ask
    assert restore_use_case(dump_use_case(use_case), URI).approval.may_ask


def test_a_run_keeps_no_copy_of_what_notifiers_get(use_case: UseCase) -> None:
    notify = (Notify.model_validate({"on": "all", "notifier": {"import_path": "a.B", "arguments": {"key": "s3cret"}}}),)
    body = dump_use_case(use_case.model_copy(update={"notify": notify, "ready_by": "06:00"}))
    assert b"s3cret" not in body
    restored = restore_use_case(body, URI)
    assert (restored.notify, restored.ready_by) == ((), None)
