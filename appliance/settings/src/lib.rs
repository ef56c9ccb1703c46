//! The configuration of the appliance: one TOML file and the fragments beside it, assembled,
//! checked and documented.
//!
//! Each crate owns the type of its own table; here they are put together, read with errors that
//! name the key, the line and the nearest known key, and turned into the reference that
//! `vedette config reference` prints. Knows every crate's config type and nothing else. Start
//! reading at [`Settings`] and [`load`].

mod error;
mod keys;
mod load;
mod reference;
mod settings;
#[cfg(test)]
mod tests;

pub use error::SettingsError;
pub use load::{Loaded, Origin, load};
pub use reference::reference;
pub use settings::{Device, Model, ModelDevice, Paths, Settings};
