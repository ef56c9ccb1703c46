use std::fmt::Write as _;

use serde_json::Value;

use crate::keys::{self, Key};

/// The configuration reference as a Markdown page: every key with its kind, default and meaning.
pub fn reference() -> String {
    let mut page = String::from(
        "# Configuration\n\n\
         Written by `vedette config reference`; change the doc comments of the types, not this page.\n\n\
         One TOML file, `vedette serve --config FILE`; fragments in `conf.d/*.toml` beside it merge\n\
         in name order. Every key is optional. `vedette config check` says which file set what.\n",
    );
    let mut table = None;
    for key in keys::known() {
        let (above, name) = key.path.rsplit_once('.').unwrap_or(("", &key.path));
        if table.as_deref() != Some(above) {
            let _ = write!(
                page,
                "\n## {}\n\n| key | kind | default | meaning |\n|---|---|---|---|\n",
                heading(above)
            );
            table = Some(above.to_owned());
        }
        let _ =
            writeln!(page, "| `{name}` | {} | {} | {} |", key.kind, default(&key), meaning(&key));
    }
    page
}

fn heading(table: &str) -> String {
    match table.strip_suffix("[]") {
        Some(list) => format!("`[[{list}]]`"),
        None => format!("`[{table}]`"),
    }
}

fn default(key: &Key) -> String {
    match &key.default {
        None | Some(Value::Null) => "none".to_owned(),
        // Kept as f32: its shortest form is what was written.
        Some(Value::Number(number)) if number.is_f64() => {
            format!("`{}`", number.as_f64().unwrap_or_default() as f32)
        }
        Some(value) => format!("`{value}`"),
    }
}

/// The tag that chooses a variant has no field of its own to be documented at.
fn meaning(key: &Key) -> String {
    if key.text.is_empty() && key.path.ends_with("[].kind") {
        return "Which kind this is; it decides which of the keys below belong to it.".to_owned();
    }
    key.text.replace('|', "\\|")
}
