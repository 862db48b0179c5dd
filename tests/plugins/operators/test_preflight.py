from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bedrock_distill.operators.ingest import IngestCsvOperator
from bedrock_distill.operators.preflight import BedrockPreflightOperator
from bedrock_distill.params.distill import trigger_params
from include.distill.config.frozen_use_case import load_frozen
from include.distill.config.root_owner import claim_root, read_owner
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError, NotFoundError, RefusedError, UseCaseError
from include.distill.core.storage import read_json, write_json
from include.distill.core.version import VERSION
from tests.fakes.fake_bedrock import FakeBedrock, missing
from tests.fakes.memory_store import MemoryStore
from tests.plugins.conftest import FOLDER, RUN_URI

CLAUDE_3 = "anthropic.claude-3-sonnet-20240229-v1:0"


@pytest.fixture
def preflight(equip: Any, bedrock: FakeBedrock, use_case: UseCase, tmp_path: Path) -> Any:
    """Return a function that makes the task for a use-case file with changed sections."""
    bedrock.refuse[CLAUDE_3] = missing(CLAUDE_3)  # Bedrock does not know models after their end of life

    def make(**changes: Any) -> Any:
        raw = {**use_case.model_dump(mode="json", exclude={"environment"}), **changes}
        (tmp_path / "aws_docs_qa.yaml").write_text(yaml.safe_dump(raw))
        return equip(
            BedrockPreflightOperator(
                task_id="preflight", run_uri=RUN_URI, use_case_name="aws_docs_qa", use_cases=tmp_path
            )
        )

    return make


def section(use_case: UseCase, name: str, **changes: Any) -> dict[str, Any]:
    return {name: {**use_case.model_dump(mode="json")[name], **changes}}


def frozen(store: MemoryStore) -> Any:
    raw = load_frozen(store.read(FOLDER.use_case), FOLDER.use_case)[1]
    return {key: value for key, value in raw.items() if key != "models"}


class TestRoots:
    """Two environments in one account must not share answers, champions, splits and runs."""

    ROOTS = ("s3://bedrock-distill-training/distill", "s3://bedrock-distill-output/distill")

    def test_preflight_makes_the_environment_the_owner_of_both_roots_before_anything_else_is_stored(
        self, preflight: Any, store: MemoryStore, context: Any
    ) -> None:
        store.writes.clear()
        preflight().execute(context)
        assert store.writes[:2] == [f"{root}/environment.json" for root in self.ROOTS]
        assert [read_owner(store, root) for root in self.ROOTS] == ["test", "test"]

    def test_one_root_in_one_bucket_is_claimed_once(
        self, preflight: Any, store: MemoryStore, use_case: UseCase, context: Any
    ) -> None:
        store.writes.clear()
        preflight(**section(use_case, "storage", output_bucket="bedrock-distill-training")).execute(context)
        assert store.writes.count(f"{self.ROOTS[0]}/environment.json") == 1

    @pytest.mark.parametrize("root", ROOTS)
    def test_a_root_of_another_environment_is_refused_and_nothing_is_stored(
        self, preflight: Any, store: MemoryStore, context: Any, root: str
    ) -> None:
        claim_root(store, root, "prod")
        before = dict(store.objects)
        expected = rf"(?s){root} belongs to environment prod .*this is environment test\. Set.*Nothing was bought"
        with pytest.raises(InputError, match=expected):
            preflight().execute(context)
        assert store.objects == before

    def test_another_prefix_in_the_same_buckets_is_accepted(
        self, preflight: Any, store: MemoryStore, use_case: UseCase, context: Any
    ) -> None:
        for root in self.ROOTS:
            claim_root(store, root, "prod")
        task = preflight(**section(use_case, "storage", prefix="distill-test"))
        task.run_uri = RUN_URI.replace("/distill/", "/distill-test/")
        task.execute(context)
        assert read_owner(store, self.ROOTS[0]) == "prod"

    def test_an_unreadable_owner_is_reported_with_the_other_problems(
        self, preflight: Any, store: MemoryStore, context: Any
    ) -> None:
        store.write(f"{self.ROOTS[0]}/environment.json", b"{")
        with pytest.raises(InputError, match=r"(?s)environment\.json does not name.*Bedrock retired model"):
            preflight(teacher="claude-3-sonnet").execute(context)

    def test_a_use_case_with_other_problems_claims_no_root(
        self, preflight: Any, store: MemoryStore, context: Any
    ) -> None:
        with pytest.raises(InputError):
            preflight(teacher="claude-3-sonnet").execute(context)
        assert [read_owner(store, root) for root in self.ROOTS] == [None, None]


class TestOwner:
    def test_the_folder_is_claimed_before_anything_else_is_stored(
        self, preflight: Any, store: MemoryStore, context: Any
    ) -> None:
        store.writes.clear()
        preflight().execute(context)
        assert store.writes[2] == FOLDER.run_record  # after the owners of both roots
        record = json.loads(store.read(FOLDER.run_record))
        assert (record["environment"], record["dag_id"], record["run_id"]) == ("test", "d", "r")
        assert (record["format"], record["use_case"], record["version"]) == (2, "aws_docs_qa", VERSION)

    @pytest.mark.parametrize("change", [{"environment": "prod"}, {"dag_id": "distill_payroll"}, {"run_id": "r2"}])
    def test_a_folder_of_another_run_is_refused_and_left_unchanged(
        self, preflight: Any, store: MemoryStore, context: Any, change: dict[str, str]
    ) -> None:
        preflight().execute(context)
        write_json(store, FOLDER.run_record, {**read_json(store, FOLDER.run_record, dict), **change})
        before = dict(store.objects)
        with pytest.raises(
            RefusedError, match=f"(?s){next(iter(change.values()))}.*Nothing in this folder was read or written"
        ):
            preflight().execute(context)
        assert store.objects == before

    def test_clearing_preflight_checks_and_freezes_again(
        self, preflight: Any, store: MemoryStore, context: Any
    ) -> None:
        preflight().execute(context)
        preflight().execute(context)
        assert store.writes.count(FOLDER.run_record) == 1
        assert store.writes.count(FOLDER.use_case) >= 2


class TestConfiguration:
    """Keys and sizes in a run's configuration that cannot be meant."""

    @pytest.mark.parametrize("place", ["params", "dag_run"])
    @pytest.mark.parametrize(
        ("key", "hint"),
        [
            ("document", "did you mean 'documents'?"),
            ("dryrun", "did you mean 'dry_run'?"),
            ("teacher", "it can be set only in aws_docs_qa.yaml"),
        ],
    )
    def test_an_unknown_key_is_refused_and_nothing_is_stored(
        self, preflight: Any, store: MemoryStore, context: Any, place: str, key: str, hint: str
    ) -> None:
        before = dict(store.objects)
        if place == "params":
            context["params"] = {key: 8, "dry_run": True}
        else:
            context["dag_run"].conf = {key: 8}
        with pytest.raises(InputError) as caught:
            preflight().execute(context)
        assert f"'{key}' ({hint})" in str(caught.value)
        assert "Trigger distill_aws_docs_qa again" in str(caught.value)
        assert store.objects == before

    def test_all_keys_of_the_form_are_known(self, preflight: Any, context: Any, use_case: UseCase) -> None:
        form = {name: param.resolve() for name, param in trigger_params(use_case).items()}
        context["params"], context["dag_run"].conf = form, form
        assert preflight().execute(context)["use_case_uri"] == FOLDER.use_case

    @pytest.mark.parametrize(
        ("params", "arms", "sizes"),
        [
            ({"documents": 1}, [], ["arm tuned can get at most 1 × (1 + 3) = 4 training records"]),
            ({"documents": 2, "pairs_per_document": 1}, [], ["2 × (1 + 1) = 4"]),
            ({}, [{"name": "fixed", "originals": 2, "synthetic": 5}], ["at most 2 + 5 = 7"]),
            (
                {"documents": 1},
                [{"name": "few", "synthetic": 0}, {"name": "all_pairs", "originals": 0}],
                ["arm few can get at most 1 training", "arm all_pairs can get at most 0 + 3 = 3 training"],
            ),
        ],
    )
    def test_sizes_that_cannot_reach_the_minimum_of_the_family_are_refused(
        self, preflight: Any, bedrock: FakeBedrock, context: Any, params: Any, arms: Any, sizes: list[str]
    ) -> None:
        context["params"] = params
        changes = {"arms": [{"name": "base", "kind": "base"}, *arms]} if arms else {}
        with pytest.raises(InputError) as caught:
            preflight(**changes).execute(context)
        assert all(text in str(caught.value) for text in (*sizes, "nova-micro requires at least 8", "Nothing was"))
        assert (bedrock.asked, bedrock.bought) == ([], [])

    @pytest.mark.parametrize("params", [{"documents": 2}, {"documents": 1, "pairs_per_document": 7}, {}])
    def test_sizes_that_can_reach_the_minimum_are_accepted(self, preflight: Any, context: Any, params: Any) -> None:
        context["params"] = params
        preflight().execute(context)

    @pytest.mark.parametrize("number", [-5, 0, 2.5, True, "many", "8", float("nan"), float("inf"), [8]])
    def test_a_size_that_is_no_number_of_rows_is_refused(self, preflight: Any, context: Any, number: Any) -> None:
        context["params"] = {"documents": number}
        expected = (
            r"Documents \(documents\) is .*; expected a whole number from 1 to 1,000,000, or an empty field for all"
        )
        with pytest.raises(UseCaseError, match=expected):
            preflight().execute(context)

    @pytest.mark.parametrize("value", [None, "", "no", "false", 0, 1])
    def test_a_dry_run_that_is_neither_on_nor_off_is_refused(self, preflight: Any, context: Any, value: Any) -> None:
        """An empty value would start a real run, and the text "false" a dry run."""
        context["params"] = {"dry_run": value}
        with pytest.raises(UseCaseError, match=r"Dry run \(dry_run\) is .*; expected true or false"):
            preflight().execute(context)

    def test_all_wrong_values_of_the_form_are_named_once_with_the_new_run(self, preflight: Any, context: Any) -> None:
        """The message about one field may contain the key of another field, which is not wrong."""
        wrong = {"training_csv": "  ", "pairs_per_document": 99}
        context["params"] = context["dag_run"].conf = {**wrong, "documents": 8}
        with pytest.raises(UseCaseError) as raised:
            preflight().execute(context)
        last = str(raised.value).splitlines()[-1]
        assert last == (
            "What to do: Trigger a new run with another value of Training CSV (training_csv), now ' ', Pairs per"
            " document (pairs_per_document), now 99. Clearing a task of this run keeps these values."
        )

    @pytest.mark.parametrize(
        ("params", "limit"),
        [
            ({"evaluation_rows": 1}, "1"),
            ({"evaluation_rows": 99}, "99"),
            ({"evaluation_csv": None, "documents": 40}, "40"),
        ],
    )
    def test_an_evaluation_that_is_too_small_for_a_verdict_causes_a_warning(
        self, preflight: Any, context: Any, params: Any, limit: str
    ) -> None:
        context["params"] = params
        manifest = preflight().execute(context)
        assert f"no verdict and promote no arm: it has at most {limit} evaluation questions" in manifest["warnings"][-1]
        assert len(json.dumps(manifest)) < 2048

    @pytest.mark.parametrize("params", [{}, {"evaluation_rows": 100}, {"evaluation_rows": None}, {"documents": 40}])
    def test_an_evaluation_that_may_be_large_enough_causes_no_warning(
        self, preflight: Any, context: Any, params: Any
    ) -> None:
        context["params"] = params
        assert "no verdict" not in str(preflight().execute(context)["warnings"])

    def test_the_same_file_in_both_fields_is_refused_before_its_rows_are_read(
        self, preflight: Any, context: Any, use_case: UseCase
    ) -> None:
        context["params"] = context["dag_run"].conf = {"evaluation_csv": use_case.source.training_csv}
        with pytest.raises(InputError, match=r"Training CSV \(training_csv\) and Evaluation CSV .* name the same file"):
            preflight().execute(context)

    def test_the_way_forward_is_stated_once_after_all_problems(self, preflight: Any, context: Any) -> None:
        with pytest.raises(InputError) as raised:
            preflight(teacher="claude-3-sonnet", student="llama-3-3-70b").execute(context)
        text = str(raised.value)
        assert text.count("clear") == 1
        step = "Correct all problems that the log of preflight lists. Then clear preflight with downstream."
        assert text.endswith(f"What to do: {step}")


class TestFreezing:
    def test_preflight_freezes_the_use_case_and_returns_the_uri_of_the_copy(
        self, preflight: Any, store: MemoryStore, use_case: UseCase, context: Any
    ) -> None:
        manifest = preflight().execute(context)
        assert set(manifest) == {"use_case_uri", "warnings"}
        assert manifest["use_case_uri"] == FOLDER.use_case
        # Channels may have arguments that do not belong in S3.
        assert frozen(store) == use_case.model_dump(mode="json", exclude={"notify", "ready_by"})
        assert len(json.dumps(manifest)) < 2048

    def test_an_edit_of_a_prompt_does_not_change_a_running_run(
        self, preflight: Any, equip: Any, store: MemoryStore, use_case: UseCase, context: Any, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.setenv("DISTILL_INPUT_ROOTS", str(tmp_path))
        prompt_file, instruction_file = tmp_path / "own.j2", tmp_path / "instruction.txt"
        prompt_file.write_text("<document>{{ document }}</document><question>{{ question }}</question>")
        instruction_file.write_text("Be brief.")
        changes = {
            "answering": str(prompt_file),
            "instruction_file": str(instruction_file),
            "examples": [{"question": "q", "answer": "a"}],
        }
        preflight(**section(use_case, "prompts", **changes)).execute(context)
        prompt_file.write_text("edited")
        instruction_file.write_text("edited")
        task = equip(IngestCsvOperator(task_id="any", run_uri=RUN_URI))
        prompts = task.use_case.prompts
        assert task.prompt(prompts.answering).template.startswith("<document>")
        assert task.prompt(prompts.synthesis).constants == {"examples": [{"question": "q", "answer": "a"}]}
        assert (prompts.instruction, prompts.instruction_file) == ("Be brief.", None)

    @pytest.mark.parametrize("key", ["training_csv", "evaluation_csv"])
    def test_an_object_outside_the_allowed_prefixes_is_not_even_read(
        self, preflight: Any, store: MemoryStore, context: Any, key: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.write("s3://other-team/secret.csv", b"salary,name\n1,Ann\n")
        read: list[str] = []
        monkeypatch.setattr(store, "reader", read.append)
        context["params"] = {key: "s3://other-team/secret.csv"}
        with pytest.raises(InputError, match=r"s3://other-team/secret\.csv may not be read") as raised:
            preflight().execute(context)
        assert "salary" not in str(raised.value)
        assert read == []

    def test_the_values_of_the_trigger_form_are_frozen(self, preflight: Any, store: MemoryStore, context: Any) -> None:
        context["params"] = {"documents": 7, "pairs_per_document": 5, "max_spend_usd": 3.5, "dry_run": True}
        preflight().execute(context)
        kept = frozen(store)
        assert kept["source"]["documents"] == 7
        assert kept["synthesis"]["pairs_per_document"] == 5
        assert kept["max_spend_usd"] == 3.5
        assert "dry_run" not in json.dumps(kept)

    @pytest.mark.parametrize("empty", [None, ""])
    def test_an_empty_form_field_removes_an_optional_value_and_does_not_change_a_required_one(
        self, preflight: Any, store: MemoryStore, use_case: UseCase, context: Any, empty: Any
    ) -> None:
        context["params"] = dict.fromkeys(
            ["training_csv", "evaluation_csv", "documents", "evaluation_rows", "pairs_per_document", "max_spend_usd"],
            empty,
        )
        preflight().execute(context)
        stated = use_case.model_dump(mode="json", exclude={"notify", "ready_by"})
        assert frozen(store) == {**stated, "source": {**stated["source"], "evaluation_csv": None}}

    def test_the_error_about_a_form_value_out_of_range_names_the_key(self, preflight: Any, context: Any) -> None:
        context["params"] = {"pairs_per_document": 99}
        with pytest.raises(UseCaseError, match=r"trigger form: Pairs per document \(pairs_per_document\) is 99"):
            preflight().execute(context)

    def test_an_edit_changes_the_run_only_if_preflight_is_cleared(
        self, preflight: Any, store: MemoryStore, context: Any
    ) -> None:
        preflight().execute(context)
        task = preflight(max_spend_usd=7)
        assert frozen(store)["max_spend_usd"] == 150
        task.execute(context)
        assert frozen(store)["max_spend_usd"] == 7

    def test_teacher_and_student_of_different_providers_cause_a_warning(self, preflight: Any, context: Any) -> None:
        (warning,) = preflight().execute(context)["warnings"]
        assert "have the terms checked" in warning
        assert preflight(teacher="nova-lite").execute(context)["warnings"] == []


BASES = {
    "arms": [{"name": "base", "kind": "base"}, {"name": "again", "kind": "base"}],
    "comparisons": [{"candidate": "again", "baseline": "base"}],
}


class TestRefusal:
    def refusal(self, task: Any, context: Any) -> str:
        with pytest.raises(InputError) as raised:
            task.execute(context)
        return str(raised.value)

    def test_all_problems_are_listed_together_and_nothing_is_frozen_or_bought(
        self, preflight: Any, store: MemoryStore, bedrock: FakeBedrock, use_case: UseCase, context: Any
    ) -> None:
        store.delete(FOLDER.use_case)
        bedrock.refuse["mistral.mistral-large-3-675b-instruct"] = missing("mistral.mistral-large-3-675b-instruct")
        changes = {
            **section(use_case, "storage", create_buckets=False),
            **section(use_case, "aws", region="eu-west-1"),
            **section(use_case, "training", hyperparameters={"epochs": 3}),
            **section(use_case, "source", training_csv="include/data/nowhere.csv", evaluation_csv="/etc/passwd"),
            **section(use_case, "prompts", judging="nowhere.j2"),
            "teacher": "claude-3-sonnet",
        }
        message = self.refusal(preflight(**changes), context)
        for problem in (
            "bucket bedrock-distill-training does not exist",
            "bucket bedrock-distill-output does not exist",
            "Bedrock retired model claude-3-sonnet on 2026-07-30",
            "model mistral-large-3 (mistral.mistral-large-3-675b-instruct) does not exist in this Region",
            "nova-micro can be trained only in us-east-1, but aws.region is eu-west-1",
            "epochs",
            "include/data/nowhere.csv cannot be read",
            "Input /etc/passwd may not be read",
            "no prompt 'nowhere.j2'",
        ):
            assert problem in message
        assert "Nothing was bought" in message
        assert (store.exists(FOLDER.use_case), bedrock.bought, bedrock.asked) == (False, [], [])

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            pytest.param(
                {"student": "claude-sonnet-4-6"}, "Bedrock cannot fine-tune claude-sonnet-4-6", id="no tuning"
            ),
            pytest.param(
                {"student": "llama-3-1-8b", "serving": {"mode": "on_demand"}}, "to auto or prov", id="serving"
            ),
            pytest.param({"teacher": "llama-3-2-1b"}, "no input_per_million for llama-3-2-1b", id="no price"),
            pytest.param(
                {"curation": {"critic": {"model": "claude-3-sonnet", "max_spend_usd": 1}}},
                "Bedrock retired model claude-3-sonnet on 2026-07-30, according to include/models.yaml, checked on",
                id="a retired critic",
            ),
            pytest.param(
                {"student": "llama-3-2-1b", **BASES},
                "no input_per_million for llama-3-2-1b",
                id="no price for the base student",
            ),
        ],
    )
    def test_the_message_names_a_model_that_cannot_be_used_in_its_role(
        self, preflight: Any, context: Any, changes: dict[str, Any], problem: str
    ) -> None:
        assert problem in self.refusal(preflight(**changes), context)

    def test_the_message_names_a_legacy_model_its_status_and_models_that_can_take_its_place(
        self, preflight: Any, bedrock: FakeBedrock, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bedrock, "foundation_model", lambda _: {"modelLifecycle": {"status": "LEGACY"}})
        message = self.refusal(preflight(), context)
        assert "model nova-micro is LEGACY, not ACTIVE; name another model in the use-case file, such as" in message
        assert "such as nova-lite, nova-2-lite, nova-pro" in message

    def test_a_model_that_bedrock_reports_as_active_is_used_although_the_catalog_lists_it_as_legacy(
        self, preflight: Any, context: Any
    ) -> None:
        assert "lists llama-3-3-70b as legacy" in str(preflight(judges=["llama-3-3-70b"]).execute(context)["warnings"])

    def test_the_message_about_missing_access_says_what_to_do(
        self, preflight: Any, bedrock: FakeBedrock, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bedrock, "model_availability", lambda _: {"authorizationStatus": "NOT_AUTHORIZED"})
        message = self.refusal(preflight(), context)
        assert "NOT_AUTHORIZED" in message
        assert "allow bedrock:InvokeModel for the model" in message

    @pytest.mark.parametrize("status", ["NOT_AVAILABLE", "PENDING", "ERROR"])
    def test_a_model_without_an_agreement_is_a_problem(
        self, preflight: Any, bedrock: FakeBedrock, context: Any, monkeypatch: pytest.MonkeyPatch, status: str
    ) -> None:
        monkeypatch.setattr(bedrock, "model_availability", lambda _: {"agreementAvailability": {"status": status}})
        assert f"agreementAvailability is {status}" in self.refusal(preflight(), context)

    @pytest.mark.parametrize("kind", [NotFoundError, RefusedError])
    def test_bedrocks_reason_why_a_model_cannot_be_looked_up_is_kept(
        self,
        preflight: Any,
        bedrock: FakeBedrock,
        context: Any,
        monkeypatch: pytest.MonkeyPatch,
        kind: type[RefusedError],
    ) -> None:
        def refuse(model_id: str) -> None:
            raise kind(f"get_foundation_model {model_id}: use case details have not been submitted")

        monkeypatch.setattr(bedrock, "foundation_model", refuse)
        message = self.refusal(preflight(), context)
        assert "use case details have not been submitted" in message
        assert ("does not exist" in message) is (kind is NotFoundError)

    def test_a_refused_bucket_is_listed_with_the_other_problems(
        self, preflight: Any, store: MemoryStore, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(bucket: str, **_: Any) -> None:
            raise RefusedError(f"head_bucket {bucket}: 403")

        monkeypatch.setattr(store, "ensure_bucket", refuse)
        message = self.refusal(preflight(teacher="claude-3-sonnet"), context)
        assert "1. head_bucket bedrock-distill-training: 403" in message
        assert "Bedrock retired model claude-3-sonnet" in message

    def test_a_use_case_without_trained_arms_needs_no_fine_tuning(self, preflight: Any, context: Any) -> None:
        untrained = {"student": "claude-sonnet-4-6", **BASES}
        assert preflight(**untrained).execute(context)["use_case_uri"] == FOLDER.use_case
