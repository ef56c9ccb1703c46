//! Training and measuring: the screen, the baselines, the reports.
