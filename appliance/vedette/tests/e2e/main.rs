//! The appliance as its users meet it: the real binary, real sockets, real peers.

mod appliance;
mod forwarders;
