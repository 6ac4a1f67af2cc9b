-- The ledger of one passwave run. Any SQLite tool reads it; start with:  SELECT * FROM report;
-- Times are milliseconds since 1970-01-01 UTC.

-- What was decided once, before anything was sent: settings as JSON, and what the run belongs to.
CREATE TABLE run (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The roster as it was read. Never changed after planning.
CREATE TABLE roster (
    row                 INTEGER PRIMARY KEY,  -- 1 for the first row below the header
    line                INTEGER NOT NULL,     -- line of the file on which it begins
    user_principal_name TEXT    NOT NULL,     -- or the object id
    cells               TEXT    NOT NULL,     -- all its cells, a JSON array
    profile             TEXT,                 -- how its password looks, and what follows; none: as the settings say
    language            TEXT    NOT NULL      -- of the words in its password
) STRICT;

-- Accounts that are not to be touched, whatever the roster says: names or object ids, in lower case.
CREATE TABLE exclusion (
    key TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- What the directory said of each account before anything was sent. Never changed once the plan is complete.
CREATE TABLE looked_up (
    row                 INTEGER PRIMARY KEY REFERENCES roster,
    kind                TEXT    NOT NULL,     -- what that means: ready, disabled, missing, synced, guest, ...
    object_id           TEXT,                 -- under which the account is written; none where it was not found or not told
    user_principal_name TEXT,                 -- as it is in the directory
    password_changed_at INTEGER               -- when its password had been set last
) STRICT;

-- In a sealed run: the keys under which passwords are sealed, one for each process that wrote any. Only the recipients in
-- the settings can open them.
CREATE TABLE data_key (
    number  INTEGER PRIMARY KEY,
    wrapped BLOB    NOT NULL,                 -- a file of age
    made_at INTEGER NOT NULL
) STRICT;

-- What became of each row:  planned -> in_flight -> reset | failed | in_doubt, or back to planned.
-- With writeback:           planned -> in_flight -> accepted -> reset | failed | in_doubt; never back after it was accepted.
-- The checks are spelt out: for a list in IN, SQLite makes a table of its own at each write.
CREATE TABLE account (
    row           INTEGER PRIMARY KEY REFERENCES roster,
    state         TEXT    NOT NULL
        CHECK (state = 'planned' OR state = 'in_flight' OR state = 'accepted' OR state = 'reset'
            OR state = 'failed' OR state = 'in_doubt' OR state = 'skipped'),
    password      ANY,                        -- a text; in a sealed run a blob that begins with the number of its data key
    nth           INTEGER NOT NULL DEFAULT 0, -- passwords that the row had before this one
    doubt         INTEGER NOT NULL DEFAULT 0, -- an answer is lost: 1 this password, 2 an earlier one, 3 either may be in force
    attempts      INTEGER NOT NULL DEFAULT 0, -- times sent
    troubles      INTEGER NOT NULL DEFAULT 0, -- answers that said nothing certain, and conflicts
    not_before    INTEGER NOT NULL DEFAULT 0, -- not to be sent again before this time
    sent_at       INTEGER,                    -- by the directory's clock, as far as that is known
    settled_at    INTEGER,
    error_code    TEXT,
    error_message TEXT,
    request_id    TEXT,
    sessions      TEXT                        -- whether its person must sign in again
        CHECK (sessions = 'due' OR sessions = 'in_flight' OR sessions = 'revoked' OR sessions = 'kept'),
    sessions_code TEXT,                       -- why they are kept
    verified_at   INTEGER,                    -- when the directory showed the change
    verdict       TEXT                        -- what the directory showed last
        CHECK (verdict = 'confirmed' OR verdict = 'not_yet_visible' OR verdict = 'changed_since' OR verdict = 'unread'),
    commitment    BLOB,                       -- hash of the planned password, if it was sealed and another one took its place
    mark          INTEGER NOT NULL,           -- keyed hash of what was planned for the row, its password included
    proof         INTEGER,                    -- keyed hash of how the row ended
    cause         TEXT,                       -- why Graph refused it: permission, not_found, synced, external, password, writeback or other
    method        TEXT                        -- how the password goes to the account; none: Graph writes it itself
        CHECK (method = 'writeback')
) STRICT;

-- Passwords that the service has accepted, or may have accepted, for the on-premises directory.
CREATE TABLE writeback (
    row         INTEGER PRIMARY KEY REFERENCES roster,
    operation   TEXT,                         -- where the operation is followed; none: the answer is lost, or named no address
    accepted_at INTEGER NOT NULL,             -- when the answer came, or when its loss was noticed
    is_accepted INTEGER NOT NULL,             -- 1: the service said so; 0: no answer came
    polls       INTEGER NOT NULL DEFAULT 0,   -- times that someone looked
    tag         INTEGER NOT NULL              -- keyed hash of the row, the operation, and whether it was accepted
) STRICT;

-- Passwords that were each followed by a new one: Graph refused them as too weak, or they are sealed and may have been sent
-- by a process before one that could not read them.
CREATE TABLE replaced (
    row      INTEGER NOT NULL REFERENCES roster,
    nth      INTEGER NOT NULL,                -- passwords that the row had before this one
    password ANY     NOT NULL,
    doubt    INTEGER NOT NULL,                -- 1: an answer to it was lost
    at       INTEGER NOT NULL,
    why      TEXT    NOT NULL CHECK (why IN ('refused', 'sealed')),
    PRIMARY KEY (row, nth)
) STRICT;

-- Each time a process worked on the run to an orderly end.
CREATE TABLE session (
    began_at     INTEGER NOT NULL,
    ended_at     INTEGER NOT NULL,
    first_write  INTEGER,
    last_write   INTEGER,
    batches      INTEGER NOT NULL,
    writes       INTEGER NOT NULL,            -- accounts sent, each time counted
    throttled    INTEGER NOT NULL,            -- of these, answered 429
    settled      INTEGER NOT NULL,            -- accounts that Graph answered for good
    revoked      INTEGER NOT NULL,            -- accounts whose sessions were revoked, or not, for good
    write_quota  TEXT    NOT NULL
) STRICT;

-- Times in which a process sent nothing, for the picture of the run; close ones are joined, so that they stay few.
CREATE TABLE moment (
    at        INTEGER NOT NULL,
    hold      TEXT    NOT NULL                -- what stood against sending: a 429, or no network or service
        CHECK (hold IN ('asked', 'away')),
    millis    INTEGER NOT NULL,               -- how long
    throttled INTEGER NOT NULL                -- answers 429 that came with it
) STRICT;

-- Whether users have chosen a password of their own since the reset, as far as a sweep has asked.
CREATE TABLE claim (
    row        INTEGER PRIMARY KEY REFERENCES roster,
    claimed    TEXT NOT NULL CHECK (claimed = 'yes' OR claimed = 'no' OR claimed = 'unread'),
    claimed_at INTEGER                        -- when they did, by the directory's clock
) STRICT;

-- Records of the tenant's audit log about the resets of rows, as far as they were read and found.
CREATE TABLE audit (
    row      INTEGER PRIMARY KEY REFERENCES roster,
    record   TEXT    NOT NULL,                -- its id
    activity TEXT    NOT NULL,
    at       INTEGER NOT NULL,                -- by the directory's clock
    result   TEXT,
    matched  TEXT    NOT NULL                 -- how it was found, besides account and time: by our id of the request, of a batch, or neither
        CHECK (matched = 'request' OR matched = 'batch' OR matched = 'time')
) STRICT;

-- Each sweep that ended, with its counts.
CREATE TABLE sweep (
    at     INTEGER NOT NULL,
    yes    INTEGER NOT NULL,
    no     INTEGER NOT NULL,
    unread INTEGER NOT NULL
) STRICT;

CREATE VIEW report AS
SELECT
    roster.row,
    roster.line,
    coalesce(looked_up.user_principal_name, roster.user_principal_name) AS user_principal_name,
    CASE WHEN state IN ('planned', 'in_flight', 'accepted') THEN 'pending' ELSE state END AS status,
    CASE
        WHEN state IN ('failed', 'skipped') THEN NULL
        WHEN state = 'in_doubt' AND account.doubt = 2 THEN
            (SELECT password FROM replaced WHERE replaced.row = account.row AND replaced.doubt = 1 ORDER BY nth DESC LIMIT 1)
        ELSE account.password
    END AS password,
    account.nth,
    error_code,
    error_message,
    attempts,
    request_id,
    CASE WHEN state = 'reset' THEN settled_at END AS changed_at,
    account.doubt,
    verified_at,
    verdict,
    sessions,
    sessions_code,
    roster.user_principal_name AS roster_name,
    roster.profile,
    roster.language,
    roster.cells
FROM roster JOIN account USING (row) LEFT JOIN looked_up USING (row)
ORDER BY roster.row;
