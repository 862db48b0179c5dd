"""
Estimate the cost of a run before anything is bought, as the lines of a bill in US dollars.

Tokens are estimated from the writing system and the kind of each text. If possible, Bedrock counts the tokens of
prompts on a sample of the rows (``token_counts.py``), and the estimate of prompts is corrected with these counts.
Tokens of answers are always estimated: a written pair is assumed to be as long as the row's question and answer, and a
student's answer as long as the row's answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from include.distill.config.arms import Arm
from include.distill.config.catalog import Model, load_catalog
from include.distill.config.sections import Judging, Synthesis
from include.distill.config.training_method import PRE_TRAINING
from include.distill.config.use_case import UseCase
from include.distill.cost.amounts import usd_text
from include.distill.cost.job_price import JobTokens, highest_usd, job_lines
from include.distill.cost.optimization_assumptions import ADDED_TOKENS
from include.distill.cost.prices import BillLine, Prices, total_usd
from include.distill.cost.records import ServingChoice
from include.distill.cost.serving_choice import AnswerCalls
from include.distill.dataset.arm_rows import hold_out, original_rows, rows_for_teacher, rows_of_pairs
from include.distill.dataset.records import Role, Row, RowTokens
from include.distill.text.token_count import central_token_count

VERDICT_TOKENS = 60  # tokens in one verdict of a judge or the critic
# Expected share of the pairs that the grounding check leaves undecided. The critic is asked about these pairs. The
# check is designed to leave at most this share of correct answers undecided.
UNDECIDED_SHARE = 0.15
PROMPT_TOKENS = 350  # tokens of a prompt without the texts of the row, if Bedrock did not count them
ESTIMATED = "estimated from the writing system and the kind of each text"
_TEXTS: tuple[Role, ...] = ("document", "question", "answer")
_PROMPT_TEXTS: tuple[Role, ...] = ("document", "question")


@dataclass(frozen=True)
class TokenRate:
    """
    How many tokens the prompts of a step contain: a fixed number per prompt, and a rate for the row's texts.

    :param prompt_tokens: tokens of the prompt without the row's texts.
    :param tokens_per_estimated_token: counted tokens per estimated token of the row's texts; 1 if none were counted.
    :param method: how the rate was determined, in words for readers of the estimate.
    """

    prompt_tokens: float = PROMPT_TOKENS
    tokens_per_estimated_token: float = 1.0
    method: str = ESTIMATED

    def input_tokens(self, rows: Sequence[Row | RowTokens], *columns: Role) -> float:
        """
        Return the number of tokens in the prompts for all rows together.

        Each row has one prompt, which contains the row's texts in ``columns``.
        """
        texts = self.tokens_per_estimated_token * sum_tokens(rows, *columns)
        return texts + self.prompt_tokens * len(rows)


def uses_batch(section: Synthesis | Judging, model: str, calls: int) -> bool:
    """Return whether a step uses batch jobs. It does if the use case requests them and there are enough ``calls``."""
    return section.inference == "batch" and meets_batch_minimum(load_catalog().model(model), calls)


def meets_batch_minimum(model: Model, calls: int) -> bool:
    """Return whether Bedrock accepts a batch job with this number of ``calls`` to ``model``."""
    return model.batch is not None and calls >= model.batch.minimum_records


def estimate(
    use_case: UseCase,
    *,
    train: Sequence[Row | RowTokens],
    evaluation: Sequence[Row | RowTokens],
    prices: Prices,
    champion: str | None = None,
    rates: Mapping[str, TokenRate] | None = None,
    serving: Mapping[str, ServingChoice] | None = None,
) -> list[BillLine]:
    """
    Return the expected bill of a run that reuses nothing from earlier runs.

    The bill assumes that no request is repeated, and that provisioned throughput serves for ``serving.expected_hours``.

    :param train: the training rows, or the number of tokens of each of their texts.
    :param evaluation: the evaluation rows, or the number of tokens of each of their texts.
    :param champion: key of the champion's base model; ``None`` if there is no champion. The base student then
        answers for the champion arm.
    :param rates: token rates. The keys are ``synthesis``, ``critic``, ``answers``, and the key of each judge. If a rate
        is missing, the tokens are estimated and not corrected.
    :param serving: how each arm's model is served. An arm without a choice is served by provisioned throughput.
    """
    serving = serving or {}
    steps = ("synthesis", "critic", "answers", *use_case.judges)
    rate = {**dict.fromkeys(steps, TokenRate()), **(rates or {})}
    lines: list[BillLine] = []
    if use_case.wants_pairs:
        sent = rows_for_teacher(use_case, train)
        lines += synthesis_lines(use_case, sent, prices, rate["synthesis"])
        if use_case.critic:
            uncapped = critic_lines(use_case, sent, prices, rate["critic"])
            lines += scale_to_budget(uncapped, use_case.critic.max_spend_usd)
    for arm in use_case.arms:
        student = served_student(use_case, arm, champion)
        deployed = arm.name in serving and serving[arm.name]["mode"] == "on_demand"
        if student is None or deployed:
            lines += answer_lines(
                use_case, evaluation, prices, arm.name, rate=rate["answers"], student=student, deployed=deployed
            )
        else:
            # Provisioned throughput is billed by the hour, regardless of the number of calls.
            unit_hours = use_case.serving.expected_hours * use_case.serving.model_units
            lines.append(prices.throughput_line(arm.name, student, unit_hours))
        if arm.is_trained:
            lines += _job_lines(use_case, train, prices, arm, rate["answers"])
    pairs = len(use_case.judged_pairs)
    for judge in use_case.judges:
        lines += judging_lines(use_case, evaluation, prices, judge=judge, pairs=pairs, rate=rate[judge])
    return lines + smoke_lines(use_case, evaluation, prices, rate["answers"])


def pairs_usd(
    use_case: UseCase,
    train: Sequence[Row | RowTokens],
    prices: Prices,
    rates: Mapping[str, TokenRate] | None = None,
) -> dict[str, float]:
    """
    Return what the pairs of each trained arm cost if nothing is stored: its calls of the teacher and of the critic.

    Arms that take pairs from the same rows share these calls, so the sum may be more than the cost of the run.

    :param rates: see :func:`estimate`.
    """
    rate, costs = {"synthesis": TokenRate(), "critic": TokenRate(), **(rates or {})}, {}
    training, _ = hold_out(train, use_case)
    for arm in use_case.arms:
        if not arm.is_trained:
            continue
        rows = rows_of_pairs(arm, training)
        lines = synthesis_lines(use_case, rows, prices, rate["synthesis"]) if rows else []
        if rows and use_case.critic:
            critic = critic_lines(use_case, rows, prices, rate["critic"])
            lines += scale_to_budget(critic, use_case.critic.max_spend_usd)
        costs[arm.name] = total_usd(lines)
    return costs


def expected_calls(use_case: UseCase, *, train: int, evaluation: int) -> dict[str, int]:
    """
    Return the expected number of calls of each step, not counting repeated requests.

    :param train: number of training rows.
    :param evaluation: number of evaluation rows.
    """
    originals = [
        train if arm.originals == "all" else min(arm.originals, train) for arm in use_case.arms if arm.wants_pairs
    ]
    # An arm without originals uses pairs written from all rows, so 0 originals counts as all training rows.
    calls = {"synthesis": max((rows or train for rows in originals), default=0)}
    if use_case.critic:
        calls["critic"] = math.ceil(
            undecided_share(use_case) * use_case.synthesis.pairs_per_document * calls["synthesis"]
        )
    for arm in use_case.arms:
        calls[f"answers {arm.name}"] = evaluation * (2 if arm.name == use_case.noise_control_arm else 1)
    for judge in use_case.judges:
        calls[f"judging {judge}"] = 2 * evaluation * len(use_case.judged_pairs)
    if use_case.promotion.serve != "none":
        calls["smoke prompts"] = use_case.promotion.smoke_prompts
    return calls


def undecided_share(use_case: UseCase) -> float:
    """Return the share of pairs that reach the critic. It is 1 if the grounding check is off."""
    return UNDECIDED_SHARE if use_case.curation.min_grounding else 1.0


def sum_tokens(rows: Sequence[Row | RowTokens], *columns: Role) -> int:
    """Estimate the tokens of the texts in ``columns`` of all rows together."""
    return sum(_tokens(row[column]) for row in rows for column in columns)


def _tokens(text: str | int) -> int:
    """Estimate the tokens of a text. A number is returned unchanged, because it already is a number of tokens."""
    return text if isinstance(text, int) else central_token_count(text)


def synthesis_lines(
    use_case: UseCase, train: Sequence[Row | RowTokens], prices: Prices, rate: TokenRate = TokenRate()
) -> list[BillLine]:
    """Return the bill lines for the teacher's calls, one call for each row in ``train``."""
    input_tokens = rate.input_tokens(train, *_TEXTS)
    output_tokens = use_case.synthesis.pairs_per_document * sum_tokens(train, "question", "answer")
    batch = uses_batch(use_case.synthesis, use_case.teacher, len(train))
    return prices.token_lines("synthesis", use_case.teacher, input_tokens, output_tokens, batch=batch)


def critic_lines(
    use_case: UseCase, train: Sequence[Row | RowTokens], prices: Prices, rate: TokenRate = TokenRate()
) -> list[BillLine]:
    """
    Return the bill lines for the critic's calls on pairs written from ``train``, or no lines without a critic.

    The critic's budget is not applied. Every requested pair is assumed to be written, to pass the filters, and to be as
    long as the row's question and answer. The critic is assumed to be asked about :func:`undecided_share` of the pairs.
    """
    if use_case.critic is None:
        return []
    pairs = undecided_share(use_case) * use_case.synthesis.pairs_per_document
    input_tokens = pairs * rate.input_tokens(train, *_TEXTS)
    return prices.token_lines("critic", use_case.critic.model, input_tokens, pairs * VERDICT_TOKENS * len(train))


def scale_to_budget(lines: Sequence[BillLine], budget_usd: float) -> list[BillLine]:
    """Return ``lines`` with all quantities reduced by the same factor, so that they cost at most ``budget_usd``."""
    uncapped_usd = sum(line.quantity * line.unit_price_usd for line in lines)
    factor = min(1.0, budget_usd / uncapped_usd) if uncapped_usd else 1.0
    return [replace(line, quantity=line.quantity * factor) for line in lines]


def answer_lines(
    use_case: UseCase,
    evaluation: Sequence[Row | RowTokens],
    prices: Prices,
    arm: str,
    *,
    rate: TokenRate = TokenRate(),
    student: str | None = None,
    deployed: bool = False,
) -> list[BillLine]:
    """
    Return the bill lines for an arm's answers that are billed by the token.

    :param student: key of the model that answers, or of its base model. By default, the use case's student is used.
    :param deployed: whether a deployment of a custom model answers.
    """
    calls = answer_calls(use_case, evaluation, arm, rate)
    tokens = calls.input_tokens, calls.output_tokens
    return prices.token_lines(f"answers {arm}", student or use_case.student, *tokens, deployed=deployed)


def answer_calls(
    use_case: UseCase, evaluation: Sequence[Row | RowTokens], arm: str, rate: TokenRate = TokenRate()
) -> AnswerCalls:
    """
    Return the calls in which an arm answers the evaluation rows.

    An optimized prompt is assumed to have :data:`ADDED_TOKENS` tokens more than the original one.
    """
    samples = 2 if arm == use_case.noise_control_arm else 1
    added = ADDED_TOKENS * len(evaluation) if arm in use_case.optimized_arms else 0
    return AnswerCalls(
        samples * len(evaluation),
        samples * (rate.input_tokens(evaluation, "document", "question") + added),
        samples * sum_tokens(evaluation, "answer"),
    )


def smoke_lines(
    use_case: UseCase, evaluation: Sequence[Row | RowTokens], prices: Prices, rate: TokenRate = TokenRate()
) -> list[BillLine]:
    """
    Return the bill lines for the smoke prompts that a promotion sends to the champion's standing deployment.

    The smoke prompts are assumed to be as long as the average evaluation row, although the rows with the shortest
    documents are sent.
    If provisioned throughput serves the champion, the smoke prompts cost nothing beyond its price per hour.
    """
    if use_case.promotion.serve != "on_demand" or not evaluation:
        return []
    calls = answer_calls(use_case, evaluation, "", rate)
    share = use_case.promotion.smoke_prompts / calls.calls
    tokens = share * calls.input_tokens, share * calls.output_tokens
    return prices.token_lines("smoke prompts", use_case.student, *tokens, deployed=True)


def served_student(use_case: UseCase, arm: Arm, champion: str | None) -> str | None:
    """
    Return the key of the base model of an arm's custom model; ``None`` if the arm has no custom model.

    :param champion: see :func:`estimate`.
    """
    if arm.kind == "champion":
        return champion
    return use_case.student if arm.is_trained else None


def distillation_notes(
    use_case: UseCase,
    train: Sequence[Row | RowTokens],
    prices: Prices,
    rates: Mapping[str, TokenRate] | None = None,
) -> list[str]:
    """Return a sentence for each distillation job that says what the job costs if Bedrock adds prompts of its own.

    :param rates: see :func:`estimate`.
    """
    rate, notes = (rates or {}).get("answers", TokenRate()), []
    for arm in use_case.arms:
        if arm.kind == "distilled":
            tokens, records = _job_tokens(use_case, train, arm, rate)
            expected = total_usd(job_lines(use_case, arm.name, tokens, prices))
            highest = highest_usd(use_case, arm.name, tokens, records, prices)
            notes.append(
                f"The distillation job of arm {arm.name} is estimated at {usd_text(expected)}. Bedrock may add prompts"
                f" of its own. If it adds as many long prompts as it may, the job costs {usd_text(highest)}. Neither"
                " the estimate, the spend cap nor an approval includes these prompts."
            )
    return notes


def _job_lines(
    use_case: UseCase, train: Sequence[Row | RowTokens], prices: Prices, arm: Arm, rate: TokenRate
) -> list[BillLine]:
    """Return the bill lines for the job that trains ``arm``, and for its teacher if it is a distillation job."""
    return job_lines(use_case, arm.name, _job_tokens(use_case, train, arm, rate)[0], prices)


def _job_tokens(
    use_case: UseCase, train: Sequence[Row | RowTokens], arm: Arm, rate: TokenRate
) -> tuple[JobTokens, float]:
    """
    Return the tokens of the job that trains ``arm``, and the number of its records.

    Each requested pair is assumed to be as long as its row's texts, and each answer of the teacher as long as the row's
    answer. The teacher is assumed to answer every prompt, also a prompt that is sent with an answer.

    For continued pre-training, a document that several rows share counts once. Two documents of one group that have the
    same number of tokens are taken for the same document.

    :param rate: the token rate of the student's prompts, which are also the prompts of a distillation job.
    """
    training, _ = hold_out(train, use_case)
    originals = original_rows(arm, training)
    if use_case.training.method == PRE_TRAINING:
        documents = {(row["group"], row["document"]) for row in originals}
        return JobTokens(sum(_tokens(text) for _, text in documents)), len(documents)
    rows = rows_of_pairs(arm, training)
    requested = use_case.synthesis.pairs_per_document * len(rows)
    used = requested if arm.synthetic == "all" else min(arm.synthetic, requested)
    share, records = used / len(rows) if rows else 0, len(originals) + used
    if arm.kind != "distilled":
        return JobTokens(sum_tokens(originals, *_TEXTS) + share * sum_tokens(rows, *_TEXTS)), records
    prompts = rate.input_tokens(originals, *_PROMPT_TEXTS) + share * rate.input_tokens(rows, *_PROMPT_TEXTS)
    answers = sum_tokens(originals, "answer") + share * sum_tokens(rows, "answer")
    return JobTokens(prompts + answers, (prompts, answers)), records


def judging_lines(
    use_case: UseCase,
    evaluation: Sequence[Row | RowTokens],
    prices: Prices,
    *,
    judge: str,
    pairs: int,
    rate: TokenRate = TokenRate(),
) -> list[BillLine]:
    """Return the bill lines for one judge that compares ``pairs`` pairs of arms, each in both orders."""
    calls_per_row = 2 * pairs
    # Both answers are assumed to be as long as the row's answer.
    input_tokens = calls_per_row * rate.input_tokens(evaluation, *_TEXTS, "answer")
    output_tokens = calls_per_row * VERDICT_TOKENS * len(evaluation)
    batch = uses_batch(use_case.judging, judge, calls_per_row * len(evaluation))
    return prices.token_lines("judging", judge, input_tokens, output_tokens, batch=batch)
