//! `vedette config`: check a file, print the reference.

use crate::cli::Config;
use crate::exit::Outcome;

pub(crate) fn run(command: Config) -> Outcome {
    match command {
        Config::Reference => print!("{}", vedette_settings::reference()),
        Config::Check(configured) => {
            let Some(file) = configured.config else {
                println!("no configuration: the embedded defaults are in force");
                return Ok(());
            };
            let loaded = vedette_settings::load(&file)?;
            for (key, origin) in &loaded.origins {
                println!("{key} set by {}:{}", origin.file.display(), origin.line);
            }
            println!("{} is good", file.display());
        }
    }
    Ok(())
}
