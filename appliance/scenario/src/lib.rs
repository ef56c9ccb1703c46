//! A day of a small company as syslog, with attacks hidden in it.
