use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

macro_rules! metrics {
    ($( $(#[$doc:meta])* $variant:ident = $name:literal, $label:expr, $kind:literal, $help:literal; )+) => {
        /// Every metric of the appliance. Names follow `vedette_<thing>_<unit>_total`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric { $( $(#[$doc])* $variant, )+ }

        impl Metric {
            /// Every metric, in the order of the metrics page.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The Prometheus name.
            pub fn name(self) -> &'static str { match self { $(Self::$variant => $name),+ } }

            /// The name of its one label, if it has one.
            pub fn label(self) -> Option<&'static str> { match self { $(Self::$variant => $label),+ } }

            /// `counter` or `gauge`.
            pub fn kind(self) -> &'static str { match self { $(Self::$variant => $kind),+ } }

            /// What it counts.
            pub fn help(self) -> &'static str { match self { $(Self::$variant => $help),+ } }
        }
    };
}

metrics! {
    /// Frames received.
    IngestMessages = "vedette_ingest_messages_total", Some("transport"), "counter", "Syslog frames received.";
    /// Frames lost after they were received, and kernel drops.
    IngestDropped = "vedette_ingest_dropped_messages_total", Some("reason"), "counter", "Syslog frames not stored, by reason.";
    /// Datagrams that waited on the disk: found + written - read - damaged wait there now.
    IngestSpool = "vedette_ingest_spool_messages_total", Some("event"), "counter", "Datagrams that waited on the disk: found at the start, written, read back, damaged.";
    /// Bytes received.
    IngestBytes = "vedette_ingest_bytes_total", Some("transport"), "counter", "Payload bytes received.";
    /// Connections taken.
    IngestConnections = "vedette_ingest_connections_total", Some("transport"), "counter", "Connections accepted.";
    /// Connections turned away.
    IngestRefused = "vedette_ingest_refused_connections_total", Some("reason"), "counter", "Connections refused, by reason.";
    /// Log lines committed.
    StoreEvents = "vedette_store_events_total", None, "counter", "Log lines committed to the store.";
    /// Group commits.
    StoreCommits = "vedette_store_commits_total", None, "counter", "Group commits.";
    /// Commits that had to be tried again.
    StoreRetries = "vedette_store_commit_retries_total", None, "counter", "Commits tried again after an error of the disk.";
    /// Verdicts.
    TriageVerdicts = "vedette_triage_verdicts_total", Some("decided_by"), "counter", "Verdicts, by who decided.";
    /// Questions not asked because the queue to the model was full.
    TriageSkipped = "vedette_triage_skipped_questions_total", None, "counter", "Questions dropped because the model's queue was full.";
    /// Questions put to the language model.
    ModelQuestions = "vedette_model_questions_total", None, "counter", "Questions put to the language model.";
    /// Times the worker was started again.
    ModelRestarts = "vedette_model_restarts_total", None, "counter", "Starts of the model worker after the first.";
    /// Incidents opened.
    Incidents = "vedette_incidents_total", None, "counter", "Incidents opened.";
    /// Tickets by state reached.
    Tickets = "vedette_tickets_total", Some("state"), "counter", "Tickets, by the state they reached.";
    /// Requests to the console.
    ConsoleRequests = "vedette_console_requests_total", Some("status"), "counter", "Requests answered by the console, by status class.";
}

/// A handle on one counter; cheap to clone and to add to.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds to it.
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// Its value now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All counters of one running appliance. Labels are static: their number is bounded by the code.
#[derive(Clone, Debug, Default)]
pub struct Registry(Arc<Mutex<BTreeMap<(Metric, &'static str), Counter>>>);

impl Registry {
    /// The counter of a metric under a label value (`""` for a metric without a label). Keep the
    /// handle: this takes a lock.
    pub fn counter(&self, metric: Metric, label: &'static str) -> Counter {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counters.entry((metric, label)).or_default().clone()
    }

    /// The values of a metric by label.
    pub fn values(&self, metric: Metric) -> BTreeMap<&'static str, u64> {
        let counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counters
            .range((metric, "")..)
            .take_while(|((found, _), _)| *found == metric)
            .map(|((_, label), counter)| (*label, counter.get()))
            .collect()
    }

    /// The metrics page (Prometheus text format 0.0.4). Metrics without a value yet show as 0 when
    /// they have no label.
    pub fn to_prometheus(&self) -> String {
        let mut page = String::new();
        for &metric in Metric::ALL {
            let name = metric.name();
            let _ =
                writeln!(page, "# HELP {name} {}\n# TYPE {name} {}", metric.help(), metric.kind());
            let values = self.values(metric);
            match metric.label() {
                None => {
                    let _ =
                        writeln!(page, "{name} {}", values.get("").copied().unwrap_or_default());
                }
                Some(label) => {
                    for (value, count) in values {
                        let _ = writeln!(page, "{name}{{{label}=\"{value}\"}} {count}");
                    }
                }
            }
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_pattern() {
        for metric in Metric::ALL {
            let name = metric.name();
            assert!(name.starts_with("vedette_") && name.ends_with("_total"), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        }
    }

    #[test]
    fn the_page_shows_what_was_counted() {
        let registry = Registry::default();
        registry.counter(Metric::IngestMessages, "udp").add(3);
        registry.counter(Metric::IngestMessages, "tcp").add(1);
        let page = registry.to_prometheus();
        assert!(page.contains("vedette_ingest_messages_total{transport=\"udp\"} 3\n"));
        assert!(page.contains("vedette_ingest_messages_total{transport=\"tcp\"} 1\n"));
        assert!(page.contains("vedette_store_events_total 0\n"));
        assert_eq!(registry.values(Metric::IngestMessages).len(), 2);
    }
}
