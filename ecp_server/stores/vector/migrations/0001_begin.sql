-- Needs the rights of a superuser, or an administrator who has done it already.
CREATE EXTENSION IF NOT EXISTS vector;

-- The catalogs that were published, in their order.
CREATE TABLE ecp_vector.catalog (
    number integer PRIMARY KEY,
    version text COLLATE "C" NOT NULL,
    published timestamptz NOT NULL DEFAULT now(),
    -- What made the vectors: those of another model cannot be compared with them.
    model text NOT NULL,
    -- How many assets of each kind have a vector.
    kinds jsonb NOT NULL
);

CREATE INDEX catalog_of_version ON ecp_vector.catalog (version, number);

-- The vector of an asset in the catalogs from the one number to before the other; none where its words say nothing.
CREATE TABLE ecp_vector.embedding (
    key bigint PRIMARY KEY,
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    since integer NOT NULL REFERENCES ecp_vector.catalog (number),
    until integer REFERENCES ecp_vector.catalog (number),
    -- Of the model and the words.
    digest bytea NOT NULL,
    vector vector(256),
    UNIQUE (kind, id, since)
);

CREATE UNIQUE INDEX embedding_in_force ON ecp_vector.embedding (kind, id) WHERE until IS NULL;
CREATE INDEX embedding_replaced ON ecp_vector.embedding (until) WHERE until IS NOT NULL;
CREATE INDEX embedding_near ON ecp_vector.embedding USING hnsw (vector vector_cosine_ops) WHERE until IS NULL;
