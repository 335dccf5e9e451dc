"""How good the order of search's answers is, beside BM25 and plain ts_rank; see `__main__`."""
