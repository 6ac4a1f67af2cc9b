-- Version 1: the ledgers of any number of runs. Each table has the run's number in its key; the rest is as in a run folder's
-- ledger. Times are milliseconds since 1970-01-01 UTC, except where a column has a type for them.

CREATE TABLE passwave.run (
    run         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    run_id      text NOT NULL UNIQUE,
    planned_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    ledger      integer NOT NULL,             -- version of the ledger's tables
    is_finished boolean NOT NULL DEFAULT false,
    commits     bigint NOT NULL DEFAULT 0,    -- how often the ledger was changed
    epoch       bigint NOT NULL DEFAULT 0,    -- how often the run was taken; only the process with the last epoch may write
    holder      text,                         -- the process that works on it, as a random id; none: it was given back
    holder_name text,
    until       timestamptz,                  -- when another process may take it
    stopped_by  text,                         -- why it stopped, if a person has to look at it; taking the run clears it
    directory   text,                         -- Graph's host and the tenant that it writes to, once it has started
    begun_at    timestamptz,                  -- when it has started last
    system_id   text,                         -- the server that has confirmed the last commit, and its timeline
    timeline    bigint
);

-- What processes share of the limits of an application in a tenant: when each bucket is full again.
CREATE TABLE passwave.quota (
    tenant      text NOT NULL,
    application text NOT NULL,
    name        text NOT NULL,
    full_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant, application, name)
);

CREATE TABLE passwave.note (
    run   bigint NOT NULL REFERENCES passwave.run ON DELETE CASCADE,
    name  text NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (run, name)
);

CREATE TABLE passwave.roster (
    run                 bigint NOT NULL REFERENCES passwave.run ON DELETE CASCADE,
    "row"               bigint NOT NULL,
    line                bigint NOT NULL,
    user_principal_name text NOT NULL,
    cells               text NOT NULL,
    profile             text,
    language            text NOT NULL,
    PRIMARY KEY (run, "row")
);

CREATE TABLE passwave.exclusion (
    run bigint NOT NULL REFERENCES passwave.run ON DELETE CASCADE,
    key text NOT NULL,
    PRIMARY KEY (run, key)
);

CREATE TABLE passwave.looked_up (
    run                 bigint NOT NULL REFERENCES passwave.run ON DELETE CASCADE,
    "row"               bigint NOT NULL,
    kind                text NOT NULL,
    object_id           text,
    user_principal_name text,
    password_changed_at bigint,
    PRIMARY KEY (run, "row")
);

CREATE TABLE passwave.data_key (
    run     bigint NOT NULL REFERENCES passwave.run ON DELETE CASCADE,
    number  bigint NOT NULL,
    wrapped bytea NOT NULL,
    made_at bigint NOT NULL,
    PRIMARY KEY (run, number)
);

CREATE TABLE passwave.account (
    run           bigint NOT NULL REFERENCES passwave.run ON DELETE CASCADE,
    "row"         bigint NOT NULL,
    state         text NOT NULL,
    password      text,                       -- in the clear; none in a sealed run
    sealed        bytea,                      -- sealed; it begins with the number of its data key
    nth           bigint NOT NULL,
    doubt         bigint NOT NULL,
    attempts      bigint NOT NULL,
    troubles      bigint NOT NULL,
    not_before    bigint NOT NULL,
    sent_at       bigint,
    settled_at    bigint,
    error_code    text,
    error_message text,
    request_id    text,
    sessions      text,
    sessions_code text,
    verified_at   bigint,
    verdict       text,
    commitment    bytea,
    mark          bigint NOT NULL,
    proof         bigint,
    cause         text,
    method        text,
    PRIMARY KEY (run, "row")
);

CREATE TABLE passwave.writeback (
    run         bigint NOT NULL REFERENCES passwave.run ON DELETE CASCADE,
    "row"       bigint NOT NULL,
    operation   text,
    accepted_at bigint NOT NULL,
    is_accepted bigint NOT NULL,
    polls       bigint NOT NULL,
    tag         bigint NOT NULL,
    PRIMARY KEY (run, "row")
);

CREATE TABLE passwave.replaced (
    run      bigint NOT NULL REFERENCES passwave.run ON DELETE CASCADE,
    entry    bigint NOT NULL,
    "row"    bigint NOT NULL,
    nth      bigint NOT NULL,
    password text,
    sealed   bytea,
    doubt    bigint NOT NULL,
    at       bigint NOT NULL,
    why      text NOT NULL,
    PRIMARY KEY (run, entry)
);

CREATE TABLE passwave.session (
    run         bigint NOT NULL REFERENCES passwave.run ON DELETE CASCADE,
    entry       bigint NOT NULL,
    began_at    bigint NOT NULL,
    ended_at    bigint NOT NULL,
    first_write bigint,
    last_write  bigint,
    batches     bigint NOT NULL,
    writes      bigint NOT NULL,
    throttled   bigint NOT NULL,
    settled     bigint NOT NULL,
    revoked     bigint NOT NULL,
    write_quota text NOT NULL,
    PRIMARY KEY (run, entry)
);

CREATE TABLE passwave.moment (
    run       bigint NOT NULL REFERENCES passwave.run ON DELETE CASCADE,
    entry     bigint NOT NULL,
    at        bigint NOT NULL,
    hold      text NOT NULL,
    millis    bigint NOT NULL,
    throttled bigint NOT NULL,
    PRIMARY KEY (run, entry)
);

CREATE TABLE passwave.claim (
    run        bigint NOT NULL REFERENCES passwave.run ON DELETE CASCADE,
    "row"      bigint NOT NULL,
    claimed    text NOT NULL,
    claimed_at bigint,
    PRIMARY KEY (run, "row")
);

CREATE TABLE passwave.audit (
    run      bigint NOT NULL REFERENCES passwave.run ON DELETE CASCADE,
    "row"    bigint NOT NULL,
    record   text NOT NULL,
    activity text NOT NULL,
    at       bigint NOT NULL,
    result   text,
    matched  text NOT NULL,
    PRIMARY KEY (run, "row")
);

CREATE TABLE passwave.sweep (
    run    bigint NOT NULL REFERENCES passwave.run ON DELETE CASCADE,
    entry  bigint NOT NULL,
    at     bigint NOT NULL,
    yes    bigint NOT NULL,
    no     bigint NOT NULL,
    unread bigint NOT NULL,
    PRIMARY KEY (run, entry)
);

-- The server samples columns for its statistics, but no passwords and no keys.
ALTER TABLE passwave.note ALTER value SET STATISTICS 0;
ALTER TABLE passwave.account ALTER password SET STATISTICS 0, ALTER sealed SET STATISTICS 0, ALTER commitment SET STATISTICS 0;
ALTER TABLE passwave.replaced ALTER password SET STATISTICS 0, ALTER sealed SET STATISTICS 0;
ALTER TABLE passwave.data_key ALTER wrapped SET STATISTICS 0;

-- For people. The program does not read it.
CREATE VIEW passwave.report AS
SELECT
    run.name AS run,
    roster."row",
    coalesce(looked_up.user_principal_name, roster.user_principal_name) AS user_principal_name,
    CASE WHEN state IN ('planned', 'in_flight', 'accepted') THEN 'pending' ELSE state END AS status,
    error_code,
    error_message,
    attempts,
    request_id,
    CASE WHEN state = 'reset' THEN to_timestamp(settled_at / 1000.0) END AS changed_at
FROM passwave.run
JOIN passwave.roster USING (run)
JOIN passwave.account USING (run, "row")
LEFT JOIN passwave.looked_up USING (run, "row");
