"""Check that only resources of this environment count as ours, whatever their tags say."""

from __future__ import annotations

from typing import Any

import pytest

from include.distill.cleanup.ownership import OwnershipCheck
from include.distill.cleanup.tag_values import to_tags
from include.distill.core.by_hand import ByHand
from include.distill.core.naming import former_run_key, job_names, run_key, throughput_names

DAG, RUN_ID = "distill_docs", "scheduled__2026-11-25T02:00:00+00:00"
KEY = run_key(DAG, RUN_ID)
FORMER_KEY = former_run_key(KEY) or ""
FINGERPRINT = "0123456789abcdef" * 4
ROOT = "s3://train/distill"
TRAINING = f"{ROOT}/datasets/{'ab' * 32}/train.jsonl"
TAGS = {
    "project": "bedrock-distill",
    "environment": "prod",
    "use-case": "docs",
    "arm": "tuned",
    "run-key": KEY,
    "dag-id": DAG,
    "run-id": RUN_ID,
    "fingerprint": FINGERPRINT,
    "expires-at": "2026-11-25T14:00:00Z",
}
FORMER_TAGS = {key: value for key, value in TAGS.items() if key != "environment"} | {"run-key": FORMER_KEY}
PT = throughput_names("prod", "docs", "tuned", KEY, 1).name
FORMER_PT = throughput_names("prod", "docs", "tuned", FORMER_KEY, 1).former or ""
MODEL = job_names("prod", "docs", "tuned", FINGERPRINT, 1).name
FORMER_MODEL = job_names("prod", "docs", "tuned", FINGERPRINT, 1).former or ""


def changed(tags: dict[str, str], **changes: str | None) -> dict[str, str]:
    """Return the tags with changes; ``None`` removes a tag."""
    merged = {**tags, **{key.replace("_", "-"): value for key, value in changes.items()}}
    return {key: value for key, value in merged.items() if value is not None}


def refusal(kind: str, name: str, tags: dict[str, str], *, uri: str | None = TRAINING, roots: Any = (ROOT,)) -> Any:
    check = OwnershipCheck("prod", lambda: roots)
    if kind == "model":
        return check.model(name, tags, lambda: uri)
    return check.endpoint(ByHand[kind.upper()], name, tags, lambda: uri)


def unused() -> Any:
    raise AssertionError("looked up for a resource that has a tag environment")


class TestOurs:
    @pytest.mark.parametrize("ordinal", [1, 2, 17])
    def test_a_throughput_whose_name_fits_its_tags_is_ours_without_any_look_up(self, ordinal: int) -> None:
        name = throughput_names("prod", "docs", "tuned", KEY, ordinal).name
        assert OwnershipCheck("prod", unused).endpoint(ByHand.THROUGHPUT, name, TAGS, unused) is None

    @pytest.mark.parametrize("attempt", [1, 2, 12])
    def test_a_model_whose_name_fits_its_tags_is_ours_without_any_look_up(self, attempt: int) -> None:
        name = job_names("prod", "docs", "tuned", FINGERPRINT, attempt).name
        assert OwnershipCheck("prod", unused).model(name, TAGS, unused) is None

    @pytest.mark.parametrize(
        ("dag_id", "run_id"),
        [
            ("distill_docs", "nightly~2"),
            ("distill_docs", "Nacht ü " * 40),
            ("distill_docs", " "),
            ("my.own-dag", "manual__2026-11-25"),
            ("d", "x" * 250),
        ],
    )
    def test_any_legal_run_id_that_fits_into_tags_is_recognized(self, dag_id: str, run_id: str) -> None:
        key = run_key(dag_id, run_id)
        tags = {**changed(TAGS, run_key=key), **to_tags("dag-id", dag_id), **to_tags("run-id", run_id)}
        name = throughput_names("prod", "docs", "tuned", key, 1).name
        assert refusal("throughput", name, tags) is None

    @pytest.mark.parametrize(("use_case", "arm"), [("a_b", "arm_1"), ("x" * 24, "y" * 40), ("docs", "größer")])
    def test_cut_and_slugged_names_are_recognized(self, use_case: str, arm: str) -> None:
        tags = {**changed(TAGS, use_case=use_case), **to_tags("arm", arm)}
        assert refusal("throughput", throughput_names("prod", use_case, arm, KEY, 1).name, tags) is None
        assert refusal("model", job_names("prod", use_case, arm, FINGERPRINT, 1).name, tags) is None

    def test_throughput_that_a_run_of_an_earlier_version_bought_after_the_upgrade_is_ours(self) -> None:
        name = throughput_names("prod", "docs", "tuned", FORMER_KEY, 1).name
        assert refusal("throughput", name, changed(TAGS, run_key=FORMER_KEY), uri=None, roots=()) is None

    @pytest.mark.parametrize("ordinal", [1, 12])
    def test_a_deployment_whose_name_fits_its_tags_is_ours(self, ordinal: int) -> None:
        name = throughput_names("prod", "docs", "tuned", KEY, ordinal).name
        assert OwnershipCheck("prod", unused).endpoint(ByHand.DEPLOYMENT, name, TAGS, unused) is None


class TestDeployments:
    @pytest.mark.parametrize("kind", ["throughput", "deployment"])
    @pytest.mark.parametrize("name", [PT, "prod-docs"])
    def test_the_standing_endpoint_of_a_champion_is_left_without_a_warning(self, kind: str, name: str) -> None:
        found = refusal(kind, name, {**TAGS, "role": "standing"})
        assert found is not None
        assert ("standing endpoint" in found.reason, found.is_doubtful) == (True, False)

    def test_another_role_does_not_keep_an_endpoint(self) -> None:
        assert refusal("deployment", PT, {**TAGS, "role": "arm"}) is None

    def test_a_deployment_without_an_environment_is_left_because_no_earlier_version_had_deployments(self) -> None:
        tags = changed(TAGS, environment=None, run_key=FORMER_KEY)
        assert refusal("throughput", FORMER_PT, tags) is None
        found = refusal("deployment", FORMER_PT, tags)
        assert found is not None
        assert "no tag environment" in found.reason
        assert f"aws bedrock delete-custom-model-deployment --custom-model-deployment-identifier {FORMER_PT}" in (
            found.reason
        )


STRANGERS = [
    pytest.param(PT, {}, "no tag project", False, id="no tags"),
    pytest.param(PT, {"project": "bedrock-distill"}, "no tag use-case", True, id="a bare project tag"),
    pytest.param(
        PT, {"project": "bedrock-distill", "environment": "prod"}, "no tag use-case", True, id="project and environment"
    ),
    pytest.param(PT, changed(TAGS, project=None), "no tag project", False, id="no project"),
    pytest.param(PT, changed(TAGS, project="Bedrock-Distill"), "no tag project", False, id="project in other case"),
    pytest.param(PT, changed(TAGS, environment="dev"), "environment 'dev'", False, id="another environment"),
    pytest.param(PT, changed(TAGS, environment="Prod"), "environment 'Prod'", False, id="environment in other case"),
    pytest.param(PT, changed(TAGS, environment=""), "environment ''", False, id="an empty environment"),
    pytest.param("web-shop-endpoint", TAGS, "does not match its tags", True, id="tags copied to a foreign endpoint"),
    pytest.param(f"{PT}-s1", TAGS, "does not match its tags", True, id="two ordinals"),
    pytest.param(PT[:-3], TAGS, "does not match its tags", True, id="no ordinal"),
    pytest.param(f"{PT[:-1]}01", TAGS, "does not match its tags", True, id="a leading zero"),
    pytest.param(f"{PT[:-1]}١", TAGS, "does not match its tags", True, id="a digit of another script"),
    pytest.param(f"{PT[:-1]}{'9' * 40}", TAGS, "does not match its tags", True, id="a huge ordinal"),
    pytest.param(PT.upper(), TAGS, "does not match its tags", True, id="upper case"),
    pytest.param(FORMER_PT, TAGS, "does not match its tags", True, id="a former name with a tag environment"),
    pytest.param(MODEL, TAGS, "does not match its tags", True, id="the name of a model"),
    pytest.param("", TAGS, "does not match its tags", True, id="no name"),
    pytest.param(PT, changed(TAGS, arm="other"), "does not match its tags", True, id="another arm"),
    pytest.param(PT, changed(TAGS, use_case="faq"), "does not match its tags", True, id="another use case"),
    pytest.param(PT, changed(TAGS, run_id="manual__1"), "does not match its tags", True, id="the id of an ended run"),
    pytest.param(PT, changed(TAGS, dag_id="other"), "does not match its tags", True, id="the id of another DAG"),
    pytest.param(PT, changed(TAGS, run_key=FORMER_KEY), "does not match its tags", True, id="the former run key"),
    pytest.param(PT, changed(TAGS, run_id=None), "no tag run-id", True, id="no run id"),
    pytest.param(PT, changed(TAGS, dag_id=None), "no tag dag-id", True, id="no DAG id"),
    pytest.param(PT, changed(TAGS, run_key=None), "no tag run-key", True, id="no run key"),
    pytest.param(PT, changed(TAGS, arm=None), "no tag arm", True, id="no arm"),
    pytest.param(PT, changed(TAGS, arm=""), "no tag arm", True, id="an empty arm"),
]


@pytest.mark.parametrize(("name", "tags", "reason", "is_doubtful"), STRANGERS)
def test_throughput_of_others_is_left_with_a_reason(
    name: str, tags: dict[str, str], reason: str, is_doubtful: bool
) -> None:
    found = refusal("throughput", name, tags)
    assert reason in found.reason
    assert found.is_doubtful is is_doubtful
    assert not is_doubtful or f"delete-provisioned-model-throughput --provisioned-model-id {name}" in found.reason


@pytest.mark.parametrize(
    ("name", "tags", "reason"),
    [
        pytest.param(MODEL, {"project": "bedrock-distill", "use-case": "docs"}, "no tag run-key", id="two tags"),
        pytest.param(MODEL, changed(TAGS, fingerprint=None), "no tag fingerprint", id="no fingerprint"),
        pytest.param(MODEL, changed(TAGS, fingerprint="f" * 64), "does not match its tags", id="another fingerprint"),
        pytest.param(MODEL, changed(TAGS, environment="dev"), "environment 'dev'", id="another environment"),
        pytest.param("their-model", TAGS, "does not match its tags", id="tags copied to a foreign model"),
        pytest.param(f"{MODEL}-a1", TAGS, "does not match its tags", id="a first attempt with a suffix"),
        pytest.param(f"{MODEL}-a0", TAGS, "does not match its tags", id="an attempt that is never made"),
        pytest.param(PT, TAGS, "does not match its tags", id="the name of a throughput"),
        pytest.param(FORMER_MODEL, TAGS, "does not match its tags", id="a former name with a tag environment"),
    ],
)
def test_models_of_others_are_left_with_a_reason(name: str, tags: dict[str, str], reason: str) -> None:
    assert reason in refusal("model", name, tags).reason


class TestEarlierVersions:
    @pytest.mark.parametrize(
        ("kind", "name", "tags"),
        [
            pytest.param("throughput", FORMER_PT, FORMER_TAGS, id="throughput"),
            pytest.param("model", FORMER_MODEL, FORMER_TAGS, id="model"),
            pytest.param("model", FORMER_MODEL, changed(FORMER_TAGS, arm=None), id="a model without the tag arm"),
            pytest.param("model", f"{FORMER_MODEL}-a2", changed(FORMER_TAGS, arm=None), id="a second attempt"),
            pytest.param(
                "throughput", FORMER_PT, changed(FORMER_TAGS, dag_id=None, run_id=None), id="an id that AWS refuses"
            ),
        ],
    )
    def test_a_resource_is_ours_if_its_name_and_its_training_data_prove_it(
        self, kind: str, name: str, tags: dict[str, str]
    ) -> None:
        assert refusal(kind, name, tags) is None
        for uri in (None, "s3://train/distill-dev/datasets/ab/train.jsonl"):
            unproven = refusal(kind, name, tags, uri=uri)
            assert "not proven" in unproven.reason
            assert "delete it by hand" in unproven.reason
            assert unproven.is_doubtful

    @pytest.mark.parametrize(
        "uri",
        [
            pytest.param(None, id="unknown"),
            pytest.param("", id="empty"),
            pytest.param("s3://train2/distill/datasets/ab/train.jsonl", id="another bucket"),
            pytest.param("s3://train/distill2/datasets/ab/train.jsonl", id="a longer prefix"),
            pytest.param("s3://train/Distill/datasets/ab/train.jsonl", id="another case"),
            pytest.param("s3://train/distill/dev/datasets/ab/train.jsonl", id="a root below our root"),
            pytest.param("s3://train/distill/datasets/datasets/ab/train.jsonl", id="a root below our data sets"),
            pytest.param("s3://train/distill/datasets/train.jsonl", id="not in a folder"),
            pytest.param("s3://train/distill/mine/train.jsonl", id="not a data set"),
            pytest.param("s3://train/distill/datasets//train.jsonl", id="an empty segment"),
            pytest.param("s3://train/distill/datasets/ab/", id="a folder"),
        ],
    )
    def test_training_data_elsewhere_proves_nothing(self, uri: str | None) -> None:
        assert "not proven" in refusal("throughput", FORMER_PT, FORMER_TAGS, uri=uri).reason

    def test_a_root_that_we_do_not_own_proves_nothing(self) -> None:
        assert "not proven" in refusal("throughput", FORMER_PT, FORMER_TAGS, roots=()).reason

    @pytest.mark.parametrize(
        ("kind", "name", "tags"),
        [
            pytest.param("throughput", FORMER_PT, {"project": "bedrock-distill"}, id="a bare project tag"),
            pytest.param("throughput", "their-endpoint", FORMER_TAGS, id="copied tags"),
            pytest.param("throughput", PT, changed(FORMER_TAGS, run_key=KEY), id="a present name and run key"),
            pytest.param("throughput", FORMER_PT, changed(FORMER_TAGS, run_id="manual__1"), id="another run"),
            pytest.param("model", "docs-anything", changed(FORMER_TAGS, arm=None), id="a foreign model"),
            pytest.param(
                "model", "docs-x-anything", changed(FORMER_TAGS, arm=None, fingerprint="a.*" * 30), id="a pattern"
            ),
            pytest.param("model", "docs-x-", changed(FORMER_TAGS, arm=None, fingerprint="-"), id="a short fingerprint"),
            pytest.param("model", f"faq-{FORMER_MODEL[5:]}", changed(FORMER_TAGS, arm=None), id="another use case"),
        ],
    )
    def test_training_data_of_ours_does_not_make_a_resource_ours(
        self, kind: str, name: str, tags: dict[str, str]
    ) -> None:
        assert refusal(kind, name, tags).is_doubtful
