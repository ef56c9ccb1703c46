//! Resolution guidance retrieved from the knowledge base, with sources.
