"""The admission pair beside a Go server that makes the same decision, and one that makes none.

`run` says what is measured in which order; `benchmarks/go` holds the Go programs.
"""
