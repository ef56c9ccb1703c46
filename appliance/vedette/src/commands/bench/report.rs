use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::process::Cpu;
use super::send::Sent;

/// Threads worth a line: what uses less is lost in the noise.
const THREAD_LEAST: f64 = 0.05;

/// What became of a load.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) transport: &'static str,
    pub(super) triage: bool,
    /// Bytes of each line; `null`: as devices make them.
    pub(super) size: Option<usize>,
    pub(super) wanted_rate: u64,
    pub(super) sent: Sent,
    /// Lines that the appliance says it received, those that the kernel dropped included.
    pub(super) received: u64,
    pub(super) stored: u64,
    pub(super) dropped: BTreeMap<String, u64>,
    /// Lines in the store after the appliance has ended.
    pub(super) in_store: u64,
    /// Seconds from the first line sent to the last one stored.
    pub(super) seconds_to_stored: f64,
    /// Seconds from the first line sent to the last one judged; with triage only.
    pub(super) seconds_to_judged: Option<f64>,
    /// Seconds of CPU that the appliance used for it all.
    pub(super) cpu: Cpu,
    /// The same by thread.
    pub(super) threads: BTreeMap<String, f64>,
    pub(super) peak_memory_bytes: u64,
    /// What the state folder grew by.
    pub(super) disk_bytes: u64,
}

impl Report {
    pub(super) fn loss(&self) -> f64 {
        let lost = self.sent.lines.saturating_sub(self.stored);
        100.0 * lost as f64 / self.sent.lines.max(1) as f64
    }

    /// Sent and in no account; below zero: counted without having been sent.
    pub(super) fn unaccounted(&self) -> i64 {
        let told = self.stored + self.dropped.values().sum::<u64>();
        i64::try_from(self.sent.lines).unwrap_or(i64::MAX) - i64::try_from(told).unwrap_or(i64::MAX)
    }

    /// Microseconds of CPU for each line stored.
    fn micros(&self, seconds: f64) -> f64 {
        seconds * 1e6 / self.stored.max(1) as f64
    }

    /// With the figures that follow from the others.
    pub(super) fn to_json(&self) -> serde_json::Result<serde_json::Value> {
        let mut value = serde_json::to_value(self)?;
        value["loss_percent"] = self.loss().into();
        value["unaccounted"] = self.unaccounted().into();
        value["cpu_us_per_message"] = self.micros(self.cpu.total()).into();
        value["disk_bytes_per_message"] = self.disk_each().into();
        value["disk_by_raw"] = self.disk_by_raw().into();
        Ok(value)
    }

    fn disk_each(&self) -> f64 {
        self.disk_bytes as f64 / self.stored.max(1) as f64
    }

    fn disk_by_raw(&self) -> f64 {
        let each = self.sent.bytes as f64 / self.sent.lines.max(1) as f64;
        self.disk_each() / each.max(1.0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size =
            self.size.map_or("as devices make them".to_owned(), |size| format!("of {size} bytes"));
        let triage = if self.triage { "on" } else { "off" };
        writeln!(f, "{}, lines {size}, triage {triage}", self.transport)?;
        let Sent { lines, seconds, rate, .. } = self.sent;
        writeln!(f, "sent          {lines:>10}  {rate:.0} a second for {seconds:.1} s")?;
        if let Some(error) = &self.sent.error {
            writeln!(f, "  ended early: {error}")?;
        }
        if let Some(acknowledged) = self.sent.acknowledged {
            writeln!(f, "acknowledged  {acknowledged:>10}")?;
        }
        writeln!(f, "received      {:>10}", self.received)?;
        let stored = self.seconds_to_stored;
        writeln!(f, "stored        {:>10}  all after {stored:.1} s", self.stored)?;
        for (reason, count) in &self.dropped {
            writeln!(f, "dropped       {count:>10}  {reason}")?;
        }
        writeln!(f, "loss          {:>10.3} %", self.loss())?;
        writeln!(f, "unaccounted   {:>10}  sent - stored - dropped", self.unaccounted())?;
        if let Some(judged) = self.seconds_to_judged {
            writeln!(f, "judged                    all after {judged:.1} s")?;
        }
        let (user, system) = (self.micros(self.cpu.user), self.micros(self.cpu.system));
        writeln!(
            f,
            "CPU           {:>10.2} µs a message ({user:.2} user, {system:.2} system)",
            self.micros(self.cpu.total())
        )?;
        for (thread, seconds) in &self.threads {
            let micros = self.micros(*seconds);
            if micros >= THREAD_LEAST {
                writeln!(f, "              {micros:>10.2} {thread}")?;
            }
        }
        writeln!(
            f,
            "peak memory   {:>10.1} MiB",
            self.peak_memory_bytes as f64 / f64::from(1 << 20)
        )?;
        let (each, part) = (self.disk_each(), self.disk_by_raw());
        writeln!(f, "on disk       {each:>10.1} bytes a message, {part:.3} of the raw text")
    }
}
