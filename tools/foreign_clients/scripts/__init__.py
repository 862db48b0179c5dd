"""
One script per client. A script runs one case, in the environment of its client: ``python -m <script> <case>``.

A script may import nothing of the repository except this package. It finds the simulator in the environment variables,
as the client's users do. A case that goes wrong raises an exception.
"""
