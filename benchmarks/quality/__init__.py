"""How well the search understands and ranks, judged by labels and public collections; see
`__main__`."""
