//! `vedette-train`: trains the screen and measures it.

use std::fs;
use std::io::{BufWriter, Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Parser, Subcommand};
use vedette_train::corpus::{Corpus, Line};
use vedette_train::dataset::{Held, Row, Split};
use vedette_train::recipe::Recipe;
use vedette_train::validate::Contest;
use vedette_train::{combine, corpus, outcomes, questions, report, shipped, validate};

#[derive(Parser)]
#[command(about = "Trains the screen and measures it")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The shared data folder.
    #[arg(long, global = true, default_value = "../shared/data")]
    data: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Trains the screen: writes weights.bin, manifest.json, templates.bin and report.md (held-out
    /// groups, and the dev split where it is held out).
    Screen {
        #[command(flatten)]
        recipe: Recipe,
        /// Learn nothing from the dev split, so that it can be measured on; what ships learns from
        /// both splits.
        #[arg(long)]
        hold_dev: bool,
        /// Folder for the files.
        #[arg(long, default_value = "models/bundles/screen")]
        out: PathBuf,
    },
    /// Measures the recipe on held-out groups and sources, techniques too, beside naive Bayes and the
    /// majority class, and the written screen on the dev split where that was held out; writes
    /// report.md.
    Evaluate {
        #[command(flatten)]
        recipe: Recipe,
        /// The written screen learnt nothing from the dev split.
        #[arg(long)]
        hold_dev: bool,
        /// Folder of the files.
        #[arg(long, default_value = "models/bundles/screen")]
        out: PathBuf,
        /// Leave out the figures by held-out group and source, which train a dozen screens; prints
        /// and leaves report.md alone.
        #[arg(long)]
        quick: bool,
    },
    /// Draws lines of our own corpus as JSON, one a line, or checks its files.
    Corpus {
        /// Folder of the files.
        #[arg(long, default_value_os_t = corpus::folder())]
        from: PathBuf,
        /// Seed of everything drawn by chance.
        #[arg(long, default_value_t = 20_261_122)]
        seed: u64,
        /// Lines to draw.
        #[arg(long, default_value_t = corpus::LINES)]
        lines: usize,
        /// Share of benign ones.
        #[arg(long, default_value_t = corpus::BENIGN_SHARE)]
        benign: f64,
        /// Lines of this product only.
        #[arg(long)]
        product: Option<String>,
        /// Check and count instead.
        #[arg(long)]
        check: bool,
    },
    /// Writes every row as the language model reads it, with what is true of it, as JSON, one a line.
    Examples {
        #[command(flatten)]
        recipe: Recipe,
    },
    /// Judges the dev split by a screen trained for it alone, uncalibrated: for choosing a recipe.
    Trial {
        #[command(flatten)]
        recipe: Recipe,
    },
    /// Fits how rules, screen and model are weighed, on what `vedette model eval --rows` wrote.
    Combine {
        /// The file.
        rows: PathBuf,
    },
    /// Trains what tells the kind of events a question is about, and measures it on the dev split
    /// beside naive Bayes and the reader of phrases; writes weights.bin.
    Questions {
        /// Folder for the file.
        #[arg(long, default_value = "models/bundles/questions")]
        out: PathBuf,
    },
    /// Trains what tells how incidents end, from stories with known ends; writes weights.bin and
    /// manifest.json, with the figures of leaving out each set in turn.
    Outcomes {
        /// Folder of the sets.
        #[arg(long, default_value_os_t = outcomes::stories::folder())]
        from: PathBuf,
        /// Folder for the files.
        #[arg(long, default_value = "models/bundles/outcomes")]
        out: PathBuf,
    },
    /// Judges held-out groups and held-out sources: for choosing a recipe.
    Validate {
        #[command(flatten)]
        recipe: Recipe,
        /// Leave the dev split out altogether.
        #[arg(long)]
        hold_dev: bool,
        /// Groups only.
        #[arg(long)]
        quick: bool,
    },
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    match cli.command {
        Command::Screen { recipe, hold_dev, out } => {
            screen(&cli.data, &recipe, held(hold_dev), &out)
        }
        Command::Evaluate { recipe, hold_dev, out, quick } => {
            let rows = shipped::all_rows(&cli.data, &recipe, held(hold_dev))?;
            let mut contests = shipped::evaluate(&rows, &shipped::read(&out)?, &recipe)?;
            if !quick {
                contests.extend(held_out(&rows, &recipe, false)?);
                fs::write(out.join("report.md"), report::page(&contests))?;
            }
            print!("{}", report::page(&contests));
            Ok(())
        }
        Command::Corpus { from, seed, lines, benign, product, check } => {
            let mut corpus = Corpus::read(&from)?;
            corpus.products.retain(|one| product.as_ref().is_none_or(|name| *name == one.name));
            if check {
                print!("{}", corpus::check(&corpus, seed, lines)?);
                return Ok(());
            }
            print_lines(&corpus.draw(seed, lines, benign))
        }
        Command::Examples { recipe } => {
            print_examples(&shipped::all_rows(&cli.data, &recipe, Held::Dev)?)
        }
        Command::Trial { recipe } => {
            let rows = shipped::all_rows(&cli.data, &recipe, Held::Dev)?;
            let dev: Vec<&Row> = validate::logs(&rows, Split::Dev).collect();
            let train = shipped::learnable(&rows);
            let contest = Contest::hold(&train, &dev, &recipe)?;
            print!("{}", report::tables(&[("dev".to_owned(), contest)]));
            Ok(())
        }
        Command::Combine { rows } => combine(&rows),
        Command::Questions { out } => train_questions(&cli.data, &out),
        Command::Outcomes { from, out } => train_outcomes(&from, &out),
        Command::Validate { recipe, hold_dev, quick } => {
            let rows = shipped::all_rows(&cli.data, &recipe, held(hold_dev))?;
            print!("{}", report::tables(&held_out(&rows, &recipe, quick)?));
            Ok(())
        }
    }
}

fn held(dev: bool) -> Held {
    if dev { Held::Dev } else { Held::Nothing }
}

fn screen(data: &Path, recipe: &Recipe, held: Held, out: &Path) -> Result<()> {
    let rows = shipped::all_rows(data, recipe, held)?;
    let made = shipped::train(&rows, recipe)?;
    println!("{} bytes, {:?}", made.bytes.len(), made.manifest);
    shipped::write(out, &made)?;
    let mut contests = shipped::evaluate(&rows, &(made.bytes, made.manifest), recipe)?;
    contests.push(("held-out groups".to_owned(), made.held_out));
    fs::write(out.join("report.md"), report::page(&contests))?;
    print!("{}", report::tables(&contests));
    Ok(())
}

fn train_questions(data: &Path, out: &Path) -> Result<()> {
    let asked = questions::read(data)?;
    fs::write(out.join("weights.bin"), questions::weights(&asked))?;
    for (part, figures) in questions::measure(&asked) {
        let share = |right: usize| right as f64 / figures.count as f64;
        let [majority, bayes, linear, phrases, both] = figures.right.map(share);
        println!(
            "{part}: {} questions; right: majority {majority:.3}, naive Bayes {bayes:.3}, linear \
             {linear:.3}, phrases {phrases:.3}, both {both:.3}; {} spoilt, {} mended",
            figures.count, figures.spoilt, figures.mended
        );
    }
    Ok(())
}

fn train_outcomes(from: &Path, out: &Path) -> Result<()> {
    let (bytes, manifest) = outcomes::make(&outcomes::stories::read(from)?);
    for (set, share) in &manifest.left_out {
        println!("{set}, left out: {share:.3} of {}", manifest.stories[set]);
    }
    let right = manifest.left_out.iter().map(|(set, share)| share * manifest.stories[set] as f64);
    let all: usize = manifest.stories.values().sum();
    println!("all, each left out in turn: {:.3} of {all}", right.sum::<f64>() / all as f64);
    fs::write(out.join("weights.bin"), bytes)?;
    let text = serde_json::to_string_pretty(&manifest)? + "\n";
    Ok(fs::write(out.join("manifest.json"), text)?)
}

/// Lines as JSON with the field names of the shared data.
fn print_lines(lines: &[Line]) -> Result<()> {
    let mut out = BufWriter::new(stdout().lock());
    for line in lines {
        let row = serde_json::json!({
            "raw": line.raw,
            "group": format!("synthetic:{}", line.product),
            "shape": line.shape,
            "label_malicious": line.label.is_malicious(),
            "class": line.label.class,
            "severity": line.label.severity,
            "technique_ids": line.label.techniques,
        });
        writeln!(out, "{row}")?;
    }
    Ok(out.flush()?)
}

/// Rows with their truth; what is unknown is null.
fn print_examples(rows: &[Row]) -> Result<()> {
    let mut out = BufWriter::new(stdout().lock());
    for row in rows {
        let truth = &row.truth;
        let line = serde_json::json!({
            "text": row.digest,
            "kind": row.kind.name(),
            "source": row.source,
            "group": row.group,
            "dev": row.split == Split::Dev,
            "template": row.template,
            "fold": validate::fold_of(&row.group),
            "http": row.http,
            "malicious": truth.malicious.map(|label| label.value),
            "strong": truth.malicious.is_some_and(|label| label.strong),
            "class": truth.class,
            "severity": truth.severity,
            "techniques": truth.techniques,
        });
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

fn combine(rows: &Path) -> Result<()> {
    let report = combine::fit(rows)?;
    for one in &report.fitted {
        println!("{one:.2?}");
    }
    for (name, figures) in ["with the model", "without"].iter().zip(&report.held_out) {
        println!("{name}, groups held out: {figures:.3?}");
    }
    Ok(())
}

fn held_out(rows: &[Row], recipe: &Recipe, quick: bool) -> Result<Vec<(String, Contest)>> {
    let mut contests = vec![("held-out groups".to_owned(), validate::by_group(rows, recipe)?)];
    if !quick {
        let sources = validate::by_source(rows, recipe)?.into_iter();
        contests.extend(sources.map(|(source, c)| (format!("without {source}, on it"), c)));
    }
    Ok(contests)
}
