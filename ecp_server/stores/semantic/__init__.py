"""Adapters of the semantic-layer port."""
