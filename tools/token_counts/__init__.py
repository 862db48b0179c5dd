"""Measure real token counts. Tests compare the pipeline's token estimates with them."""
