"""Adapters of the vector port."""
