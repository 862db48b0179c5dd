"""Have the teacher write new question-answer pairs for each row."""

from __future__ import annotations
