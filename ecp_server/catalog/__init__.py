"""Catalog files: their format, loading, checking and publishing."""
