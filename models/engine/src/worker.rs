//! The process that answers over a Unix socket: frames, serving, and the walls around it.

mod frame;
mod process;
mod sandbox;
mod selection;
mod serve;

pub use frame::{FrameError, read_frame, write_frame};
pub use process::{
    close_inherited, keep_large_memory_apart, release_free_memory, resident_bytes, yield_to_others,
};
pub use sandbox::{Walls, enclose};
pub use selection::{Chosen, Selected, bundle, selected, sentences};
pub use serve::{Service, serve_connection, serve_listener};
