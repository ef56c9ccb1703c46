-- Searches are bounded by the time of receipt. The program one version older is right without the
-- index on the line's own time, only slower.
CREATE INDEX events_received ON events (received_at);
DROP INDEX events_occurred;
