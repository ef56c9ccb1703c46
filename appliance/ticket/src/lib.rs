//! Tickets out of the outbox into service desks.
