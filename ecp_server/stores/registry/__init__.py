"""Adapters of the registry port."""
