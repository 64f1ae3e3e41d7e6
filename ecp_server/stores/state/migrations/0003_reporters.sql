CREATE INDEX precedent_of_reporter ON ecp_state.precedent (reporter, create_time, id);
