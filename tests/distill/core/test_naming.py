from __future__ import annotations

import re
from functools import cache
from typing import Any

import botocore.session
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.distill.config.layout import Layout, RunFolder
from include.distill.config.sections import Storage
from include.distill.core.naming import (
    Names,
    batch_names,
    canonical_hash,
    change_token,
    digest,
    evaluation_name,
    former_run_key,
    is_former_job_name,
    is_former_throughput_name,
    is_standing_endpoint_name,
    job_names,
    optimization_name,
    request_token,
    run_key,
    slug,
    standing_endpoint_name,
    throughput_names,
)

ENVIRONMENTS = st.from_regex(r"[a-z][a-z0-9-]{0,15}", fullmatch=True)
# Names that the pydantic patterns allow, up to the maximum lengths of 24 and 16 characters.
USE_CASE_NAMES = st.from_regex(r"[a-z][a-z0-9]{0,5}(_[a-z0-9]{1,5}){0,3}|[a-z][a-z0-9]{23}", fullmatch=True)
ARM_NAMES = st.from_regex(r"[a-z][a-z0-9]{0,3}(_[a-z0-9]{1,5}){0,2}|[a-z][a-z0-9]{15}", fullmatch=True)
FINGERPRINTS = st.text("0123456789abcdef", min_size=64, max_size=64)
IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=250)
ATTEMPTS = st.integers(1, 9)


@cache
def member(operation: str, *path: str) -> Any:
    shape: Any = botocore.session.get_session().get_service_model("bedrock").operation_model(operation).input_shape
    for name in path:
        shape = shape.members[name]
    return shape


def assert_legal(value: str, operation: str, *path: str) -> None:
    limits = member(operation, *path).metadata
    assert limits["min"] <= len(value) <= limits["max"]
    assert re.fullmatch(limits["pattern"], value), f"{value!r} does not match {limits['pattern']}"


class TestLegalNames:
    @settings(max_examples=60, deadline=None)
    @given(ENVIRONMENTS, USE_CASE_NAMES, ARM_NAMES, FINGERPRINTS, ATTEMPTS)
    def test_a_job_name_is_legal_for_the_training_job_and_for_the_model(
        self, environment: str, use_case: str, arm: str, fingerprint: str, attempt: int
    ) -> None:
        name = job_names(environment, use_case, arm, fingerprint, attempt).name
        assert_legal(name, "CreateModelCustomizationJob", "jobName")
        assert_legal(name, "CreateModelCustomizationJob", "customModelName")
        assert_legal(request_token(name), "CreateModelCustomizationJob", "clientRequestToken")

    @settings(max_examples=60, deadline=None)
    @given(ENVIRONMENTS, USE_CASE_NAMES, ARM_NAMES, IDS, IDS, st.integers(1, 999))
    def test_a_throughput_name_is_legal(
        self, environment: str, use_case: str, arm: str, dag: str, run: str, ordinal: int
    ) -> None:
        name = throughput_names(environment, use_case, arm, run_key(dag, run), ordinal).name
        assert_legal(name, "CreateProvisionedModelThroughput", "provisionedModelName")
        assert_legal(request_token(name), "CreateProvisionedModelThroughput", "clientRequestToken")

    @settings(max_examples=60, deadline=None)
    @given(ENVIRONMENTS, USE_CASE_NAMES, ARM_NAMES, FINGERPRINTS, ATTEMPTS)
    def test_the_name_of_a_prompt_optimization_job_is_legal(
        self, environment: str, use_case: str, arm: str, fingerprint: str, attempt: int
    ) -> None:
        name = optimization_name(environment, use_case, arm, fingerprint, attempt)
        assert_legal(name, "CreateAdvancedPromptOptimizationJob", "jobName")
        assert_legal(request_token(name), "CreateAdvancedPromptOptimizationJob", "clientToken")
        assert name.endswith(f"-a{attempt}") is (attempt > 1)

    @settings(max_examples=60, deadline=None)
    @given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}(/[A-Za-z0-9][A-Za-z0-9._-]{0,20})?", fullmatch=True), IDS)
    def test_s3_uris_of_a_run_are_legal_for_every_run_id(self, prefix: str, run: str) -> None:
        layout = Layout(Storage(training_bucket="training", output_bucket="output", prefix=prefix))
        folder = RunFolder(layout.run_uri("use_case", run_key("dag", run)))
        train = folder.dataset("0" * 64, "train.jsonl")
        assert_legal(train, "CreateModelCustomizationJob", "trainingDataConfig", "s3Uri")
        assert_legal(folder.use_case, "CreateModelCustomizationJob", "trainingDataConfig", "s3Uri")
        output = layout.training_output("0" * 64)
        assert_legal(output, "CreateModelCustomizationJob", "outputDataConfig", "s3Uri")

    def test_prompt_optimization_jobs_with_different_inputs_have_different_names(self) -> None:
        names = {optimization_name("prod", "docs", arm, f * 64, 1) for arm in ("prompted", "other") for f in "ef"}
        assert len(names) == 4

    def test_the_longest_possible_names_fit_the_limit_of_63_characters(self) -> None:
        longest = "e" * 16, "u" * 24, "a" * 16
        assert len(job_names(*longest, "f" * 64, 9).name) <= 63
        assert len(batch_names(*longest, "f" * 64, 9).name) <= 63
        assert len(throughput_names(*longest, run_key("d", "r" * 200), 9999).name) <= 63
        assert len(evaluation_name("e" * 16, "u" * 24, "a" * 60, "nova-pro", "f" * 64, 9)) <= 63

    def test_the_name_of_an_evaluation_job_has_only_characters_that_bedrock_accepts(self) -> None:
        name = evaluation_name("Prod_1", "my_docs", "Tuned", "nova-pro", "f" * 64, 2)
        assert re.fullmatch(r"[a-z0-9](-*[a-z0-9]){0,62}", name)
        assert name.endswith("-a2")
        assert name != evaluation_name("Prod_1", "my_docs", "Tuned", "nova-pro", "e" * 64, 2)


class TestIdentity:
    def test_the_run_key_of_a_run_is_readable_and_never_changes(self) -> None:
        key = run_key("distill_docs", "manual__2026-11-22T02:00:00+00:00")
        assert key.startswith("manual-2026-11-22t02-00-")
        assert key == run_key("distill_docs", "manual__2026-11-22T02:00:00+00:00")

    @pytest.mark.parametrize(
        ("dag", "run"),
        [
            pytest.param("other", "manual__1", id="another dag"),
            pytest.param("dag", "manual__2", id="another run"),
            pytest.param("dag", "manual--1", id="a run with the same slug"),
            pytest.param("dagm", "anual__1", id="the same characters, divided at another place"),
        ],
    )
    def test_different_runs_have_different_run_keys(self, dag: str, run: str) -> None:
        assert run_key(dag, run) != run_key("dag", "manual__1")

    def test_a_run_id_without_letters_and_digits_still_gives_a_run_key(self) -> None:
        assert re.fullmatch(r"run-[0-9a-f]{32}", run_key("dag", "###"))

    def test_two_runs_that_share_32_bits_of_the_hash_have_different_run_keys(self) -> None:
        """Earlier versions gave both runs the key ``scheduled-2026-11-25t02-37586836``. Both ids are real."""
        ids = "scheduled__2026-11-25T02:00:00+00:00", "scheduled__2026-11-25T02:00:00+00:00xxxaaabhrbpb1"
        keys = run_key("distill_payroll", ids[0]), run_key("distill_aws_docs_qa", ids[1])
        assert former_run_key(keys[0]) == former_run_key(keys[1]) == "scheduled-2026-11-25t02-37586836"
        assert len({key[-32:] for key in keys}) == 2

    @given(IDS, IDS)
    def test_the_key_of_an_earlier_version_is_not_taken_for_a_key_of_this_version(self, dag: str, run: str) -> None:
        former = former_run_key(run_key(dag, run))
        assert former is not None
        assert re.fullmatch(r"[a-z0-9-]{1,24}-[0-9a-f]{8}", former)
        assert former_run_key(former) is None

    def test_only_a_job_name_of_a_later_attempt_has_a_suffix(self) -> None:
        first, second = (job_names("prod", "docs", "tuned", "0123456789abcdef", attempt) for attempt in (1, 2))
        assert re.fullmatch(r"prod-docs-tuned-[0-9a-f]{16}", first.name)
        assert first.former == "docs-tuned-0123456789ab"
        assert second == Names(f"{first.name}-a2", f"{first.former}-a2")

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param(("dev", "docs", "tuned", "0" * 64), id="another environment"),
            pytest.param(("prod", "docs2", "tuned", "0" * 64), id="another use case"),
            pytest.param(("prod", "docs", "tuned2", "0" * 64), id="another arm"),
            pytest.param(("prod", "docs", "tuned", "0" * 63 + "1"), id="a fingerprint that differs in its last digit"),
            pytest.param(("prod-docs", "tuned", "x", "0" * 64), id="the same text, divided at another place"),
        ],
    )
    def test_names_of_different_purchases_differ(self, other: tuple[str, str, str, str]) -> None:
        ours = ("prod", "docs", "tuned", "0" * 64)
        for names in (job_names, batch_names, throughput_names):
            assert names(*ours, 1).name != names(*other, 1).name

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            pytest.param(("prod", "a_b", "tuned"), ("prod", "a-b", "tuned"), id="slugs that are equal"),
            pytest.param(("prod-", "docs", "tuned"), ("prod", "docs", "tuned"), id="a hyphen at the end"),
            pytest.param(("production-1", "docs", "tuned"), ("production-2", "docs", "tuned"), id="a cut environment"),
            pytest.param(("prod", "u" * 20 + "1", "t"), ("prod", "u" * 20 + "2", "t"), id="a cut use case"),
            pytest.param(("prod", "docs", "a" * 14 + "1"), ("prod", "docs", "a" * 14 + "2"), id="a cut arm"),
        ],
    )
    def test_names_with_the_same_readable_part_differ(
        self, first: tuple[str, str, str], second: tuple[str, str, str]
    ) -> None:
        names = [job_names(*parts, "0" * 64, 1).name for parts in (first, second)]
        assert names[0].rpartition("-")[0] == names[1].rpartition("-")[0]
        assert names[0] != names[1]

    def test_former_names_are_recognized(self) -> None:
        fingerprint, old, new = "0123456789abcdef" * 4, "nightly-abcdef01", f"nightly-{'abcdef01' * 4}"
        for attempt in (1, 2, 12):
            names = job_names("prod", "docs", "tuned", fingerprint, attempt)
            assert names.former is not None
            assert is_former_job_name(names.former, fingerprint)
            assert not is_former_job_name(names.name, fingerprint)
        names = throughput_names("prod", "docs", "tuned", old, 3)
        assert names.former == "docs-tuned-abcdef01-s3"
        assert is_former_throughput_name(names.former, old)
        assert not is_former_throughput_name(names.name, old)
        assert throughput_names("prod", "docs", "tuned", new, 3).former is None
        assert not is_former_throughput_name(names.former, new)

    def test_throughput_names_differ_between_runs_and_between_ordinals(self) -> None:
        """The ids of scheduled runs begin alike, so only the end of a run key distinguishes two runs."""
        keys = [run_key("dag", f"scheduled__2026-11-{day}T02:00:00+00:00") for day in (21, 22)]
        names = {throughput_names("prod", "docs", "tuned", key, ordinal).name for key in keys for ordinal in (1, 2)}
        assert len(names) == 4

    @given(st.text(max_size=60), st.integers(1, 30))
    def test_a_slug_has_only_lower_case_letters_digits_and_single_hyphens(self, text: str, limit: int) -> None:
        made = slug(text, limit=limit)
        assert len(made) <= limit
        assert made == "" or re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", made)


class TestStandingEndpoint:
    @settings(max_examples=60, deadline=None)
    @given(ENVIRONMENTS, USE_CASE_NAMES)
    def test_its_name_is_legal_for_both_kinds(self, environment: str, use_case: str) -> None:
        name = standing_endpoint_name(environment, use_case)
        assert_legal(name, "CreateCustomModelDeployment", "modelDeploymentName")
        assert_legal(name, "CreateProvisionedModelThroughput", "provisionedModelName")
        assert_legal(change_token(name, 1, "arn:m"), "CreateCustomModelDeployment", "clientRequestToken")
        assert_legal(change_token(name, 1, "arn:m"), "CreateProvisionedModelThroughput", "clientRequestToken")

    @given(ENVIRONMENTS, USE_CASE_NAMES, IDS)
    def test_it_is_never_the_name_of_an_arms_endpoint(self, environment: str, use_case: str, run_id: str) -> None:
        arm = throughput_names(environment, use_case, "champion", run_key("d", run_id), 1).name
        standing = standing_endpoint_name(environment, use_case)
        assert standing not in (arm, arm.rpartition("-s")[0])
        assert (is_standing_endpoint_name(standing), is_standing_endpoint_name(arm)) == (True, False)

    def test_every_use_case_of_every_environment_has_its_own(self) -> None:
        places = [("prod", "docs"), ("prod", "docs_2"), ("test", "docs")]
        assert len({standing_endpoint_name(*place) for place in places}) == 3

    def test_only_attempts_of_the_same_change_send_the_same_token(self) -> None:
        tokens = {change_token(name, number, model) for name in "ab" for number in (1, 2) for model in ("m", "n")}
        assert len(tokens) == 8
        assert change_token("a", 1, "m") in tokens


class TestHashes:
    def test_a_digest_depends_on_how_characters_are_divided_among_the_parts(self) -> None:
        assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest("abc", "")}) == 4

    def test_a_hash_depends_on_the_order_of_a_list_but_not_on_the_order_of_keys(self) -> None:
        assert canonical_hash({"a": 1, "b": 2}) == canonical_hash({"b": 2, "a": 1})
        assert canonical_hash([1, 2]) != canonical_hash([2, 1])
