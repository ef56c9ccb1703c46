use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Who holds how many connections, under a cap for all and a cap for each address.
#[derive(Clone)]
pub(crate) struct Connections {
    held: Arc<Mutex<HashMap<IpAddr, usize>>>,
    max: usize,
    max_per_peer: usize,
}

/// Leave to hold one connection, given back when dropped.
pub(crate) struct Seat {
    connections: Connections,
    address: IpAddr,
}

/// Why a connection is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NotAllowed,
    TooMany,
    TooManyFromPeer,
    /// The TLS handshake failed or took too long.
    Handshake,
}

impl Refusal {
    /// The name in metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NotAllowed => "not_allowed",
            Self::TooMany => "too_many",
            Self::TooManyFromPeer => "too_many_from_peer",
            Self::Handshake => "tls_handshake",
        }
    }
}

impl Connections {
    pub(crate) fn new(max: usize, max_per_peer: usize) -> Self {
        Self { held: Arc::default(), max, max_per_peer }
    }

    /// Takes a seat for this address.
    pub(crate) fn seat(&self, address: IpAddr) -> Result<Seat, Refusal> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.values().sum::<usize>() >= self.max {
            return Err(Refusal::TooMany);
        }
        let from_peer = held.entry(address).or_default();
        if *from_peer >= self.max_per_peer {
            return Err(Refusal::TooManyFromPeer);
        }
        *from_peer += 1;
        Ok(Seat { connections: self.clone(), address })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut held = self.connections.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(from_peer) = held.get_mut(&self.address) {
            *from_peer -= 1;
            if *from_peer == 0 {
                held.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_capped_and_given_back() {
        let [one, two, three] = [1, 2, 3].map(|last| IpAddr::from([192, 0, 2, last]));
        let connections = Connections::new(3, 2);
        let first = connections.seat(one).ok();
        let second = connections.seat(one).ok();
        assert!(first.is_some() && second.is_some());
        assert_eq!(connections.seat(one).err(), Some(Refusal::TooManyFromPeer));
        let third = connections.seat(two).ok();
        assert_eq!(connections.seat(three).err(), Some(Refusal::TooMany));
        drop(first);
        assert!(connections.seat(three).is_ok());
        drop((second, third));
        assert!(connections.held.lock().unwrap().is_empty());
    }
}
