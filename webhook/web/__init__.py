"""The HTTP edge: thin endpoints around the codec and the core. Nothing is decided here."""
