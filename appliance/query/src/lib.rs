//! SIEM queries from intents and incidents, valid by construction.
