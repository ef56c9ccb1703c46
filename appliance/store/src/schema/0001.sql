-- Times are microseconds since 1970, UTC. JSON columns hold the types of vedette-event.
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at INTEGER NOT NULL,
    stamped_at INTEGER,
    occurred_at INTEGER GENERATED ALWAYS AS (coalesce(stamped_at, received_at)) VIRTUAL,
    peer TEXT,
    transport TEXT NOT NULL,
    facility INTEGER,
    severity INTEGER,
    host TEXT,
    app TEXT,
    proc_id TEXT,
    msg_id TEXT,
    dataset TEXT,
    fields TEXT,
    raw BLOB NOT NULL,
    message_offset INTEGER NOT NULL,
    message TEXT,
    defects TEXT
) STRICT;
CREATE INDEX events_occurred ON events (occurred_at);

CREATE TABLE sources (
    source TEXT PRIMARY KEY,
    stored INTEGER NOT NULL,
    parsed INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE verdicts (
    event INTEGER PRIMARY KEY,
    verdict TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE incidents (
    id INTEGER PRIMARY KEY,
    status TEXT NOT NULL,
    risk INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    body TEXT NOT NULL,
    outcome TEXT
) STRICT;
CREATE INDEX incidents_risk ON incidents (status, risk);

CREATE TABLE members (
    incident INTEGER NOT NULL,
    event INTEGER NOT NULL,
    PRIMARY KEY (incident, event)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_event ON members (event);

CREATE TABLE filings (
    incident INTEGER PRIMARY KEY,
    filed_at INTEGER NOT NULL,
    queries TEXT NOT NULL,
    resolution TEXT
) STRICT;

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    connector TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    incident INTEGER NOT NULL,
    draft TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt INTEGER,
    external_id TEXT,
    url TEXT,
    error TEXT,
    UNIQUE (connector, correlation_id)
) STRICT;
CREATE INDEX outbox_due ON outbox (next_attempt) WHERE state = 'pending';
CREATE INDEX outbox_incident ON outbox (incident);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit
    BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
    BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;

CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What the store remembers for itself: the watermark of triage.
CREATE TABLE marks (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
