CREATE TABLE ecp_state.resolution (
    id text COLLATE "C" PRIMARY KEY,
    owner text NOT NULL,
    request bytea NOT NULL,
    response bytea NOT NULL,
    catalog_version text NOT NULL,
    as_of timestamptz NOT NULL,
    settled boolean NOT NULL,
    choices jsonb NOT NULL,
    create_time timestamptz NOT NULL,
    expire_time timestamptz NOT NULL,
    asked text[] NOT NULL,
    reads jsonb NOT NULL
);

CREATE TABLE ecp_state.execution (
    id text COLLATE "C" PRIMARY KEY,
    resolution_id text COLLATE "C" NOT NULL,
    request bytea NOT NULL,
    response bytea NOT NULL,
    result bytea NOT NULL,
    table_digest text NOT NULL,
    create_time timestamptz NOT NULL
);

CREATE INDEX execution_of_resolution ON ecp_state.execution (resolution_id, create_time, id);

CREATE TABLE ecp_state.audit (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    time timestamptz NOT NULL,
    request_id text NOT NULL,
    method text NOT NULL,
    subject text NOT NULL,
    actor text NOT NULL,
    department text NOT NULL,
    roles text[] NOT NULL,
    verified boolean NOT NULL,
    outcome text NOT NULL,
    resolution_id text NOT NULL,
    catalog_version text NOT NULL,
    policies text[] NOT NULL,
    products text[] NOT NULL,
    plan_digest text NOT NULL,
    execution_id text NOT NULL,
    executed_digest text NOT NULL
);

CREATE FUNCTION ecp_state.refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;

CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ecp_state.audit
    FOR EACH STATEMENT EXECUTE FUNCTION ecp_state.refuse_change();

-- What a probe writes: a full disk can still be read.
CREATE TABLE ecp_state.liveness (
    id integer PRIMARY KEY CHECK (id = 1),
    time timestamptz NOT NULL
);
