"""The outside world: the only code that imports kubernetes, reads clocks or opens key files."""
