//! The appliance as its users meet it: the real binary, real sockets, real peers.

mod appliance;
mod browser;
mod commands;
mod console;
mod crash;
mod desk;
mod errors;
mod forwarders;
mod hostile;
mod lines;
mod systemd;
mod worker;
