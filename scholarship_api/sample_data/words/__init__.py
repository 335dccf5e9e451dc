"""Word lists of the synthetic catalogue.

The order of a list has a meaning: values are drawn with a Zipf-like weight, so that the first ones
become the common words of the catalogue and the last ones the rare words.
"""
