//! Two bundles judging the same lines: what would change.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use vedette_event::ThreatClass;
use vedette_event::query::{Predicate, Query, TimeRange};
use vedette_store::Reader;

use super::bundle::Bundle;

/// Lines compared: some ten seconds of a slow machine for both bundles.
pub(crate) const LINES: usize = 24;

/// Newest stored lines in which different templates are looked for.
const LOOKED_AT: u32 = 2_000;

/// A line with what it says, values left out.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// The text.
    pub(crate) raw: String,
}

/// What a bundle says of a line.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Say {
    /// The probability that it is malicious.
    pub(crate) malicious: f32,
    classes: Vec<(ThreatClass, f32)>,
}

impl Say {
    /// The likeliest class.
    pub(crate) fn class(&self) -> Option<ThreatClass> {
        let best = self.classes.iter().max_by(|left, right| left.1.total_cmp(&right.1));
        best.map(|(class, _)| *class)
    }

    /// Whether another bundle comes to another verdict or class.
    pub(crate) fn differs(&self, other: &Self) -> bool {
        (self.malicious >= 0.5) != (other.malicious >= 0.5) || self.class() != other.class()
    }
}

/// The newest stored lines, one of each template.
pub(crate) fn recent(reader: &Reader) -> Result<Vec<Sample>> {
    let query = Query {
        filter: Predicate::And(Vec::new()),
        aggregation: None,
        projection: Vec::new(),
        time: TimeRange::Last(time::Duration::MAX),
        limit: LOOKED_AT,
    };
    let mut seen = HashSet::new();
    let rows = reader.search(&query, OffsetDateTime::now_utc())?.rows;
    let newest = rows.into_iter().rev();
    let different = newest.filter(|row| seen.insert(vedette_triage::mask(&row.message).template));
    Ok(different.take(LINES).map(|row| Sample { raw: row.raw }).collect())
}

/// Has a bundle judge the lines, in a worker of its own.
pub(crate) fn judge(worker: &Path, bundle: &Bundle, lines: &[Sample]) -> Result<Vec<Say>> {
    let mut child = Command::new(worker)
        .arg("classify")
        .args(bundle.worker_arguments())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", worker.display()))?;
    let input: String = lines
        .iter()
        .enumerate()
        .map(|(id, line)| format!("{}\n", json!({"id": id, "raw": line.raw})))
        .collect();
    let mut stdin = child.stdin.take().expect("the input is piped");
    // Few lines, each bounded by the frame cap, and the answers fit the pipe: nobody waits for us.
    let wrote = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        bail!("bundle {}: {}", bundle.name, told.lines().last().unwrap_or("the worker died"));
    }
    wrote?;
    let text = String::from_utf8(output.stdout)?;
    let says: Vec<Say> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    if says.len() != lines.len() {
        bail!("bundle {} answered {} of {} lines", bundle.name, says.len(), lines.len());
    }
    Ok(says)
}
