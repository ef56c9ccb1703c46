//! The knowledge base: ATT&CK facts, runbooks, dialects, intelligence.
