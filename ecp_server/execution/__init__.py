"""The path of an execution: authorize again, narrow, run, compute, validate, record."""
