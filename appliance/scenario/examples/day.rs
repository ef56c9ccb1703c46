//! Prints a day, a line each, with its label: `cargo run -p vedette-scenario --example day -- 7`.

use std::io::Write;

use vedette_scenario::{Day, Options};

fn main() -> std::io::Result<()> {
    let seed = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    let day = Day::generate(seed, Options::default());
    let mut out = std::io::stdout().lock();
    for event in &day.events {
        let label = event.label.map(|id| format!("{:?}", day.attacks[id.0].kind));
        write!(out, "{:<20} ", label.unwrap_or_default())?;
        out.write_all(&event.line)?;
        writeln!(out)?;
    }
    Ok(())
}
