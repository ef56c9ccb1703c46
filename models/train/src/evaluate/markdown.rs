//! The report as a page that a person reads.

use std::fmt::Write;

use super::list::{Contest, FIGURES, Figure, Part};
use super::svg::escaped;
use super::{Comparison, Finding, Interval, Judged, Report, Slice};

const INTRODUCTION: &str = "\
Flagged means called suspicious or malicious. Strong labels are those where the source says so of the \
line itself; figures on any label take in the weak ones. A web attack is right where an exploit came \
as an HTTP request, except under \"strict\". Of a line's several techniques any is right; \"parent\" \
leaves out the sub-technique. `informational` counts as `low`. Lines left to a person count by the \
best guess. The baselines learn from the training split only, without any group or template that is \
measured; the format probe sees the header and the punctuation but no word and no value beyond: what \
does not beat it has learnt how lines are written. \"–\" stands where the lines cannot tell.\n";

impl Report {
    /// As Markdown; links the plots that [`Report::write`] lays beside it.
    pub fn markdown(&self) -> String {
        let mut out = format!(
            "# What the judges are worth\n\n{INTRODUCTION}\nPrecision holds for one malicious line in \
             {:.0}, calibration error for a class prior of {}. In brackets: 95 % intervals from {} \
             draws of whole groups (seed {}); none below a handful of groups. With no alarm among n \
             benign lines the true share is still only known to lie below 3/n.\n",
            1.0 / self.prevalence,
            self.prior,
            self.resamples,
            self.seed
        );
        if let Some(all) = self.slices.first() {
            if self.learnt > 0 {
                let _ = write!(
                    out,
                    "\n**The screen learnt from lines like {} of these {}** (by its salted hashes of \
                     templates): what it and the ensemble say of those is no forecast.\n",
                    self.learnt, all.lines
                );
            }
            findings(all, &mut out);
        }
        self.injection(&mut out);
        for slice in &self.slices {
            tables(slice, &mut out);
        }
        out += "\n## Plots\n\n![Classes said and true](confusion.svg)\n\n\
                ![Promise and truth](reliability.svg)\n\n\
                ![Precision and recall](precision-recall.svg)\n";
        out
    }

    fn injection(&self, out: &mut String) {
        if self.differentials.is_empty() {
            return;
        }
        *out += "\n## Injected text\n\nPairs of a line with text that addresses its reader and the \
                 same line with neutral text: how many got equal answers.\n\n\
                 | judge | pairs | all equal | verdict | class | techniques | severity |\n\
                 |---|---|---|---|---|---|---|\n";
        for (judge, d) in &self.differentials {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} | {} |",
                cell(judge),
                d.pairs,
                d.all,
                d.verdict,
                d.class,
                d.techniques,
                d.severity
            );
        }
    }
}

/// In words: who is better than whom, and where chance would do.
fn findings(slice: &Slice, out: &mut String) {
    if slice.comparisons.is_empty() {
        return;
    }
    *out += "\n## Who is better\n\nOn all lines; better or worse only where the interval of the \
             difference leaves out zero.\n\n";
    let same = |a: &Comparison, b: &Comparison| a.judge == b.judge && a.against == b.against;
    for pair in slice.comparisons.chunk_by(same) {
        let names = |finding: Finding| {
            let found = pair.iter().filter(|comparison| comparison.finding == finding);
            let names: Vec<String> = found.map(gained).collect();
            if names.is_empty() { "nothing".to_owned() } else { names.join("; ") }
        };
        let _ = writeln!(
            out,
            "- **{}** against **{}**: better in {}. Worse in {}. Not to be told in {}.",
            cell(&pair[0].judge),
            cell(&pair[0].against),
            names(Finding::Better),
            names(Finding::Worse),
            names(Finding::Undecided)
        );
    }
}

fn gained(comparison: &Comparison) -> String {
    let Comparison { part, figure, gain, interval, .. } = comparison;
    let interval =
        interval.map_or_else(String::new, |i| format!(" [{:+.3}, {:+.3}]", i.low, i.high));
    format!("{}, {figure} {gain:+.3}{interval}", part.name())
}

/// A table for each part that the lines say anything about.
fn tables(slice: &Slice, out: &mut String) {
    let _ = writeln!(
        out,
        "\n## {}\n\n{} lines in {} groups.",
        heading(&slice.name),
        slice.lines,
        slice.groups
    );
    for part in Part::ALL {
        let lines = slice.judges.first().map_or(0, |judged| part.lines(&judged.figures));
        if lines > 0 {
            table(slice, part, lines, out);
        }
    }
    *out += "\n| abstention | left to a person | detection without them | class without them | \
             detection where P(malicious) is off 0.5 by a margin: margin, lines decided, accuracy |\n\
             |---|---|---|---|---|\n";
    for judged in &slice.judges {
        abstention(judged, out);
    }
}

fn heading(name: &str) -> String {
    if name == "all" { "All lines".to_owned() } else { format!("Lines: {}", cell(name)) }
}

fn table(slice: &Slice, part: Part, lines: usize, out: &mut String) {
    let columns: Vec<(usize, &Figure)> =
        FIGURES.iter().enumerate().filter(|(_, figure)| figure.part == part).collect();
    let names: Vec<&str> = columns.iter().map(|(_, figure)| figure.name).collect();
    let _ = writeln!(out, "\n| {}: {lines} lines | {} |", part.name(), names.join(" | "));
    let _ = writeln!(out, "|---{}|", "|---".repeat(names.len()));
    for judged in &slice.judges {
        let shown = |(at, figure): &(usize, &Figure)| {
            let interval = judged.intervals[*at].filter(|_| figure.contest != Contest::None);
            number((figure.of)(&judged.figures), interval)
        };
        let cells: Vec<String> = columns.iter().map(shown).collect();
        let _ = writeln!(out, "| {} | {} |", cell(&judged.judge), cells.join(" | "));
    }
}

fn abstention(judged: &Judged, out: &mut String) {
    let of = &judged.abstention;
    let points: Vec<String> = of
        .curve
        .iter()
        .map(|at| {
            let [coverage, accuracy] = [at.coverage, at.accuracy].map(|n| number(n, None));
            format!("{}: {coverage}, {accuracy}", at.margin)
        })
        .collect();
    let [share, detection, class] =
        [of.share, of.detection, of.class].map(|figure| number(figure, None));
    let _ = writeln!(
        out,
        "| {} | {share} | {detection} | {class} | {} |",
        cell(&judged.judge),
        points.join("; ")
    );
}

fn number(figure: f64, interval: Option<Interval>) -> String {
    match interval {
        _ if figure.is_nan() => "–".to_owned(),
        Some(Interval { low, high }) => format!("{figure:.3} ({low:.3}–{high:.3})"),
        None => format!("{figure:.3}"),
    }
}

/// Text that breaks no table and is no markup.
fn cell(text: &str) -> String {
    escaped(text).replace('|', "\\|")
}
