"""
Find out what a run buys again, why, and at what price, before the run buys anything.

A run reuses every answer and model of earlier runs. It buys something again only if the data, a prompt, a setting, a
filter or the form of a request changed. The stored answers of the teacher and of the base students are looked up, so
their number is exact. The answers to a prompt that a job has yet to optimize cannot be known, so they may be bought
again. Training and judging depend on answers that do not exist yet, so their prices are taken from the estimate.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NotRequired, TypedDict

from include.distill.config.arms import Arm
from include.distill.config.frozen_use_case import load_frozen, restore_use_case
from include.distill.config.layout import RunFolder
from include.distill.config.prompt_loader import read_prompts
from include.distill.config.prompts import Prompt
from include.distill.config.training_method import PRE_TRAINING
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError, NotFoundError, StoredRecordError
from include.distill.core.formats import Mark
from include.distill.core.naming import canonical_hash, digest
from include.distill.core.storage import ObjectStore, read_json, read_jsonl, read_marked_json
from include.distill.core.stored_objects import broken_record
from include.distill.core.version import VERSION
from include.distill.core.yaml_text import YamlTextError
from include.distill.cost.prices import BillLine
from include.distill.cost.records import RepeatedPurchase
from include.distill.cost.stored_prompts import StoredPrompts
from include.distill.dataset.arm_rows import rows_for_teacher
from include.distill.dataset.records import LatestRun, Row, RowName, RunRows
from include.distill.dataset.row_changes import bought_steps, folder_of, hash_purchase_settings
from include.distill.inference.answer_store import AnswerStore
from include.distill.inference.requests import ModelRequest
from include.distill.inference.student import Student
from include.distill.managed_evaluation.records import EvaluationQuestion
from include.distill.synthesis.teacher import Teacher

_PROMPTS = ("synthesis", "answering", "judging", "critic")
# The settings that determine each step's requests, or the training file.
_SYNTHESIS = ("teacher", "synthesis", "prompts.synthesis")
_ANSWERS = ("student", "answering", "prompts.answering", "prompts.instruction")
_OPTIMIZATION = ("prompt_optimization", *_ANSWERS)
# The parts of the sections "training" and "curation" that determine every training file.
_VALIDATION, _LEAKS = "training.validation_share", "curation.max_leak_similarity"
_KEY = "aws.kms_key_arn"  # the key that encrypts the model
_SCORES = ("evaluations.pointwise", *_ANSWERS)
_JUDGING = ("judges", "judging", "comparisons", "prompts.judging")


class _ReadEstimate(TypedDict):
    """The one key of an estimate that this module reads."""

    fingerprints: NotRequired[dict[str, str]]


@dataclass(frozen=True)
class EarlierRun:
    """
    The run that this run is compared with: the use case's last run with outputs, or this run before it was cleared.

    :param mark: the format of the earlier run's records, and the version that wrote them.
    :param fingerprints: hashes of the earlier run's settings and prompts; ``None`` if they are unknown.
    :param row_ids: identities of the earlier run's rows. ``None`` means that it had all rows of this run.
    :param by_step: for each step, the newest run that bought it. The step is compared with that run instead. Steps that
        this run completed before it was cleared have no entry.
    """

    folder: RunFolder
    mark: Mark
    fingerprints: Mapping[str, str] | None
    row_ids: Collection[str] | None = None
    by_step: Mapping[str, EarlierRun] = field(default_factory=dict)

    def for_step(self, step: str) -> EarlierRun:
        """Return the run that a step is compared with."""
        return self.by_step.get(step, self)


def fingerprints(use_case: UseCase, prompts: Mapping[str, Prompt]) -> dict[str, str]:
    """Hash each setting and each prompt that affects purchases, by its key in the use case."""
    names = {role: getattr(use_case.prompts, role) for role in _PROMPTS}
    settings = {key: value for key, value in hash_purchase_settings(use_case, prompts).items() if key != "prompts"}
    if pointwise := use_case.evaluations.pointwise:  # a job has one arm and one evaluator, so others do not change it
        asked = pointwise.model_dump(mode="json", include={"metrics", "custom_metrics", "questions"})
        settings["evaluations.pointwise"] = canonical_hash(asked)[:12]
    parts: dict[str, object] = {f"arms.{arm.name}": arm.model_dump(mode="json") for arm in use_case.arms}
    parts[_VALIDATION] = use_case.training.validation_share
    parts[_LEAKS] = use_case.curation.max_leak_similarity
    if use_case.aws.kms_key_arn:  # earlier versions, which recorded no key, had none
        parts[_KEY] = use_case.aws.kms_key_arn
    return {
        **settings,
        **{name: canonical_hash(part)[:12] for name, part in parts.items()},
        **{f"prompts.{role}": prompts[name].version for role, name in names.items() if name in prompts},
        "prompts.instruction": digest(use_case.prompts.instruction)[:12],
    }


def earlier_run(store: ObjectStore, folder: RunFolder, use_case: str) -> EarlierRun | None:
    """Return the run that the run in ``folder`` is compared with; ``None`` if no such run is stored."""
    own_steps = bought_steps(store, folder)
    own: EarlierRun | None = None
    if store.exists(folder.estimate) and own_steps:  # a person cleared this run
        mark, estimate = read_marked_json(store, folder.estimate, _ReadEstimate)
        own = EarlierRun(folder, mark, estimate.get("fingerprints"))
    try:
        latest = read_json(store, folder.last_run(use_case), LatestRun)
    except NotFoundError:
        return own
    last = latest["previous"] if latest["run_key"] == folder.run_key else latest
    purchases = latest.get("bought_by_step") or {}
    runs = {run["rows_uri"]: _read_run(store, run) for run in purchases.values()}
    by_step = {
        step: earlier
        for step, run in purchases.items()
        if (earlier := runs[run["rows_uri"]]) and not (own and own_steps.get(step))
    }
    base = own or (_read_run(store, last) if last else None) or next(iter(by_step.values()), None)
    return replace(base, by_step=by_step) if base else None


def _read_run(store: ObjectStore, run: RunRows) -> EarlierRun | None:
    """Read an earlier run; return ``None`` if it was deleted."""
    folder = folder_of(run)
    try:
        body = store.read(folder.use_case)
        row_ids = frozenset(_row_ids(store, folder.row_list))
        mark = load_frozen(body, folder.use_case)[0]
    except (NotFoundError, YamlTextError):  # another program may have changed the file; this run does not depend on it
        return None
    return EarlierRun(folder, mark, _frozen_fingerprints(store, folder, body), row_ids)


def _row_ids(store: ObjectStore, uri: str) -> Iterator[str]:
    try:
        with store.reader(uri) as lines:
            yield from (line.split()[0].decode() for line in lines if line.strip())
    except UnicodeDecodeError as error:
        raise broken_record(uri, "is not a list of rows") from error


def _frozen_fingerprints(store: ObjectStore, folder: RunFolder, body: bytes) -> dict[str, str] | None:
    try:
        prompts = read_prompts(store, folder.prompts)
        return fingerprints(restore_use_case(body, folder.use_case), prompts)
    except (InputError, NotFoundError, StoredRecordError):  # this version does not accept the earlier run's settings
        return None


@dataclass
class Comparison:
    """
    Compare a run with an earlier run, to find what the run buys again.

    :param lines: the lines of the estimate, which contain the prices.
    :param rows: returns the rows of one side, ``train`` or ``evaluation``.
    """

    use_case: UseCase
    prompts: Mapping[str, Prompt]
    store: ObjectStore
    answers: AnswerStore
    earlier: EarlierRun
    lines: Sequence[BillLine]
    rows: Callable[[str], Iterable[Row]]
    purchases: list[RepeatedPurchase] = field(default_factory=list)

    def find(self) -> list[RepeatedPurchase]:
        """Return what the run buys again, in the order of the steps."""
        new_pairs = self.use_case.wants_pairs and self._synthesis()
        new_answers = [arm.name for arm in self.use_case.arms if arm.kind == "base" and self._answers(arm.name)]
        trained = [arm for arm in self.use_case.arms if arm.is_trained]
        retrained = [arm.name for arm in trained if self._training(arm, new_pairs=new_pairs and arm.wants_pairs)]
        served_again = [arm.name for arm in trained if self._serving(arm.name)]
        self._judging(new_answers=bool(new_answers), retrained=bool(retrained), served_again=bool(served_again))
        for arm_name in self.use_case.scored_arms:
            self._scores(arm_name, new_answers=arm_name in new_answers, retrained=arm_name in retrained)
        return self.purchases

    def _synthesis(self) -> bool:
        use_case, model = self.use_case, self.use_case.catalog_model(self.use_case.teacher)
        teacher = Teacher(model, self.prompts[use_case.prompts.synthesis], use_case.synthesis)
        rows: list[RowName] = [{"row_id": row["row_id"], "group": row["group"]} for row in self.rows("train")]
        sent = {row["row_id"] for row in rows_for_teacher(use_case, rows)}
        earlier = self.earlier.for_step("synthetic")
        requests = (teacher.request(row) for row in self._rows_of(earlier, "train") if row["row_id"] in sent)
        return self._look_up("synthesis", earlier, "synthetic", requests, _SYNTHESIS)

    def _answers(self, arm: str) -> bool:
        earlier = self.earlier.for_step(f"answers/{arm}")
        optimized: str | None = None
        if arm in self.use_case.optimized_arms:
            stored = StoredPrompts(self.use_case, self.prompts, self.store, self.rows)
            if (job := stored.job(earlier.folder, arm)) is None:
                prompt = stored.find(earlier.folder, arm)
                if prompt:
                    self._optimization(arm, earlier, lost=stored.is_of_same_job(prompt, arm))
                return prompt is not None
            if job.prompt is None:
                return False
            optimized = job.prompt
        student = Student.from_use_case(self.use_case, self.prompts, optimized=optimized)
        requests = (student.request(row) for row in self._rows_of(earlier, "evaluation"))
        return self._look_up(f"answers {arm}", earlier, f"answers/{arm}", requests, _ANSWERS)

    def _optimization(self, arm: str, earlier: EarlierRun, *, lost: bool) -> None:
        """
        Add the job that optimizes an arm's prompt again, and the arm's answers, which depend on the new prompt.

        :param lost: whether the earlier run had the same job, whose results were then deleted.
        """
        reasons = ["the results of the job were deleted"] if lost else self._changed(_OPTIMIZATION, earlier)
        if not reasons and earlier.mark.version != VERSION:
            reasons = [self._unexplained("writes a different input for the job", earlier)]
        usd = self._usd(f"prompt optimization {arm} (estimated)")
        reasons = reasons or ["the first training rows, which are the samples, changed"]
        self._add(f"prompt optimization {arm}", 1, usd, reasons, certain=True)
        count = sum(1 for _ in self._rows_of(earlier, "evaluation"))
        reason = "a job optimizes the prompt again, and only an answer to the same prompt can be reused"
        self._add(f"answers {arm}", count, self._usd(f"answers {arm}:"), [reason], certain=False)

    def _look_up(
        self, step: str, earlier: EarlierRun, outputs: str, requests: Iterable[ModelRequest], settings: Sequence[str]
    ) -> bool:
        """
        Count the answers of a step that the earlier run got and that this run cannot reuse.

        If there are such answers, add one purchase with their number to ``purchases``, and return ``True``.
        """
        if not self.store.list(f"{earlier.folder.uri}/{outputs}/"):
            return False
        count = missing = 0
        stored: Collection[bytes] | None = None
        for request in requests:
            stored = self.answers.stored_keys(request.identity) if stored is None else stored
            count += 1
            missing += bytes.fromhex(request.key)[:8] not in stored
        if missing:
            reasons = self._changed(settings, earlier) or [
                self._unexplained("words these requests differently", earlier)
            ]
            self._add(step, missing, missing / count * self._usd(f"{step}:"), reasons, certain=True)
        return missing > 0

    def _training(self, arm: Arm, *, new_pairs: bool) -> bool:
        earlier = self.earlier.for_step(f"merged/{arm.name}")
        if not self.store.list(earlier.folder.merged(arm.name, "")):
            return False
        reasons = self._changed(_training_settings(self.use_case, arm), earlier)
        if new_pairs:
            reasons.append("the teacher writes new pairs")
        certain = bool(reasons)
        if not certain and arm.wants_pairs:
            # All of the teacher's answers are still stored, so the training file may be the same.
            reasons = self._changed(_SYNTHESIS, earlier)
        if not reasons and earlier.mark.version != VERSION:
            reasons.append(self._unexplained("may reject different pairs or write a different training file", earlier))
        if reasons:
            usd = sum(self._usd(f"{what} {arm.name}:") for what in ("teacher", "training", "throughput", "answers"))
            self._add(_training_name(arm.name), 1, usd, reasons, certain=certain)
        return bool(reasons) and certain

    def _serving(self, arm: str) -> bool:
        """Add the answers of a model if its requests change. A new training includes them."""
        if any(purchase["what"] == _training_name(arm) for purchase in self.purchases):
            return False
        earlier = self.earlier.for_step(f"answers/{arm}")
        reasons = self._changed(_ANSWERS[1:], earlier)
        if not reasons or not self.store.list(f"{earlier.folder.uri}/answers/{arm}/"):
            return False
        usd = sum(self._usd(f"{what} {arm}:") for what in ("throughput", "answers"))
        self._add(f"serving {arm}", 1, usd, reasons, certain=True)
        return True

    def _judging(self, *, new_answers: bool, retrained: bool, served_again: bool) -> None:
        earlier = self.earlier.for_step("judgments")
        if not self.store.list(f"{earlier.folder.uri}/judgments/"):
            return
        reasons = self._changed(_JUDGING, earlier)
        reasons += ["the base student answers again"] if new_answers else []
        reasons += ["a newly trained model answers"] if retrained else []
        reasons += ["a trained model answers again"] if served_again else []
        if reasons:
            calls = 2 * len(self.use_case.judged_pairs) * sum(1 for _ in self._rows_of(earlier, "evaluation"))
            self._add("judging", calls * len(self.use_case.judges), self._usd("judging:"), reasons, certain=True)

    def _scores(self, arm: str, *, new_answers: bool, retrained: bool) -> None:
        """Add the evaluation jobs of an arm. A job scores all of its questions again if only one line has changed."""
        earlier = self.earlier.for_step(f"evaluations/{arm}")
        settings = self.use_case.evaluations.pointwise_settings
        scored_by = [
            one for one in settings.evaluators if self.store.exists(earlier.folder.evaluation_scores(arm, one))
        ]
        uri = earlier.folder.evaluation_questions(arm)
        if not scored_by or not self.store.exists(uri):
            return
        rows = itertools.islice(self.rows("evaluation"), settings.questions)
        questions = read_jsonl(self.store, uri, EvaluationQuestion)
        reasons = self._changed(_SCORES, earlier)
        if [question["row_id"] for question in questions] != [row["row_id"] for row in rows]:
            reasons.append("the evaluation rows changed")
        reasons += ["the base student answers again"] if new_answers else []
        reasons += ["a newly trained model answers"] if retrained else []
        if reasons:
            usd = sum(self._usd(f"scores {arm} (estimated): {one} ") for one in scored_by)
            self._add(f"scores {arm}", len(scored_by), usd, reasons, certain=True)

    def _rows_of(self, earlier: EarlierRun, side: str) -> Iterator[Row]:
        known = earlier.row_ids
        return (row for row in self.rows(side) if known is None or row["row_id"] in known)

    def _changed(self, settings: Sequence[str], earlier: EarlierRun) -> list[str]:
        before, now = earlier.fingerprints, fingerprints(self.use_case, self.prompts)
        if before is None:
            return []
        # Earlier versions recorded only whole sections.
        names = dict.fromkeys(name if name in before else _section(name, before) for name in settings)
        return [f"{name} changed" for name in names if before.get(name) != now.get(name)]

    def _unexplained(self, difference: str, earlier: EarlierRun) -> str:
        if earlier.fingerprints is None:
            return (
                f"prompts, settings or the version changed; it is not known which, because {earlier.mark} did not"
                f" record prompts and settings in a form that version {VERSION} can read"
            )
        if earlier.mark.version != VERSION:
            return f"version {VERSION} {difference} than {earlier.mark}"
        return "no answers are stored: they were deleted, or the earlier run never received them"

    def _usd(self, prefix: str) -> float:
        return sum(line.usd for line in self.lines if line.what.startswith(prefix))

    def _add(self, what: str, count: int, usd: float, reasons: Sequence[str], *, certain: bool) -> None:
        self.purchases.append(
            {"what": what, "count": count, "usd": round(usd, 4), "certain": certain, "reasons": list(reasons)}
        )


def _training_settings(use_case: UseCase, arm: Arm) -> list[str]:
    """Return the settings that determine an arm's training file or its training job."""
    keys = [*(("curation",) if arm.wants_pairs else (_LEAKS,))]
    if use_case.critic and arm.wants_pairs:  # otherwise, the critic's prompt affects nothing
        keys.append("prompts.critic")
    keys += ["student", _VALIDATION if arm.kind == "distilled" else "training", f"arms.{arm.name}", "seed", _KEY]
    if use_case.training.method != PRE_TRAINING:  # the records of continued pre-training are documents
        keys += _ANSWERS[2:]
    if arm.kind == "distilled":  # its teacher answers with at most as many tokens as the student
        keys += ["answering", *(() if arm.teacher else ("teacher",))]
    return keys


def _training_name(arm: str) -> str:
    return f"training and serving {arm}"


def _section(name: str, recorded: Collection[str]) -> str:
    section = name.partition(".")[0]
    return section if section in recorded else name


def purchase_sentence(purchase: RepeatedPurchase) -> str:
    """Describe one repeated purchase for the log of ``estimate``."""
    decimals = 2 if purchase["usd"] >= 1 else 4
    verb = "is bought again" if purchase["certain"] else "may be bought again"
    return (
        f"{purchase['what']} {verb} ({purchase['count']:,}, about ${purchase['usd']:.{decimals}f}):"
        f" {'; '.join(purchase['reasons'])}."
    )
