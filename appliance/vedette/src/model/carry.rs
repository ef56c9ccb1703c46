//! Bundles on their way between boxes: signed when they leave, checked before they are taken.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use vedette_provisioning::Identity;

use super::build::{Site, is_name, name_of};
use super::bundle::{
    BASE, Bundle, BundleError, Bundles, Entry, MANIFEST, Origin, SENTENCES, SIGNATURE, write_whole,
};

/// Bytes copied at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// Why a bundle was not carried.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CarryError {
    /// The name is no name for a folder, or one with a meaning of its own.
    #[error("{0:?} is no name for a bundle from elsewhere: choose another with --name")]
    Name(String),
    /// There is one already.
    #[error("there is a bundle {0:?} already: choose another name, or remove its folder")]
    Taken(String),
    /// Nobody answers for it.
    #[error(
        "{} is refused: it has no signature ({SIGNATURE}); `vedette model export` on the box it was \
         built on makes one",
        .0.display()
    )]
    Unsigned(PathBuf),
    /// A file is not what the manifest says.
    #[error("{} is refused: {file} is not the file that was signed", folder.display())]
    Changed {
        /// The bundle.
        folder: PathBuf,
        /// The file.
        file: String,
    },
    /// A step on the disk failed.
    #[error("cannot {what} {}", path.display())]
    Disk {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is there is no bundle, or its signature does not count.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// Takes a signed bundle from a folder: the signature counts, then each file is what was signed, and only
/// then does the folder become a bundle. Nothing that is not in the manifest is taken.
pub(crate) fn import(
    bundles: &Bundles,
    from: &Path,
    name: Option<&str>,
) -> Result<Bundle, CarryError> {
    let name = name.map_or_else(|| name_of(from), str::to_owned);
    if !is_name(&name) || [BASE.folder, SENTENCES.folder].contains(&name.as_str()) {
        return Err(CarryError::Name(name));
    }
    let folder = bundles.folder().join(&name);
    if folder.exists() {
        return Err(CarryError::Taken(name));
    }
    let found = bundles.elsewhere(from)?;
    if !matches!(found.origin, Origin::Signed(_)) {
        return Err(CarryError::Unsigned(from.to_owned()));
    }
    let place = bundles.folder().join(format!(".{name}.importing"));
    let site = Site::new(place.clone()).map_err(disk("make", &place))?;
    for entry in found.manifest.entries() {
        copy(from, entry, &site.0)?;
    }
    for file in [SIGNATURE, MANIFEST] {
        let bytes = fs::read(from.join(file)).map_err(disk("read", from))?;
        write_whole(&site.0, file, &bytes).map_err(disk("write", &site.0))?;
    }
    // Read anew: what lies here now is what counts, whatever became of the other folder meanwhile.
    let arrived = bundles.elsewhere(&site.0)?;
    if arrived.origin != found.origin || arrived.manifest != found.manifest {
        return Err(CarryError::Changed { folder: from.to_owned(), file: MANIFEST.to_owned() });
    }
    fs::rename(&site.0, &folder).map_err(disk("write", &folder))?;
    Ok(bundles.named(&name)?)
}

/// Copies a bundle into a new folder, signed by this box unless somebody else signed it.
pub(crate) fn export(bundle: &Bundle, identity: &Identity, to: &Path) -> Result<(), CarryError> {
    fs::create_dir(to).map_err(disk("make", to))?;
    for entry in bundle.manifest.entries() {
        copy(&bundle.folder, entry, to)?;
    }
    let manifest = bundle.manifest_bytes()?;
    let signature = match bundle.origin {
        Origin::Signed(_) => {
            fs::read(bundle.folder.join(SIGNATURE)).map_err(disk("read", &bundle.folder))?
        }
        _ => identity.sign(&manifest).to_vec(),
    };
    write_whole(to, SIGNATURE, &signature).map_err(disk("write", to))?;
    write_whole(to, MANIFEST, &manifest).map_err(disk("write", to))
}

/// Copies a file, which must be what the manifest says: no byte more is read than it should have.
fn copy(from: &Path, entry: &Entry, to: &Path) -> Result<(), CarryError> {
    let (source, target) = (from.join(&entry.file), to.join(&entry.file));
    let mut reader = File::open(&source).map_err(disk("read", &source))?.take(entry.bytes + 1);
    let mut writer = File::create_new(&target).map_err(disk("write", &target))?;
    let (mut hasher, mut chunk) = (Sha256::new(), vec![0; CHUNK_BYTES]);
    loop {
        match reader.read(&mut chunk).map_err(disk("read", &source))? {
            0 => break,
            read => {
                hasher.update(&chunk[..read]);
                writer.write_all(&chunk[..read]).map_err(disk("write", &target))?;
            }
        }
    }
    writer.sync_all().map_err(disk("write", &target))?;
    let found: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    match found.eq_ignore_ascii_case(&entry.sha256) {
        true => Ok(()),
        false => Err(CarryError::Changed { folder: from.to_owned(), file: entry.file.clone() }),
    }
}

fn disk<'a>(what: &'static str, path: &'a Path) -> impl Fn(io::Error) -> CarryError + 'a {
    move |source| CarryError::Disk { what, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use vedette_provisioning::{Surroundings, SystemEntropy, TrustedKey};

    use super::super::bundle::{Built, Manifest, Selection, hash};
    use super::*;

    /// Two boxes: what one built and signed, and the other's bundles, with one that answers.
    struct Scene {
        folder: tempfile::TempDir,
        signed: PathBuf,
        there: Bundles,
        key: TrustedKey,
    }

    fn bundle(folder: &Path, model: &[u8], built: bool) {
        fs::create_dir_all(folder).unwrap();
        let entry = |file: &str, bytes: &[u8]| {
            fs::write(folder.join(file), bytes).unwrap();
            let sha256 = hash(&mut &*bytes).unwrap();
            Entry { file: file.to_owned(), sha256, bytes: bytes.len() as u64 }
        };
        let built = built.then(|| Built {
            base_sha256: "00".to_owned(),
            adapters: Vec::new(),
            ensemble: false,
            quantisation: "q8_0".to_owned(),
        });
        let model = entry("model.gguf", model);
        let beside = vec![entry("heads.safetensors", b"heads")];
        let (source, card) = ("test".into(), None);
        Manifest { model, beside, source, built, card }.write(folder).unwrap();
    }

    fn scene() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let state = |name: &str| folder.path().join(name);
        let here = Bundles::of(&state("here"));
        bundle(&here.folder().join("office"), b"GGUF office", true);
        let mut entropy = SystemEntropy;
        let identity =
            Identity::load_or_create(&state("identity"), Surroundings::real(&mut entropy)).unwrap();
        let key = TrustedKey::new(&identity.public_key()).unwrap();
        let office = here.named("office").unwrap();
        assert_eq!(office.origin, Origin::BuiltHere);
        let signed = state("office");
        export(&office, &identity, &signed).unwrap();
        let there = Bundles::of(&state("there")).trust(&[key]);
        bundle(&there.folder().join("base"), b"GGUF base", false);
        Scene { folder, signed, there, key }
    }

    #[test]
    fn what_was_signed_is_taken_and_nothing_else() {
        let flip = |path: PathBuf| {
            let mut bytes = fs::read(&path).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(path, bytes).unwrap();
        };
        type Change<'c> = &'c dyn Fn(&Path);
        let cases: [(&str, Change<'_>, &str); 8] = [
            ("good", &|_| {}, ""),
            ("manifest changed", &|to| flip(to.join(MANIFEST)), "changed since"),
            ("model changed", &|to| flip(to.join("model.gguf")), "model.gguf is not"),
            ("heads changed", &|to| flip(to.join("heads.safetensors")), "heads.safetensors is not"),
            ("signature changed", &|to| flip(to.join(SIGNATURE)), "changed since"),
            ("no signature", &|to| fs::remove_file(to.join(SIGNATURE)).unwrap(), "no signature"),
            ("long", &|to| fs::write(to.join(SIGNATURE), [0; 4096]).unwrap(), "65 bytes, not 64"),
            ("empty", &|to| fs::write(to.join(SIGNATURE), []).unwrap(), "0 bytes, not 64"),
        ];
        for (name, change, complaint) in cases {
            let scene = scene();
            change(&scene.signed);
            match import(&scene.there, &scene.signed, None) {
                Ok(bundle) => {
                    assert_eq!((complaint, bundle.origin), ("", Origin::Signed(scene.key)));
                    scene.there.named("office").unwrap().verify().unwrap();
                }
                Err(why) => {
                    assert!(!complaint.is_empty() && why.to_string().contains(complaint), "{why}");
                    assert_eq!(scene.there.list().unwrap().len(), 1, "{name}: nothing stays");
                    let left = fs::read_dir(scene.there.folder()).unwrap().count();
                    assert_eq!(left, 1, "{name}: nothing half-taken stays");
                }
            }
            assert_eq!(scene.there.find().unwrap().name, "base", "{name}: the old one answers");
        }
    }

    #[test]
    fn another_key_is_refused_and_so_is_a_bundle_that_was_changed_later() {
        let scene = scene();
        let stranger = Bundles::of(&scene.folder.path().join("stranger"));
        let why = import(&stranger, &scene.signed, None).unwrap_err().to_string();
        assert!(why.contains("trusted-keys"), "{why}");
        import(&scene.there, &scene.signed, None).unwrap();
        let previous = Some("base".to_owned());
        scene.there.select(&Selection { active: "office".into(), previous }).unwrap();
        assert_eq!(scene.there.find().unwrap().name, "office");
        let manifest = scene.there.folder().join("office").join(MANIFEST);
        let text = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, text.replace("test", "tset")).unwrap();
        assert!(matches!(scene.there.named("office"), Err(BundleError::Signature { .. })));
        assert_eq!(scene.there.find().unwrap().name, "base", "the last good one answers");
    }

    #[test]
    fn names_with_a_meaning_and_names_that_are_taken_are_refused() {
        let scene = scene();
        for name in ["base", "sentences", "..", "a/b"] {
            let refused = import(&scene.there, &scene.signed, Some(name));
            assert!(matches!(refused, Err(CarryError::Name(_))), "{name}");
        }
        import(&scene.there, &scene.signed, Some("mine")).unwrap();
        let again = import(&scene.there, &scene.signed, Some("mine"));
        assert!(matches!(again, Err(CarryError::Taken(_))));
    }
}
