-- Log lines lie in segments (files of compressed blocks) and, until a block is full, in the journal.
-- The program one version older finds its table of events empty and goes on numbering where this one
-- ended; what it stores there moves into blocks when this one comes back.
CREATE TABLE blocks (
    first INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    filter_bytes INTEGER NOT NULL,
    received_min INTEGER NOT NULL,
    received_max INTEGER NOT NULL,
    damaged INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX blocks_received ON blocks (received_max);

-- Increments of the block in the making, in order.
CREATE TABLE journal (
    first INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;

-- A line of each source that no device decoder knew, for whoever wants to mend that.
ALTER TABLE sources ADD COLUMN unparsed TEXT;
