//! How each device writes its lines. Every module adds methods to [`crate::stage::Stage`]; the first
//! argument is always the time of day in seconds.

pub(crate) mod appliances;
pub(crate) mod firewall;
pub(crate) mod linux;
pub(crate) mod mail;
pub(crate) mod sensor;
pub(crate) mod web;
pub(crate) mod windows;
