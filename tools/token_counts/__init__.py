"""Measure the real token counts against which the pipeline's token estimates are tested."""
