"""Measurements beside a reference in the same run. Ratios count; absolute figures are this machine's."""
