"""The container image and its release: bill of materials, a build without an engine, workflow checks."""
