"""Fault campaigns: the admission pair and the controller killed, frozen, starved, flooded and misled.

`python -m tools.chaos NAME` runs one on loopback, prints its figures beside their targets and ends
with exit code 1 when a target is missed. The short forms are tests (tests/chaos).
"""
