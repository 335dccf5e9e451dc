"""The goals of performance as programs: each starts its servers, and exits with 1 under its goal.

They run from the repository's root, as they share servers and faults with the tests.
"""
