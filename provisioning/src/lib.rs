//! Device identity: key, id, certificate, claim code.
