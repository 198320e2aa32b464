"""A real Kubernetes control plane on loopback, built from Go modules.

`assets` builds and caches the binaries with the standard library alone; `plane.ControlPlane` runs
etcd, kube-apiserver and kube-controller-manager from them. Nothing is imported here, so that the
build works before any virtual environment exists.
"""
