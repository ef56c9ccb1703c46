//! Who may know whom: the table of `docs/ARCHITECTURE.md`, proven from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// What a crate may use of the house, and what it must not reach by any way.
struct Border {
    krate: &'static str,
    /// House crates it may depend on directly.
    house: &'static [&'static str],
    /// Packages that must not be anywhere below it (normal dependencies, transitive).
    forbidden: &'static [&'static str],
}

const NO_IO: &[&str] = &["tokio", "rusqlite", "ureq", "axum", "candle-core", "rustls", "socket2"];

const BORDERS: &[Border] = &[
    Border { krate: "vedette-event", house: &[], forbidden: NO_IO },
    Border { krate: "vedette-kb", house: &[], forbidden: NO_IO },
    Border { krate: "vedette-scenario", house: &[], forbidden: NO_IO },
    Border {
        krate: "vedette-telemetry",
        house: &[],
        forbidden: &["rusqlite", "axum", "candle-core"],
    },
    Border { krate: "vedette-hwtest", house: &[], forbidden: NO_IO },
    Border { krate: "vedette-syslog", house: &["vedette-event"], forbidden: NO_IO },
    Border { krate: "vedette-triage", house: &["vedette-event", "vedette-kb"], forbidden: NO_IO },
    Border { krate: "vedette-query", house: &["vedette-event", "vedette-kb"], forbidden: NO_IO },
    Border { krate: "vedette-resolve", house: &["vedette-event", "vedette-kb"], forbidden: NO_IO },
    Border {
        krate: "vedette-ingest",
        house: &["vedette-event", "vedette-syslog", "vedette-telemetry"],
        forbidden: &["vedette-store", "vedette-triage", "rusqlite", "candle-core", "axum"],
    },
    Border {
        krate: "vedette-store",
        house: &["vedette-event", "vedette-telemetry"],
        forbidden: &["axum", "candle-core", "tokio"],
    },
    Border {
        krate: "vedette-ticket",
        house: &["vedette-event", "vedette-store", "vedette-telemetry"],
        forbidden: &["vedette-triage", "vedette-engine", "candle-core", "axum"],
    },
    Border {
        krate: "vedette-console",
        house: &[
            "vedette-event",
            "vedette-store",
            "vedette-query",
            "vedette-resolve",
            "vedette-telemetry",
        ],
        forbidden: &["vedette-ingest", "vedette-triage", "candle-core"],
    },
    Border {
        krate: "vedette-engine",
        house: &["vedette-event", "vedette-kb"],
        forbidden: &["vedette-store", "rusqlite", "axum", "ureq"],
    },
    Border {
        krate: "vedette-tune",
        house: &["vedette-event", "vedette-engine"],
        forbidden: &["vedette-store", "rusqlite", "axum", "ureq", "tokio"],
    },
    Border {
        krate: "vedette-provisioning",
        house: &["vedette-telemetry"],
        forbidden: &["vedette-syslog", "vedette-ingest", "vedette-store", "vedette-triage"],
    },
    // The binary may know every crate of the house, but inference runs in the worker's process.
    Border {
        krate: "vedette",
        house: &[
            "vedette-event",
            "vedette-syslog",
            "vedette-ingest",
            "vedette-triage",
            "vedette-query",
            "vedette-resolve",
            "vedette-store",
            "vedette-ticket",
            "vedette-console",
            "vedette-settings",
            "vedette-telemetry",
            "vedette-scenario",
            "vedette-kb",
            "vedette-provisioning",
            "vedette-hwtest",
            // What measures deciders on labelled lines; `vedette model eval` hands it their answers.
            "vedette-train",
        ],
        forbidden: &["candle-core", "vedette-engine"],
    },
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    /// `None` for a normal dependency.
    kind: Option<String>,
}

/// Normal dependencies by package name.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Checks every border; the error lists all that are crossed.
pub(crate) fn check() -> Result<()> {
    let broken = crossings(&graph()?);
    if !broken.is_empty() {
        bail!("borders crossed (see docs/ARCHITECTURE.md):\n  {}", broken.join("\n  "));
    }
    println!("borders: {} crates, none crosses its border", BORDERS.len());
    Ok(())
}

fn graph() -> Result<Graph> {
    let output = crate::cargo()
        .args(["metadata", "--format-version", "1", "--locked"])
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("cannot read cargo metadata")?;
    let names: BTreeMap<&str, &str> = metadata
        .packages
        .iter()
        .map(|package| (package.id.as_str(), package.name.as_str()))
        .collect();
    let mut graph = Graph::new();
    for node in &metadata.resolve.nodes {
        let below = graph.entry(names[node.id.as_str()].to_owned()).or_default();
        let normal = node.deps.iter().filter(|dep| dep.dep_kinds.iter().any(|k| k.kind.is_none()));
        below.extend(normal.map(|dep| names[dep.pkg.as_str()].to_owned()));
    }
    Ok(graph)
}

fn crossings(graph: &Graph) -> Vec<String> {
    let mut broken = Vec::new();
    for border in BORDERS {
        let Some(direct) = graph.get(border.krate) else {
            broken.push(format!("{} has a border but is not in the workspace", border.krate));
            continue;
        };
        for dependency in direct.iter().filter(|name| name.starts_with("vedette")) {
            if !border.house.contains(&dependency.as_str()) {
                broken.push(format!("{} may not use {dependency}", border.krate));
            }
        }
        let below = closure(graph, border.krate);
        for name in border.forbidden.iter().filter(|name| below.contains(**name)) {
            broken.push(format!("{} must not know {name}, but reaches it", border.krate));
        }
    }
    broken
}

fn closure<'a>(graph: &'a Graph, from: &'a str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(name) = waiting.pop() {
        for next in graph.get(name).into_iter().flatten() {
            if seen.insert(next.as_str()) {
                waiting.push(next);
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph_with(edges: &[(&str, &str)]) -> Graph {
        let mut graph: Graph =
            BORDERS.iter().map(|border| (border.krate.to_owned(), BTreeSet::new())).collect();
        for (from, to) in edges {
            graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        graph
    }

    #[test]
    fn a_crossed_border_is_named() {
        let rows: &[(&[(&str, &str)], usize)] = &[
            (&[], 0),
            (&[("vedette-triage", "vedette-event")], 0),
            (&[("vedette-triage", "vedette-store")], 1),
            (&[("vedette-triage", "regex"), ("regex", "tokio")], 1),
            (&[("vedette-console", "vedette-store"), ("vedette-store", "candle-core")], 2),
        ];
        for (edges, expected) in rows {
            assert_eq!(crossings(&graph_with(edges)).len(), *expected, "{edges:?}");
        }
    }
}
