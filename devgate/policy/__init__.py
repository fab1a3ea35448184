"""Decisions: pure state machines and rules, each one idea.

Nothing here does IO, reads a clock, draws a random number or calls back. Time comes in as `now` (monotonic seconds), a draw as a
number in [0, 1), and what was decided goes out as a value. Whoever asks, acts and publishes. So every rule can be tested as a
table of questions and answers.
"""
