"""Normalisers: each reads the text of a cell, as people write it, as fields of an award.

A normaliser never guesses: text that has no single reading raises UnreadableValueError. Text that
is read only in part is kept as words beside the fields.
"""
