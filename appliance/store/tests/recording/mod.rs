//! What a process did to the files of one folder, read from the log of `strace`, and a disk that forgets
//! what was not flushed.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// Calls to record.
pub(crate) const CALLS: &str =
    "trace=openat,close,close_range,pwrite64,write,fsync,fdatasync,ftruncate,rename,unlink";

/// First word of a line on which the child says up to where it promises.
pub(crate) const ACKNOWLEDGED: &str = "acknowledged ";

/// What a disk writes at once.
const SECTOR: usize = 512;

/// Shared memory of SQLite, which no restart reads.
const SHARED_MEMORY: &str = "-shm";

/// One thing that was done.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Create(PathBuf),
    Write {
        path: PathBuf,
        offset: usize,
        bytes: Vec<u8>,
    },
    Resize(PathBuf, usize),
    /// A thread begins to flush: what is written from here on need not be on the disk when it ends.
    FlushBegins(String, PathBuf),
    Flush(String, PathBuf),
    /// A folder's own entries: which files there are.
    FlushFolder(PathBuf),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    Acknowledged(u64),
}

/// Reads a log; `folder` holds the files that count.
pub(crate) fn read(log: &str, folder: &Path) -> Vec<Step> {
    let mut begun: HashMap<&str, &str> = HashMap::new();
    let mut shared: HashMap<u64, PathBuf> = HashMap::new();
    // Of threads that have a table of open files for themselves.
    let mut own: HashMap<&str, HashMap<u64, PathBuf>> = HashMap::new();
    let mut steps = Vec::new();
    for line in log.lines() {
        let (thread, call) = line.split_once(' ').unwrap_or_default();
        let call = call.trim_start();
        if call.starts_with("close_range(") {
            own.entry(thread).or_default();
        }
        let open = own.get_mut(thread).unwrap_or(&mut shared);
        let resumed = call.split_once(" resumed>");
        let whole = match call.split_once(" <unfinished ...>") {
            Some((first, _)) => {
                begun.insert(thread, first);
                // As if it had ended well, to see what it is.
                let begins = step(&format!("{first}) = 0"), folder, &mut open.clone());
                if let Some(Step::Flush(_, path)) = begins {
                    steps.push(Step::FlushBegins(thread.to_owned(), path));
                }
                continue;
            }
            None => resumed.map_or(call.to_owned(), |(_, rest)| {
                format!("{}{rest}", begun.remove(thread).unwrap_or_default())
            }),
        };
        steps.extend(match step(&whole, folder, open) {
            Some(Step::Flush(_, path)) => Some(Step::Flush(thread.to_owned(), path)),
            other => other,
        });
    }
    steps
}

fn step(call: &str, folder: &Path, open: &mut HashMap<u64, PathBuf>) -> Option<Step> {
    let (name, rest) = call.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let result: i64 = result.split(' ').next()?.parse().ok().filter(|result| *result >= 0)?;
    let arguments = arguments.trim_end().strip_suffix(')')?;
    let texts: Vec<&str> = arguments.split('"').skip(1).step_by(2).collect();
    let path_of = |text: &str| {
        let path = PathBuf::from(String::from_utf8(unhex(text)).ok()?);
        let is_ours = path.starts_with(folder) && !path.to_string_lossy().ends_with(SHARED_MEMORY);
        is_ours.then_some(path)
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let descriptor = number(arguments.split([',', ')']).next()?);
    let last = || number(arguments.rsplit(',').next()?).and_then(|number| number.try_into().ok());
    match name {
        "openat" => {
            let descriptor = result.cast_unsigned();
            open.remove(&descriptor);
            let path = path_of(texts.first()?)?;
            open.insert(descriptor, path.clone());
            arguments.contains("O_CREAT").then_some(Step::Create(path))
        }
        "close" => {
            open.remove(&descriptor?);
            None
        }
        "write" => {
            let bytes = unhex(texts.first()?);
            let text = String::from_utf8_lossy(&bytes);
            let (_, promised) = text.split_once(ACKNOWLEDGED).filter(|_| descriptor == Some(1))?;
            Some(Step::Acknowledged(promised.trim().parse().ok()?))
        }
        "pwrite64" => Some(Step::Write {
            path: open.get(&descriptor?)?.clone(),
            offset: last()?,
            bytes: unhex(texts.first()?),
        }),
        "ftruncate" => Some(Step::Resize(open.get(&descriptor?)?.clone(), last()?)),
        "fsync" | "fdatasync" => {
            let path = open.get(&descriptor?)?.clone();
            Some(if path.is_dir() {
                Step::FlushFolder(path)
            } else {
                Step::Flush(String::new(), path)
            })
        }
        "rename" => Some(Step::Rename(path_of(texts.first()?)?, path_of(texts.get(1)?)?)),
        "unlink" => Some(Step::Remove(path_of(texts.first()?)?)),
        _ => None,
    }
}

/// `\x61\x62` as bytes.
fn unhex(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).filter_map(|two| u8::from_str_radix(two, 16).ok()).collect()
}

/// A file as the disk has it, and what was done to it since it was flushed.
#[derive(Clone, Debug, Default)]
struct File {
    flushed: Vec<u8>,
    /// Whether the disk knows of it at all.
    exists: bool,
    since: Vec<Step>,
    /// By thread that flushes, how much of `since` was there when it began.
    flushing: HashMap<String, usize>,
}

/// The files of a folder on a disk with a cache.
#[derive(Debug, Default)]
pub(crate) struct Disk(BTreeMap<PathBuf, File>);

impl Disk {
    pub(crate) fn apply(&mut self, step: &Step) {
        match step {
            Step::Create(path) => {
                self.0.entry(path.clone()).or_default();
            }
            Step::Write { path, .. } | Step::Resize(path, _) => {
                self.0.entry(path.clone()).or_default().since.push(step.clone());
            }
            Step::FlushBegins(thread, path) => {
                let file = self.0.entry(path.clone()).or_default();
                file.flushing.insert(thread.clone(), file.since.len());
            }
            Step::Flush(thread, path) => {
                let file = self.0.entry(path.clone()).or_default();
                let count = file.flushing.remove(thread).unwrap_or(file.since.len());
                for step in file.since.drain(..count) {
                    change(&mut file.flushed, &step);
                }
                file.flushing
                    .values_mut()
                    .for_each(|others| *others = others.saturating_sub(count));
                file.exists = true;
            }
            Step::FlushFolder(folder) => {
                let inside = self.0.iter_mut().filter(|(path, _)| path.parent() == Some(folder));
                inside.for_each(|(_, file)| file.exists = true);
            }
            // The file system's own journal keeps these whole and in order.
            Step::Rename(from, to) => {
                if let Some(file) = self.0.remove(from) {
                    self.0.insert(to.clone(), file);
                }
            }
            Step::Remove(path) => {
                self.0.remove(path);
            }
            Step::Acknowledged(_) => {}
        }
    }

    /// Writes into a folder what may be left: of what was not flushed each write is there, or not,
    /// or only a part of its sectors.
    pub(crate) fn after_power_cut(&self, folder: &Path, dice: &mut Dice) {
        fs::create_dir_all(folder).expect("a folder is made");
        let root =
            self.0.keys().filter_map(|path| path.ancestors().find(|at| at.ends_with("state")));
        let Some(root) = root.map(Path::to_owned).next() else { return };
        for (path, file) in &self.0 {
            if !file.exists && dice.below(2) == 0 {
                continue;
            }
            let mut bytes = file.flushed.clone();
            for step in &file.since {
                match (dice.below(4), step) {
                    (0, _) => {}
                    (1, Step::Write { path, offset, bytes: written }) => {
                        let kept = dice.below(written.len().div_ceil(SECTOR)) * SECTOR;
                        let written = written[..kept].to_vec();
                        let (path, offset) = (path.clone(), *offset);
                        change(&mut bytes, &Step::Write { path, offset, bytes: written });
                    }
                    (_, step) => change(&mut bytes, step),
                }
            }
            let target = folder.join(path.strip_prefix(&root).expect("files lie below the root"));
            let parent = target.parent().expect("a file lies in a folder");
            fs::create_dir_all(parent).expect("a folder is made");
            fs::write(target, bytes).expect("a file is written");
        }
    }
}

fn change(file: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Write { offset, bytes, .. } if !bytes.is_empty() => {
            let end = offset + bytes.len();
            file.resize(file.len().max(end), 0);
            file[*offset..end].copy_from_slice(bytes);
        }
        Step::Resize(_, size) => file.resize(*size, 0),
        _ => {}
    }
}

/// Numbers that look random and are the same in every run (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((number ^ number >> 31) % bound.max(1) as u64) as usize
    }
}
