"""Bytes and text to core values and back. No I/O, no decisions."""
