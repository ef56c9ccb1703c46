//! Small stories with a known end: what an appliance would show of an incident, and how it ended.
//!
//! A file holds one set, written by one hand in one go. A line `code class` begins a story, its log
//! lines stand below it, two blanks further in; `#` begins a remark. `{ip}` (outside), `{lan}`
//! (inside), `{user}`, `{host}` and `{domain}` are open places.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use vedette_event::{ResolutionCode, ThreatClass};

/// Sets that nothing is learnt from and nothing is chosen by: they are for measuring alone.
pub const HELD: [&str; 4] = ["blind", "unseen", "unseen-too", "unseen-three"];

/// What a story's first word says of its end.
const ENDS: [(&str, ResolutionCode); 5] = [
    ("contained", ResolutionCode::TruePositiveContained),
    ("act", ResolutionCode::TruePositiveActionNeeded),
    ("expected", ResolutionCode::BenignExpected),
    ("faulty", ResolutionCode::BenignMisconfiguration),
    ("human", ResolutionCode::NeedsHuman),
];

/// What was seen, and how it ended. Title and class say nothing of the end; only the lines do.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// How it ended.
    pub code: ResolutionCode,
    /// What raised it.
    pub class: ThreatClass,
    /// Its lines, with open places in braces.
    pub lines: Vec<String>,
}

/// The stories of one file.
#[derive(Clone, Debug)]
pub struct StorySet {
    /// The file's name without its ending.
    pub name: String,
    /// In the file's order.
    pub stories: Vec<Story>,
}

impl StorySet {
    /// Whether nothing may be learnt from it.
    pub fn is_held(&self) -> bool {
        HELD.contains(&self.name.as_str())
    }
}

/// Where the sets are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("outcomes")
}

/// The bytes and stories of all sets of a folder, by name.
///
/// # Errors
/// When a file cannot be read or breaks the format; the text names file and line.
pub fn read(folder: &Path) -> Result<Vec<(Vec<u8>, StorySet)>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("{} cannot be listed", folder.display()))?
        .collect::<std::io::Result<Vec<_>>>()?;
    let mut paths: Vec<PathBuf> = entries.iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "stories"));
    paths.sort();
    let one = |path: &PathBuf| {
        let text = fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let stories = parse(&text).with_context(|| format!("{} is no set of stories", name))?;
        Ok((text.into_bytes(), StorySet { name, stories }))
    };
    paths.iter().map(one).collect()
}

/// The stories of a text.
///
/// # Errors
/// When a line breaks the format; the text names the line and how to mend it.
pub fn parse(text: &str) -> Result<Vec<Story>> {
    let mut stories: Vec<Story> = Vec::new();
    for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let Some(log) = line.strip_prefix("  ") else {
            let begun = begin(line).with_context(|| format!("line {number}"))?;
            if stories.last().is_some_and(|story| story.lines.is_empty()) {
                bail!("line {number}: the story before has no lines; add them, each two blanks in");
            }
            stories.push(begun);
            continue;
        };
        let Some(story) = stories.last_mut() else {
            bail!("line {number}: a log line before any `code class`; put one above it");
        };
        story.lines.push(log.to_owned());
    }
    match stories.last() {
        Some(story) if story.lines.is_empty() => bail!("the last story has no lines; add them"),
        Some(_) => Ok(stories),
        None => bail!("there is no story; begin one with `code class`"),
    }
}

fn begin(line: &str) -> Result<Story> {
    let Some((end, class)) = line.split_once(' ') else {
        bail!("{line:?} is not `code class`; log lines stand two blanks in");
    };
    let Some((_, code)) = ENDS.iter().find(|(name, _)| *name == end) else {
        let known: Vec<_> = ENDS.iter().map(|(name, _)| *name).collect();
        bail!("{end:?} is no code; use one of {}", known.join(", "));
    };
    let class = class.trim().replace('-', "_").parse()?;
    Ok(Story { code: *code, class, lines: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stories_are_read_line_by_line() {
        let read = parse("# remark\n\nact web-attack\n  a {ip}\n  # b\n\nhuman malware\n  c\n");
        let read = read.unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].class, ThreatClass::WebAttack);
        assert_eq!(read[0].lines, ["a {ip}", "# b"]);
        assert_eq!(read[1].code, ResolutionCode::NeedsHuman);
    }

    #[test]
    fn errors_name_the_line_and_how_to_mend_it() {
        for (text, expected) in [
            ("  a", "line 1: a log line before any"),
            ("act\n", "line 1: \"act\" is not `code class`"),
            ("\nlost malware\n", "line 2: \"lost\" is no code; use one of contained"),
            ("act mallware\n  a", "line 1: \"mallware\" is not a threat class"),
            ("act malware\nact malware\n  a", "line 2: the story before has no lines"),
            ("act malware\n", "the last story has no lines"),
            ("", "there is no story"),
        ] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.starts_with(expected), "{text:?}: {error}");
        }
    }
}
