//! Training on a small part of our own lines: it learns, and it learns the same every time.

use clap::Parser;
use vedette_event::{Screen, ThreatClass};
use vedette_train::assemble::assemble;
use vedette_train::corpus;
use vedette_train::dataset::Row;
use vedette_train::judge::Linear;
use vedette_train::recipe::Recipe;
use vedette_train::validate::disjoint;
use vedette_triage::screen::{LinearScreen, Weights};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    recipe: Recipe,
}

fn recipe() -> Recipe {
    Cli::parse_from(["test", "--rounds", "15", "--technique-rounds", "5"]).recipe
}

#[test]
fn training_learns_and_repeats_itself() {
    let recipe = recipe();
    let rows = corpus::rows(3, 6_000).unwrap();
    let rows: Vec<&Row> = rows.iter().step_by(3).collect();
    let train = || assemble(&Linear::train(&rows, &recipe)).unwrap().to_bytes();
    let bytes = train();
    assert_eq!(bytes, train());
    let weights = Weights::from_bytes(&bytes).unwrap();
    let right = rows
        .iter()
        .filter(|row| {
            let margin = weights.score(&row.bag)[0];
            row.truth.malicious.is_some_and(|label| label.value == (margin > 0.0))
        })
        .count();
    assert!(right * 10 > rows.len() * 9, "{right} of {}", rows.len());
}

#[test]
fn what_is_measured_is_not_learnt() {
    let rows = corpus::rows(3, 6_000).unwrap();
    let test: Vec<&Row> = rows.iter().step_by(50).collect();
    for row in disjoint(&rows, &test) {
        assert!(test.iter().all(|held| held.group != row.group && held.template != row.template));
    }
}

#[test]
fn the_shipped_screen_tells_plain_cases_apart() {
    let screen = LinearScreen::embedded().unwrap();
    let malicious = |line: &str| screen.assess(line).malicious;
    for (attack, routine) in [
        (
            "Failed password for invalid user oracle from 203.0.113.45 port 51234 ssh2",
            "Accepted publickey for anna from 10.0.0.7 port 51234 ssh2: ED25519 SHA256:abc",
        ),
        (
            "203.0.113.7 - - [14/Aug/2026:09:21:07 +0000] \"GET /a?id=1%20UNION%20SELECT%20user FROM users HTTP/1.1\" 200 5 \"-\" \"x\"",
            "203.0.113.7 - - [14/Aug/2026:09:21:07 +0000] \"GET /about.html HTTP/1.1\" 200 512 \"-\" \"Mozilla/5.0\"",
        ),
    ] {
        let (attacked, usual) = (malicious(attack), malicious(routine));
        assert!(attacked > usual + 0.2, "{attacked} against {usual}: {attack}");
    }
    let said = screen.assess("Failed password for root from 203.0.113.45 port 51234 ssh2");
    assert_eq!(said.classes[0].0, ThreatClass::BruteForce);
}

/// Less than this by the screen is no suspicion: alone, without a rule, it makes a verdict of 0.3, and 0.4 is
/// flagged.
const CALM: f32 = 0.6;

#[test]
fn the_shipped_screen_takes_ordinary_requests_for_what_they_are() {
    let screen = LinearScreen::embedded().unwrap();
    let combined = |request: &str, agent: &str| {
        format!(
            "198.51.100.9 - - [14/Aug/2026:09:21:07 +0000] \"{request}\" 200 8512 \"-\" \"{agent}\""
        )
    };
    for line in [
        combined("GET /about.html HTTP/1.1", "Mozilla/5.0"),
        combined("GET /search?q=union+square+order+by+phone HTTP/1.1", "Mozilla/5.0 (iPhone)"),
        combined("GET /robots.txt HTTP/1.1", "Mozilla/5.0 (compatible; bingbot/2.0)"),
        combined("GET /healthz HTTP/1.1", "kube-probe/1.29"),
        combined("GET /blog/2024/05/how-to-write-a-script HTTP/2.0", "Mozilla/5.0 (X11)"),
        combined("GET /missing.png HTTP/1.1", "Mozilla/5.0 (X11)").replace(" 200 ", " 404 "),
        "2026-08-14 09:21:07 10.0.0.2 GET /default.aspx - 443 - 10.0.0.7 Mozilla/5.0 - 200 0 0 15"
            .to_owned(),
        "{\"remote_addr\":\"10.0.0.7\",\"request_method\":\"GET\",\"uri\":\"/app.js\",\"status\":200}"
            .to_owned(),
    ] {
        let malicious = screen.assess(&vedette_triage::screened(&line)).malicious;
        assert!(malicious < CALM, "{malicious}: {line}");
    }
}
