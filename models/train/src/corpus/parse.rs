//! Reading the corpus files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::envelope::Envelope;
use super::label::CaseLabel;

/// What separates a case's label from its bindings and these from each other.
const SEPARATOR: &str = " ;; ";

/// A value of a list, with what it makes of a line if it says so.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// Text, which may hold slots.
    pub text: String,
    /// What it makes of a line; none where it says nothing.
    pub label: Option<CaseLabel>,
}

/// Lists of values by name.
pub(super) type Lists = BTreeMap<String, Vec<Labelled>>;

/// How values are written inside a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// As they are.
    Plain,
    /// As in a JSON string.
    Json,
    /// As in XML text.
    Xml,
}

/// What the values of a shape make of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// None: the labelled value drawn says it.
    pub label: Option<CaseLabel>,
    /// Values of slots.
    pub bindings: BTreeMap<String, String>,
}

/// How a product writes one kind of line.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Text with slots.
    pub text: String,
    /// How values are written in it.
    pub escape: Escape,
    /// What it may mean.
    pub cases: Vec<Case>,
}

/// What writes lines.
#[derive(Clone, Debug)]
pub struct Product {
    /// Its name; a group of rows.
    pub name: String,
    /// Its syslog tag.
    pub program: String,
    /// How its lines travel.
    pub envelopes: Vec<Envelope>,
    /// How it writes.
    pub shapes: Vec<Shape>,
    /// Lists of its file.
    pub lists: Lists,
}

/// Everything.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    /// Lists for all.
    pub lists: Lists,
    /// What writes lines.
    pub products: Vec<Product>,
}

impl Corpus {
    /// Reads `values/*.soc` (lists for all) and `products/*.soc` below a folder, in order of names.
    ///
    /// # Errors
    /// When a file cannot be read or a line is not in the format; the text names both.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut corpus = Self::default();
        for path in files(&folder.join("values"))? {
            let file = File::read(&path)?;
            ensure!(file.products.is_empty(), "{}: a product belongs elsewhere", path.display());
            for (name, list) in file.lists {
                let old = corpus.lists.insert(name.clone(), list);
                ensure!(old.is_none(), "{}: list {name} is there already", path.display());
            }
        }
        for path in files(&folder.join("products"))? {
            corpus.products.extend(File::read(&path)?.finished());
        }
        Ok(corpus)
    }
}

fn files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut paths: Vec<_> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "soc"));
    paths.sort();
    Ok(paths)
}

/// A file as it is read.
#[derive(Default)]
struct File {
    lists: Lists,
    products: Vec<Product>,
    /// List that entries go to.
    open: Option<String>,
}

impl File {
    fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let mut file = Self::default();
        for (at, line) in text.lines().enumerate() {
            file.line(line).with_context(|| format!("{}:{}", path.display(), at + 1))?;
        }
        Ok(file)
    }

    fn line(&mut self, line: &str) -> Result<()> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" => {}
            _ if line.starts_with('#') => {}
            "product" => self.products.push(Product {
                name: rest.to_owned(),
                program: rest.to_owned(),
                envelopes: Envelope::USUAL.to_vec(),
                shapes: Vec::new(),
                lists: Lists::new(),
            }),
            "program" => rest.clone_into(&mut self.product()?.program),
            "envelopes" => {
                let envelopes = rest.split(' ').map(str::parse).collect::<Result<_>>()?;
                self.product()?.envelopes = envelopes;
            }
            "list" => {
                ensure!(!self.lists.contains_key(rest), "list {rest} is there already");
                self.lists.insert(rest.to_owned(), Vec::new());
                self.open = Some(rest.to_owned());
            }
            "-" => self.entry(rest)?,
            "=" => self.shape(rest, Escape::Plain)?,
            "=json" => self.shape(rest, Escape::Json)?,
            "=xml" => self.shape(rest, Escape::Xml)?,
            "+" => self.case(rest)?,
            other => bail!("`{other}` begins no line: see the README of the corpus"),
        }
        Ok(())
    }

    fn product(&mut self) -> Result<&mut Product> {
        self.products.last_mut().context("a `product` line comes first")
    }

    fn entry(&mut self, rest: &str) -> Result<()> {
        let list = self.open.as_ref().and_then(|name| self.lists.get_mut(name));
        let list = list.context("a `list` line comes before its entries")?;
        list.push(match rest.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
            Some((label, text)) if label.starts_with(|c: char| c.is_ascii_lowercase()) => {
                match CaseLabel::parse(label) {
                    Ok(label) => Labelled { text: text.to_owned(), label: Some(label) },
                    // A value that begins with a bracketed word of its own.
                    Err(_) if !label.contains(' ') => {
                        Labelled { text: rest.to_owned(), label: None }
                    }
                    Err(error) => return Err(error),
                }
            }
            _ => Labelled { text: rest.to_owned(), label: None },
        });
        Ok(())
    }

    fn shape(&mut self, text: &str, escape: Escape) -> Result<()> {
        ensure!(!text.is_empty(), "a shape has a text");
        let shape = Shape { text: text.to_owned(), escape, cases: Vec::new() };
        self.product()?.shapes.push(shape);
        Ok(())
    }

    fn case(&mut self, rest: &str) -> Result<()> {
        let mut parts = rest.split(SEPARATOR);
        let label = match parts.next().unwrap_or_default().trim() {
            "@" => None,
            label => Some(CaseLabel::parse(label)?),
        };
        let bindings = parts
            .map(|part| {
                let (name, value) =
                    part.split_once('=').with_context(|| format!("`{part}` binds nothing"))?;
                Ok((name.trim().to_owned(), value.to_owned()))
            })
            .collect::<Result<_>>()?;
        let shape = self.product()?.shapes.last_mut().context("a shape comes before its cases")?;
        shape.cases.push(Case { label, bindings });
        Ok(())
    }

    /// The products with the lists of their file.
    fn finished(self) -> Vec<Product> {
        let lists = self.lists;
        let with = |product| Product { lists: lists.clone(), ..product };
        self.products.into_iter().map(with).collect()
    }
}
