//! The configuration file: assembled, checked, documented.
