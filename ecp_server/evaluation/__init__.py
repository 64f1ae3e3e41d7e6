"""Scores a server's answers against the golden questions of a catalog (docs/golden.md)."""
