"""List the frames of the stack without reading their source code."""

from __future__ import annotations

import inspect
import sys
from types import FrameType


def stack_without_sources(context: int = 0) -> list[inspect.FrameInfo]:
    """Return what ``inspect.stack`` returns, but without lines of source code, and with file names as compiled."""
    del context
    frames: list[inspect.FrameInfo] = []
    frame: FrameType | None = sys._getframe(1)
    while frame:
        code = frame.f_code
        frames.append(inspect.FrameInfo(frame, code.co_filename, frame.f_lineno, code.co_name, None, None))
        frame = frame.f_back
    return frames
