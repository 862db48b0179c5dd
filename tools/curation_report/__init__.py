"""
What the filters of ``include/distill/curation/filters.py`` do to real rows: the tables of ``docs/curation.md``.

``python -m tools.curation_report`` prints them for the sample, or for the CSV files it is given.
"""
