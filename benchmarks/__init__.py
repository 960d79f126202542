"""Measures whole runs against their floors; `python -m benchmarks --help`."""
