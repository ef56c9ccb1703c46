//! Incidents of a story: the same lines with other values, repeats and stamps.

use vedette_event::{Entity, EntityKind, EvidenceLine, Incident, ResolutionCode};

use super::stories::Story;

/// An incident and how it ended.
pub struct Case {
    /// What the product would see.
    pub incident: Incident,
    /// How it ended.
    pub code: ResolutionCode,
}

/// So many incidents of each story, the same for the same seed.
pub fn cases(stories: &[Story], variants: usize, seed: u64) -> Vec<Case> {
    let mut dice = Dice(seed);
    let told = stories.iter().flat_map(|story| std::iter::repeat_n(story, variants));
    told.map(|story| tell(story, &mut dice)).collect()
}

/// SplitMix64: the same incidents everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len() as u64) as usize]
    }
}

fn tell(story: &Story, dice: &mut Dice) -> Case {
    let values = [
        ("{ip}", EntityKind::SourceIp, format!("203.0.113.{}", dice.roll(250) + 1)),
        ("{lan}", EntityKind::SourceIp, format!("192.168.{}.{}", dice.roll(9), dice.roll(250) + 1)),
        ("{user}", EntityKind::User, dice.pick(&["anna.meier", "jlee", "m.ortiz", "kim"]).into()),
        ("{host}", EntityKind::Host, dice.pick(&["ws-14", "srv-files", "web1", "gw"]).into()),
        ("{domain}", EntityKind::Domain, format!("{}.example.net", dice.pick(&["qx", "cdn7"]))),
    ];
    let fill = |line: &String| {
        values.iter().fold(line.clone(), |text, (place, _, value)| text.replace(place, value))
    };
    let mut raws: Vec<String> = story.lines.iter().map(fill).collect();
    for _ in 0..dice.roll(3) {
        raws.insert(0, raws[0].clone());
    }
    let stamp = dice.pick(&["", "Nov  3 02:11:04 ", "2026-11-03T02:11:04Z "]);
    let line = |raw: &String| EvidenceLine {
        event_id: None,
        // Only what begins with the host leaves room for a time before it.
        raw: if raw.starts_with(&values[3].2) { format!("{stamp}{raw}") } else { raw.clone() },
        start: 0,
        end: 0,
    };
    let stands = |place: &str| story.lines.iter().any(|line| line.contains(place));
    let present = values.iter().filter(|(place, ..)| stands(place));
    let entities: Vec<_> =
        present.map(|(_, kind, value)| Entity { kind: *kind, value: value.clone() }).collect();
    let about = entities.first().map_or("", |entity| entity.value.as_str());
    let incident = Incident {
        title: format!("{} around {about}", story.class.as_str().replace('_', " ")),
        threat_class: Some(story.class),
        members: raws.len() as u64,
        evidence: raws.iter().map(line).collect(),
        entities,
        ..Incident::default()
    };
    Case { incident, code: story.code }
}
