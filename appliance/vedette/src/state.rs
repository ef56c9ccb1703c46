//! The state folder: everything that changes lies in it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use vedette_settings::{Settings, load};

use crate::cli::Configured;
use crate::exit::Outcome;
use crate::knowledge;
use crate::model::bundle::Bundles;

/// A configuration and the state folder it names.
pub(crate) struct Home {
    pub(crate) settings: Settings,
    pub(crate) state: State,
}

impl Home {
    /// Reads the configuration, or takes the embedded defaults.
    pub(crate) fn open(configured: &Configured) -> Outcome<Self> {
        let settings = match &configured.config {
            Some(file) => load(file)?.settings,
            None => Settings::default(),
        };
        let state = State::of(&settings);
        knowledge::adopt_attack(&state);
        Ok(Self { settings, state })
    }

    /// The language models, the configured one chosen.
    pub(crate) fn bundles(&self) -> Bundles {
        bundles(&self.settings, &self.state)
    }
}

/// The language models of a state folder, the configured one chosen.
pub(crate) fn bundles(settings: &Settings, state: &State) -> Bundles {
    let model = &settings.model;
    Bundles::of(state.folder()).pin(model.bundle.as_deref()).trust(&model.trusted_keys)
}

/// The state folder and what lies where in it.
#[derive(Clone, Debug)]
pub(crate) struct State(PathBuf);

impl State {
    /// `paths.state`, else `$VEDETTE_STATE`, else `./var`.
    fn of(settings: &Settings) -> Self {
        let folder = settings.paths.state.clone();
        let folder = folder.or_else(|| std::env::var_os("VEDETTE_STATE").map(PathBuf::from));
        Self(folder.unwrap_or_else(|| PathBuf::from("var")))
    }

    /// A folder that no configuration names.
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// The same, one folder further down.
    pub(crate) fn below(&self, name: &str) -> Self {
        Self(self.0.join(name))
    }

    /// Makes the folder, readable by its owner only.
    pub(crate) fn create(&self) -> Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0).with_context(|| {
            let folder = self.0.display();
            format!("cannot make the state folder {folder}: name another with paths.state or $VEDETTE_STATE")
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// Key, certificate and claim code of the device.
    pub(crate) fn identity(&self) -> PathBuf {
        self.0.join("identity")
    }

    /// A customer's own runbooks.
    pub(crate) fn imported_runbooks(&self) -> PathBuf {
        self.0.join("kb").join("runbooks.jsonl")
    }

    /// ATT&CK facts that were imported.
    pub(crate) fn imported_attack(&self) -> PathBuf {
        self.0.join("kb").join("attack.tsv")
    }

    /// A customer's own Sigma rules.
    pub(crate) fn sigma_rules(&self) -> PathBuf {
        self.0.join("kb").join("sigma")
    }

    /// Where a running `serve` takes replayed files.
    pub(crate) fn import_socket(&self) -> PathBuf {
        self.0.join("import.sock")
    }

    /// How far the box's journal has been read.
    pub(crate) fn journal_cursor(&self) -> PathBuf {
        self.0.join("journal.cursor")
    }

    /// Datagrams that wait while more come than can be stored.
    pub(crate) fn spool(&self) -> PathBuf {
        self.0.join("spool")
    }

    /// Where a running `serve` takes commands.
    pub(crate) fn control_socket(&self) -> PathBuf {
        self.0.join("control.sock")
    }
}
