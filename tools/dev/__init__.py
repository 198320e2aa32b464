"""The product on a control plane of its own: for `make up`, `make demo`, the tests and the benchmarks."""
