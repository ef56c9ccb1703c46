//! What the appliance tells about itself: one enum of metric names, counters, and the log setup.
//!
//! Knows no other crate of the house; message text never becomes a label. Start reading at
//! [`Metric`].

mod logging;
mod metric;

pub use logging::{LogFormat, init_logging};
pub use metric::{Counter, Metric, Registry};
