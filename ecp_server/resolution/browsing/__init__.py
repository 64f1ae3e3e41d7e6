"""Looking into the catalog, page by page."""
