"""Compare the judges' verdicts on a run with people's labels: how often they agree, and where they disagree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from include.distill.evaluation.records import Outcome, Verdict
from include.distill.evaluation.verdicts import find_disagreements, resolve
from include.distill.labeling.records import Label
from include.distill.report.records import ReportDisagreement
from include.distill.stats.agreement import Agreement, agreement_table


def human_verdicts(labels: Iterable[Label]) -> dict[tuple[str, str, str], dict[str, Outcome]]:
    """Return the verdicts from people on each question, keyed by candidate, baseline and row id, then by labeler."""
    verdicts: dict[tuple[str, str, str], dict[str, Outcome]] = defaultdict(dict)
    for label in labels:
        # Values are not checked when labels are read, and a person may have edited the file with the labels.
        if label["verdict"] in ("candidate", "baseline", "tie"):
            verdicts[(label["candidate"], label["baseline"], label["row_id"])][label["labeller"]] = label["verdict"]
    return dict(verdicts)


def agreement_records(
    verdicts: Iterable[Verdict], groups: Mapping[str, str], labels: Iterable[Label] = ()
) -> list[Agreement]:
    """
    Compute the agreement of each pair of raters, over all pairs of arms. Judges come before people.

    Unparsable replies are left out, because they express no opinion. Ties between equal answers are left out, because
    no judge was called for them.

    :param groups: document group of each row id.
    """
    raters: dict[str, dict[tuple[str, str, str], str]] = defaultdict(dict)
    for question in resolve(verdicts):
        if question.outcome != "unparsable" and not question.same:
            item = (question.candidate, question.baseline, question.row_id)
            raters[question.judge][item] = question.outcome
    for item, by_person in human_verdicts(labels).items():
        for person, verdict in by_person.items():
            raters[f"{person} (person)"][item] = verdict
    return agreement_table(raters, lambda item: groups[item[2]])


def disagreement_rows(
    verdicts: Iterable[Verdict],
    answers: Mapping[str, Mapping[str, str]],
    questions: Mapping[str, str],
    labels: Iterable[Label] = (),
) -> list[ReportDisagreement]:
    """
    Return the questions on which judges or people disagree, with both answers.

    Questions that a person labeled come first, and all other questions follow. In each of these two parts, questions
    with opposite winners come before questions with a winner and a tie.

    :param verdicts: verdicts of all judges. Those on the pair of arms in the report's verdict come first.
    :param answers: answers of each arm by row id, keyed by arm.
    :param questions: questions by row id.
    """
    verdicts = list(verdicts)
    pairs = list(dict.fromkeys((verdict["candidate"], verdict["baseline"]) for verdict in verdicts))
    return [
        {
            **disagreement,
            "question": questions[disagreement["row_id"]],
            "candidate_answer": answers[disagreement["candidate"]][disagreement["row_id"]],
            "baseline_answer": answers[disagreement["baseline"]][disagreement["row_id"]],
        }
        for disagreement in find_disagreements(resolve(verdicts), human_verdicts(labels), pairs=pairs)
    ]
