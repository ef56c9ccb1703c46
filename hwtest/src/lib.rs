//! Hardware self-test: disk, memory, clock.
