"""The performance goals as programs. Each starts its servers, and exits with 1 for a missed goal.

They run from the root of the repository, because they share servers and faults with the tests.
"""
