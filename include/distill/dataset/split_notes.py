"""Describe what is unusual about a split: related documents, templates, or the share of evaluation rows."""

from __future__ import annotations

from collections.abc import Iterator

from include.distill.config.sections import SourceData
from include.distill.dataset.records import SourceCounts, SplitFigures

# A note is written if at least this share of the documents is affected.
_NOTABLE_SHARE = 0.1
_LARGE_GROUP_SHARE = 0.25  # a note is written if one group has more than this share of the rows


def split_notes(source: SourceData, counts: SourceCounts) -> list[str]:
    """Return sentences about the split of a run; empty if nothing is unusual."""
    figures = counts.get("split")
    return list(_notes(source, counts, figures)) if figures else []


def _notes(source: SourceData, counts: SourceCounts, figures: SplitFigures) -> Iterator[str]:
    documents, groups = figures["evaluation_documents"], figures["evaluation_groups"]
    notable = max(2, _NOTABLE_SHARE * documents)
    if not source.group_column and (documents - groups >= notable or figures["same_title_documents"] >= notable):
        yield (
            f"The {documents} evaluation documents form {groups} groups of related documents;"
            f" {figures['same_title_documents']} begin with the same words as another one. If a column of the files"
            " names the page or the source of a row, set source.group_column to this column. The confidence intervals"
            " then take all related rows into account."
        )
    if figures["template_documents"] >= max(3, _NOTABLE_SHARE * figures["documents"]):
        yield (
            f"{figures['template_documents']} of {figures['documents']} documents consist mostly of text that many"
            " documents have, as documents written from a template do. This text was ignored when the documents were"
            " compared. If such documents belong together, name their groups in a column of the files, and set"
            " source.group_column to this column."
        )
    if figures["largest_group_rows"] > _LARGE_GROUP_SHARE * counts["accepted"] and figures["groups"] > 1:
        yield (
            f"One group of related documents has {figures['largest_group_rows']} of the {counts['accepted']} accepted"
            " rows. If these documents are different, raise source.same_document_similarity or set"
            " source.shared_passages: warn."
        )
    if not figures["is_near_share"]:
        yield (
            f"{counts['evaluation']} of {counts['accepted']} rows are evaluation rows, because related documents are"
            " kept on one side. Use more documents, or provide source.evaluation_csv, to get closer to"
            f" source.evaluation_share ({source.evaluation_share:g})."
        )
    if figures["kept_leaks"]:
        yield (
            f"{figures['kept_leaks']} training rows are used although their documents contain passages or answers of"
            " evaluation documents (source.shared_passages: warn). The result can look better than it is. To reject"
            " these rows, set source.shared_passages: drop."
        )
    if figures["generic_question_rows"]:
        yield (
            f"{figures['generic_question_rows']} evaluation rows ask a question that many rows ask. Training rows may"
            " ask this question too, because its answer depends on the document."
        )
