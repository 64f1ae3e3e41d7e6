-- Tells what the catalog was read from (`content_digest`), so that the same files need not be read again; "" where unknown.
ALTER TABLE ecp_registry.catalog ADD COLUMN source text NOT NULL DEFAULT '';
