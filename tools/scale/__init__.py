"""The controller with many namespaces: start, rest, repair, churn, and whether it grows.

`python -m tools.scale` loads a control plane of its own, prints figures beside their targets and ends
with exit code 1 when a target is missed. A short form is a test (tests/scale).
"""
