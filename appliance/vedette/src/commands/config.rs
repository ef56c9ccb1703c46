//! `vedette config`: check a file, print the reference.

use std::io::{Write as _, stdout};

use crate::cli::Config;
use crate::exit::Outcome;

pub(crate) fn run(command: Config) -> Outcome {
    match command {
        Config::Reference => write!(stdout(), "{}", vedette_settings::reference())?,
        Config::Check(configured) => {
            let Some(file) = configured.config else {
                writeln!(stdout(), "no configuration: the embedded defaults are in force")?;
                return Ok(());
            };
            let loaded = vedette_settings::load(&file)?;
            for (key, origin) in &loaded.origins {
                writeln!(stdout(), "{key} set by {}:{}", origin.file.display(), origin.line)?;
            }
            writeln!(stdout(), "{} is good", file.display())?;
        }
    }
    Ok(())
}
