//! The attacks. Four are there on every day with attacks; up to three more are drawn.

mod network;
mod ransomware;
mod ssh;
mod web;

use std::net::Ipv4Addr;

use crate::dice::HOUR;
use crate::stage::Stage;

type Story = fn(&mut Stage, f64);

const ALWAYS: [Story; 4] =
    [ssh::brute_force, web::exploitation, ransomware::precursor, network::exfiltration];
const SOMETIMES: [Story; 3] =
    [network::password_spray, network::beaconing, ransomware::lateral_movement];

/// Plays the attacks, in an order and at hours of the day that are drawn.
pub(crate) fn play(stage: &mut Stage) {
    let mut stories = ALWAYS.to_vec();
    for story in SOMETIMES {
        if stage.dice.chance(0.6) {
            stories.push(story);
        }
    }
    stage.dice.shuffle(&mut stories);
    for story in stories {
        let hour = stage.dice.range(1.0..=20.0);
        story(stage, hour * HOUR);
    }
}

/// An address that no earlier story has used.
fn new_attacker(stage: &mut Stage) -> Ipv4Addr {
    loop {
        let address = stage.dice.attacker();
        if !stage.is_known_attacker(address) {
            return address;
        }
    }
}
