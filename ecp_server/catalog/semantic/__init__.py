"""Reads the semantic model, `semantic/*.yml` in Cube's YAML data model."""
