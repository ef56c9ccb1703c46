use super::features::MAX_TEXT;
use super::weights::{Feature, HEADS, Scale, fold, unfold};
use super::*;

const LINE: &str = "Failed password for root from 203.0.113.45 port 51234 ssh2";

/// Weights that call every word of [`LINE`] malicious, brute force, high and T1110.
fn weights() -> Weights {
    let mut heads = [0; HEADS];
    for (column, weight) in [
        (Column::Malicious, 100),
        (Column::Class(ThreatClass::BruteForce), 90),
        (Column::Severity(Severity::High), 80),
    ] {
        heads[column.index()] = weight;
    }
    let features: Vec<Feature> = FeatureBag::of(LINE).blocks()[0]
        .1
        .iter()
        .map(|(hash, _)| Feature { hash: *hash, idf: 40, heads, techniques: vec![(0, 70)] })
        .collect();
    let scales = vec![Scale { step: 0.1, bias: -0.5 }; Column::TECHNIQUES.start + 2];
    let techniques = ["T1110", "T1078"].map(|id| id.parse().unwrap()).to_vec();
    Weights::new(techniques, scales, &features).unwrap()
}

fn manifest(bytes: &[u8]) -> String {
    serde_json::to_string(&Manifest {
        weights_sha256: manifest::sha256_hex(bytes),
        prior: 0.5,
        malicious: Platt { slope: 1.0, intercept: 0.0 },
        grades: None,
        seed: 1,
        trained_on: vec![],
    })
    .unwrap()
}

fn screen() -> LinearScreen {
    let bytes = weights().to_bytes();
    LinearScreen::from_bytes(&bytes, &manifest(&bytes)).unwrap()
}

#[test]
fn the_file_reads_back_as_written() {
    let weights = weights();
    assert_eq!(Weights::from_bytes(&weights.to_bytes()).unwrap(), weights);
}

#[test]
fn stored_weights_come_back_as_near_as_their_size_allows() {
    for weight in -i8::MAX..=i8::MAX {
        assert_eq!(fold(unfold(weight)), weight);
    }
    for worth in [0.3, 1.7, -5.0, 90.0, -2_000.0, 16_000.0_f32] {
        let error = (unfold(fold(worth)) - worth).abs();
        assert!(error <= worth.abs().sqrt() + 0.5, "{worth} is off by {error}");
    }
    assert_eq!(fold(-1e9), -i8::MAX);
}

#[test]
fn a_damaged_file_is_refused() {
    let bytes = weights().to_bytes();
    for length in 0..bytes.len() {
        assert!(Weights::from_bytes(&bytes[..length]).is_err(), "cut at {length}");
    }
    let longer: Vec<u8> = bytes.iter().copied().chain([0]).collect();
    assert!(Weights::from_bytes(&longer).is_err());
    // Whatever a flipped byte makes of the file, reading and scoring come to an end.
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xFF;
        if let Ok(weights) = Weights::from_bytes(&damaged) {
            weights.score(&FeatureBag::of(LINE));
        }
        assert!(matches!(
            LinearScreen::from_bytes(&damaged, &manifest(&bytes)),
            Err(ScreenError::Checksum { .. })
        ));
    }
    assert!(matches!(LinearScreen::from_bytes(&bytes, "{}"), Err(ScreenError::Manifest(_))));
}

#[test]
fn impossible_numbers_are_refused() {
    let header = |features: u32, columns: u32, entries: u32| {
        let mut bytes = b"VSCREEN\0\x02\0\0\0".to_vec();
        bytes.extend([features, columns, entries].iter().flat_map(|n| n.to_le_bytes()));
        bytes
    };
    for bytes in [
        header(u32::MAX, 22, 0),
        header(0, u32::MAX, 0),
        header(0, 0, 0),
        header(0, 22, u32::MAX),
        header(1, 22, 0),
        b"VSCREEN\0\x01\0\0\0".to_vec(),
        b"GGUF".to_vec(),
    ] {
        assert!(Weights::from_bytes(&bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn what_was_learnt_is_what_is_said() {
    let said = screen().assess(LINE);
    assert!(said.malicious > 0.99, "{said:?}");
    assert_eq!(said.classes[0].0, ThreatClass::BruteForce);
    assert_eq!(said.severities[0].0, Severity::High);
    assert_eq!(said.techniques[0].id.to_string(), "T1110");
    assert_eq!(said.novelty, 0.0);
    let other = screen().assess("nothing of this was ever heard");
    assert!(other.malicious < 0.5 && other.novelty > 0.9, "{other:?}");
}

#[test]
fn what_varies_or_hides_changes_nothing() {
    let expected = FeatureBag::of(LINE);
    for twin in [
        "Failed password for root from 198.51.100.7 port 40022 ssh2",
        "Failed pass\u{200b}word for root from 203.0.113.45 port 51234 ssh2",
        "Failed password for \u{1b}[31mroot\u{1b}[0m from 203.0.113.45 port 51234 ssh2",
        "<38>Failed password for root from 203.0.113.45 port 51234 ssh2",
        "FAILED PASSWORD for root\u{7} from 203.0.113.45 port 51234 ssh2",
    ] {
        assert_eq!(words_without_codes(twin), words_without_codes(LINE), "{twin:?}");
    }
    assert_ne!(expected, FeatureBag::of("Accepted password for root from 203.0.113.45 port 51234"));
    let spelt = FeatureBag::of("GET /?q=<script>alert HTTP/1.1");
    assert_eq!(FeatureBag::of("GET /?q=%3Cscript%3Ealert HTTP/1.1"), spelt);
    assert_eq!(FeatureBag::of("GET /?q=%253Cscript%253Ealert HTTP/1.1"), spelt);
}

/// Ports are codes as well as values, so a changed one changes a few words; runs of characters not.
fn words_without_codes(text: &str) -> Vec<(u32, u32)> {
    FeatureBag::of(text).blocks()[1].1.to_vec()
}

#[test]
fn any_text_is_read_in_bounds() {
    for text in
        ["", "%", "%%%4", "<", "<999", "\u{0}", "é%é2", "İß\u{1F600}A1", &"A1b=\"".repeat(100_000)]
    {
        let said = screen().assess(text);
        assert!((0.0..=1.0).contains(&said.malicious) && !said.classes.is_empty(), "{text:.20?}");
        let features: usize = FeatureBag::of(text).blocks().iter().map(|(_, c)| c.len()).sum();
        assert!(features <= MAX_TEXT * 6);
    }
}

#[test]
fn the_embedded_screen_loads_and_is_deterministic() {
    let screen = LinearScreen::embedded().unwrap();
    assert!(screen.bundle().starts_with("screen-"));
    assert_eq!(screen.assess(LINE), screen.assess(LINE));
    assert!(screen.assess(LINE).malicious > 0.5);
}

#[test]
fn what_is_remembered_is_what_would_be_said() {
    let screen = LinearScreen::embedded().unwrap();
    let lines = [
        "sshd[1]: Failed password for root from 203.0.113.45 port 51234 ssh2",
        "sshd[2]: Failed password for root from 203.0.113.46 port 51299 ssh2",
        "sshd[2]: Failed password for zzyzx from 203.0.113.46 port 51299 ssh2",
        "sshd[2]: Failed password for zzyzx zzyzx from 203.0.113.46 port 51299 ssh2",
        "Accepted password for root from 203.0.113.45 port 22",
        "",
    ];
    for _ in 0..2 {
        for line in lines {
            let fresh = LinearScreen { grams: Arc::default(), ..screen.clone() };
            let fresh = LinearScreen { answers: Arc::default(), ..fresh };
            let said = screen.assess(line);
            assert_eq!(said, fresh.assess(line), "{line}");
            let scores = screen.weights.score(&FeatureBag::of(line));
            assert_eq!(said, ScreenSay { novelty: said.novelty, ..screen.say(&scores) }, "{line}");
        }
    }
}
