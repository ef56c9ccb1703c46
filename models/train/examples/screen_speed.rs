//! How long the shipped screen takes for a line: `cargo run -p vedette-train --example screen_speed`.

use std::time::Instant;

use vedette_event::Screen;
use vedette_triage::screen::LinearScreen;

/// Times each line is judged.
const ROUNDS: u32 = 2_000;

fn main() -> anyhow::Result<()> {
    let begin = Instant::now();
    let screen = LinearScreen::embedded()?;
    println!("loading: {:.1} ms, {}", begin.elapsed().as_secs_f64() * 1e3, screen.bundle());
    let event = "{\"EventID\":4624,\"Channel\":\"Security\",\"TargetUserName\":\"anna\",\"LogonType\":3,\"IpAddress\":\"10.0.0.7\"}";
    for (name, line) in [
        ("sshd", "Failed password for root from 203.0.113.45 port 51234 ssh2".to_owned()),
        ("web", "203.0.113.7 - - [14/Aug/2026:09:21:07 +0000] \"GET /item?id=1%27%20OR%201=1-- HTTP/1.1\" 403 512 \"-\" \"curl/8.5.0\"".to_owned()),
        ("event", event.to_owned()),
        ("long event", event.repeat(20)),
    ] {
        let begin = Instant::now();
        let mut sum = 0.0;
        for _ in 0..ROUNDS {
            sum += screen.assess(std::hint::black_box(&line)).malicious;
        }
        let micros = begin.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS);
        println!("{name}: {} bytes, {micros:.1} µs, P(malicious) {:.3}", line.len(), sum / ROUNDS as f32);
    }
    Ok(())
}
