//! `vedette-train`: trains the screen and measures it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Parser, Subcommand};
use vedette_train::dataset::Row;
use vedette_train::recipe::Recipe;
use vedette_train::validate::Contest;
use vedette_train::{report, shipped, validate};

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
    /// Trains the screen: writes weights.bin and manifest.json.
    Screen {
        #[command(flatten)]
        recipe: Recipe,
        /// Folder for the files.
        #[arg(long, default_value = "models/bundles/screen")]
        out: PathBuf,
    },
    /// Measures the written screen on the dev split beside naive Bayes and the majority class;
    /// writes report.md.
    Evaluate {
        #[command(flatten)]
        recipe: Recipe,
        /// Folder of the files.
        #[arg(long, default_value = "models/bundles/screen")]
        out: PathBuf,
        /// Leave out the figures by held-out group and source, which train a dozen screens; prints
        /// and leaves report.md alone.
        #[arg(long)]
        quick: bool,
    },
    /// Judges held-out groups and held-out sources of the training split: for choosing a recipe.
    Validate {
        #[command(flatten)]
        recipe: Recipe,
        /// Groups only.
        #[arg(long)]
        quick: bool,
    },
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    match cli.command {
        Command::Screen { recipe, out } => screen(&cli.data, &recipe, &out),
        Command::Evaluate { recipe, out, quick } => {
            let rows = shipped::all_rows(&cli.data, &recipe)?;
            let mut contests = shipped::evaluate(&rows, &shipped::read(&out)?, &recipe)?;
            if !quick {
                contests.extend(held_out(&rows, &recipe, false));
                fs::write(out.join("report.md"), report::page(&contests))?;
            }
            print!("{}", report::page(&contests));
            Ok(())
        }
        Command::Validate { recipe, quick } => {
            let rows = shipped::all_rows(&cli.data, &recipe)?;
            print!("{}", report::tables(&held_out(&rows, &recipe, quick)));
            Ok(())
        }
    }
}

fn screen(data: &Path, recipe: &Recipe, out: &Path) -> Result<()> {
    let rows = shipped::all_rows(data, recipe)?;
    let (bytes, manifest) = shipped::train(&rows, recipe)?;
    println!("{} bytes, SHA-256 {}", bytes.len(), manifest.weights_sha256);
    shipped::write(out, &bytes, &manifest)
}

fn held_out(rows: &[Row], recipe: &Recipe, quick: bool) -> Vec<(String, Contest)> {
    let mut contests = vec![("held-out groups".to_owned(), validate::by_group(rows, recipe))];
    if !quick {
        let sources = validate::by_source(rows, recipe).into_iter();
        contests.extend(sources.map(|(source, c)| (format!("without {source}, on it"), c)));
    }
    contests
}
