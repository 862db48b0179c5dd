"""Read CSV files into rows, reject invalid rows, and split the others into training and evaluation rows."""

from __future__ import annotations
