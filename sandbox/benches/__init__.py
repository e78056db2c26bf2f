"""What `killreport bench` measures: one module per claim of speed, each as a ratio in the same run.

Everything runs on this machine's loopback, in a directory that is removed afterwards. A new bench is a module here
with a coroutine that returns `Measured`, and a line in `catalogue.py`.
"""
