//! Decides what a log line means: templates, screen, rules, correlation, risk.
