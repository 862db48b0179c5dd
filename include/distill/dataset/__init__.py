"""Read CSV files into rows, reject invalid rows, and split the accepted rows into training and evaluation rows."""

from __future__ import annotations
