"""The path from a question to its resolution, one file a step; `resolve` has their order."""
