"""Build what Amazon MWAA needs (``make mwaa``), and try it on this machine (``make mwaa-trial``)."""
