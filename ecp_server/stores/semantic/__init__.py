"""Adapters of the Semantic port."""
