"""
Measure what the filters do to real rows: the tables of ``docs/explanation/curation.md``.

``python -m tools.curation_report`` prints them for the sample, or for the CSV files it is given.
"""
