"""Bytes to core values and back. No I/O beyond reading the catalogue file, no decisions."""
