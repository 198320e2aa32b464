module ns-provisioner.io/benchmarks

go 1.26.0
