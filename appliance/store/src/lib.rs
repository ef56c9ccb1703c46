//! The log store: one writer, many readers, the outbox.
