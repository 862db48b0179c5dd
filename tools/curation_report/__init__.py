"""
Measure the effect of the filters on real rows, for the tables of ``docs/explanation/curation.md``.

``python -m tools.curation_report`` prints the tables for the sample, or for the given CSV files.
"""
