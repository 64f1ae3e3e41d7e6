CREATE TABLE ecp_state.feedback (
    id text COLLATE "C" PRIMARY KEY,
    resolution_id text COLLATE "C" NOT NULL,
    reporter text NOT NULL,
    verdict text NOT NULL,
    digest text NOT NULL,
    feedback bytea NOT NULL,
    create_time timestamptz NOT NULL
);

CREATE INDEX feedback_on_resolution ON ecp_state.feedback (resolution_id, create_time, id);

CREATE TABLE ecp_state.precedent (
    id text COLLATE "C" PRIMARY KEY,
    department text COLLATE "C" NOT NULL,
    words text NOT NULL,
    mention text NOT NULL,
    kind text NOT NULL,
    option_id text NOT NULL,
    resolution_id text COLLATE "C" NOT NULL,
    feedback_id text COLLATE "C" NOT NULL,
    reporter text NOT NULL,
    create_time timestamptz NOT NULL
);

CREATE INDEX precedent_of_department ON ecp_state.precedent (department, create_time, id);
CREATE INDEX precedent_by_time ON ecp_state.precedent (create_time, id);

-- Under the id of the precedent: servers add rows and change none.
CREATE TABLE ecp_state.revocation (
    id text COLLATE "C" PRIMARY KEY,
    revoker text NOT NULL,
    reason text NOT NULL,
    create_time timestamptz NOT NULL
);
