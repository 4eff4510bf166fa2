"""The servers of `make demo` and `make test`: real ones, installed from wheels, that stop with whoever started them.

Nothing here imports Django: these modules run before any settings exist.
"""
