"""Adapters of the state port."""
