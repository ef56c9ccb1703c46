//! The appliance as its users meet it: the real binary, real sockets, real peers.

mod appliance;
mod bench;
mod browser;
mod clock;
mod commands;
mod console;
mod crash;
mod damage;
mod desk;
mod errors;
mod evidence;
mod forwarders;
mod hostile;
mod imports;
mod lines;
mod packages;
mod systemd;
mod worker;
