use std::collections::HashSet;

use super::*;

/// More than enough to meet every branch of the stories.
const SEEDS: std::ops::Range<u64> = 0..12;
/// What the product promises to read whole over UDP.
const MOST_LINE_BYTES: usize = 2048;

fn day(seed: u64) -> Day {
    Day::generate(seed, Options::default())
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    assert_eq!(day(7), day(7));
}

#[test]
fn another_seed_gives_another_day() {
    let lines = |seed| day(seed).events.into_iter().map(|event| event.line).collect::<HashSet<_>>();
    assert_eq!(lines(1).intersection(&lines(2)).count(), 0);
    let domains: HashSet<_> = SEEDS.map(|seed| day(seed).domain).collect();
    assert!(domains.len() > SEEDS.count() / 2, "{domains:?}");
}

#[test]
fn lines_are_sorted_framed_and_short() {
    for seed in SEEDS {
        let day = day(seed);
        assert!(day.events.is_sorted_by_key(|event| event.at), "seed {seed}");
        let target = Options::default().lines;
        assert!((target..target + 300).contains(&day.events.len()), "{}", day.events.len());
        for event in &day.events {
            let text = String::from_utf8_lossy(&event.line);
            assert!(event.line.len() <= MOST_LINE_BYTES && !text.contains('\n'), "{text}");
            assert_eq!(event.at.date(), day.date, "{text}");
            let pri = text.strip_prefix('<').and_then(|rest| rest.split_once('>')).unwrap();
            assert!(pri.0.parse::<u8>().unwrap() <= 191, "{text}");
            assert!(event.source.0 < day.senders.len());
        }
    }
}

#[test]
fn every_story_has_its_lines_and_its_blame() {
    for seed in SEEDS {
        let day = day(seed);
        assert!(day.real_attacks().count() >= 4, "seed {seed}");
        assert_eq!(day.red_herrings().count(), 9);
        for attack in &day.attacks {
            assert!(day.lines_of(attack.id).count() >= 3, "{attack:?}");
            for address in &attack.attackers {
                let address = address.to_string();
                let told = day
                    .lines_of(attack.id)
                    .any(|event| String::from_utf8_lossy(&event.line).contains(&address));
                assert!(told, "seed {seed}: no line of {attack:?} names {address}");
            }
            assert_eq!(attack.is_red_herring, attack.techniques.is_empty(), "{attack:?}");
        }
    }
}

#[test]
fn a_day_without_attacks_has_all_red_herrings() {
    for seed in SEEDS {
        let day = Day::generate(seed, Options { attacks: false, ..Options::default() });
        assert_eq!(day.real_attacks().count(), 0);
        assert_eq!(day.red_herrings().count(), 9);
    }
}

#[test]
fn the_date_can_be_chosen() {
    let date = time::macros::date!(2026 - 02 - 28);
    let day = Day::generate(3, Options { date: Some(date), ..Options::default() });
    assert_eq!(day.date, date);
}

#[test]
fn all_kinds_of_attacks_and_both_edges_are_drawn() {
    let mut kinds = HashSet::new();
    let mut edges = HashSet::new();
    for seed in 0..30 {
        let day = Day::generate(seed, Options { lines: 0, ..Options::default() });
        kinds.extend(day.attacks.iter().map(|attack| attack.kind));
        edges.extend(day.senders.first().map(|sender| sender.device));
    }
    assert_eq!((kinds.len(), edges.len()), (16, 2));
}
