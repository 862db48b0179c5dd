"""Format amounts of money."""

from __future__ import annotations


def usd_text(amount: float) -> str:
    """Format an amount in US dollars with two decimals, or with four decimals below one cent: ``$1,234.50``."""
    return f"${amount:,.2f}" if amount >= 0.01 or amount == 0 else f"${amount:.4f}"
