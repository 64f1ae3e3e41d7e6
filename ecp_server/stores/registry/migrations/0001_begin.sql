-- The catalogs that were published, in their order; the last one is in force. Nothing is ever changed or deleted but the
-- ends of what a later one replaced, so that every catalog can be read as it was.
CREATE TABLE ecp_registry.catalog (
    number integer PRIMARY KEY,
    version text COLLATE "C" NOT NULL,
    published timestamptz NOT NULL DEFAULT now(),
    publisher text NOT NULL,
    note text NOT NULL,
    items integer NOT NULL,
    added integer NOT NULL,
    changed integer NOT NULL,
    removed integer NOT NULL,
    -- What keyword scores depend on: how many items have words, and how many words those have.
    documents integer NOT NULL,
    words bigint NOT NULL
);

CREATE INDEX catalog_of_version ON ecp_registry.catalog (version, number);

-- One part of a catalog, in the catalogs from the one number to before the other.
CREATE TABLE ecp_registry.item (
    key bigint PRIMARY KEY,
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    since integer NOT NULL REFERENCES ecp_registry.catalog (number),
    until integer REFERENCES ecp_registry.catalog (number),
    digest bytea NOT NULL,
    body jsonb NOT NULL,
    words integer NOT NULL,
    -- The metrics that a metric is computed from, and the tables that a metric reads or a contract is about.
    inputs text[] NOT NULL,
    tables text[] NOT NULL,
    UNIQUE (kind, id, since)
);

CREATE UNIQUE INDEX item_in_force ON ecp_registry.item (kind, id) WHERE until IS NULL;
CREATE INDEX item_replaced ON ecp_registry.item (until) WHERE until IS NOT NULL;
CREATE INDEX contract_of_table ON ecp_registry.item USING gin (tables) WHERE kind = 'contract';

-- How often an item with words says a stem.
CREATE TABLE ecp_registry.posting (
    stem text COLLATE "C" NOT NULL,
    item bigint NOT NULL REFERENCES ecp_registry.item (key),
    kind text COLLATE "C" NOT NULL,
    times integer NOT NULL,
    words integer NOT NULL,
    since integer NOT NULL,
    until integer
);

CREATE INDEX posting_of_stem ON ecp_registry.posting (stem);
CREATE INDEX posting_of_item ON ecp_registry.posting (item);
