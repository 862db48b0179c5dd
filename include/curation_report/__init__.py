"""
What the filters of ``include/distill/curation.py`` do to real rows: the tables of ``docs/curation.md``.

``python -m include.curation_report`` prints them for the sample, or for the CSV files it is given.
"""
