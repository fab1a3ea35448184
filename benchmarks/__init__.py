"""Measured comparisons with other tools: paired, pinned, in one run. `python -m benchmarks.proxying` and its neighbours.

A figure means something only beside another one taken at the same moment on the same machine, so floors are ratios. Raw samples
are kept under `benchmarks/results/`, and a run ends with exit code 1 where a ratio is under its floor.
"""
