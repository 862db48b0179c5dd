"""
Run the cases of the clients. There is one script per client.

A script runs one case, in the environment of its client: ``python -m <script> <case>``. It may import nothing of the
repository except this package. It gets the simulator's URL from environment variables that users of the client can also
set. A case that goes wrong raises an exception.
"""
