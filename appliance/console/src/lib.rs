//! The local web console and its API.
