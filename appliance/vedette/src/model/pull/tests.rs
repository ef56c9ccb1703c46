use std::os::unix::fs::PermissionsExt;

use super::*;

const MODEL: &[u8] = b"GGUF and what follows";

/// A state folder, and a Python of our own making in front of everything.
struct Scene {
    folder: tempfile::TempDir,
    bundles: Bundles,
    pull: Pull,
}

impl Scene {
    /// `script` is what the Python does; it finds a good wheel at `$WHEEL`, where to put it in
    /// `$dest`, and its last argument in `$last`.
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let wheel = folder.path().join("good.whl");
        write_wheel(&wheel, BASE.model.path, MODEL);
        let python = folder.path().join("python3");
        let text = format!(
            "#!/bin/sh\nWHEEL='{}'\nargs=\"$*\"\nwhile [ $# -gt 0 ]; do \
             [ \"$1\" = --dest ] && dest=\"$2\"; last=\"$1\"; shift; done\n{script}\n",
            wheel.display()
        );
        write_program(&python, &text);
        let bundles = Bundles::of(&folder.path().join("state"));
        let pull = Pull {
            accept_sha256: Some(hash(&mut &*MODEL).unwrap()),
            python: python.into(),
            ..Pull::default()
        };
        Self { folder, bundles, pull }
    }

    fn run(&self) -> Result<Bundle, PullError> {
        let pulled = self.pull.run(&self.bundles, &mut |_| {});
        assert!(!self.bundles.folder().join(INCOMING).exists(), "nothing half-pulled stays");
        pulled
    }
}

fn write_program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn write_wheel(path: &Path, member: &str, content: &[u8]) {
    let mut wheel = zip::ZipWriter::new(File::create(path).unwrap());
    wheel.start_file(member, zip::write::SimpleFileOptions::default()).unwrap();
    wheel.write_all(content).unwrap();
    wheel.finish().unwrap();
}

const GOOD: &str = "case \"$args\" in *--version*) exit 0;; *) cp \"$WHEEL\" \"$dest/\";; esac";

/// A Python without pip whose environments have one.
const ONLY_VENV: &str = "case \"$0\" in *venv/bin*) cp \"$WHEEL\" \"$dest/\"; exit;; esac
case \"$args\" in *venv*) mkdir -p \"$last/bin\"; cp \"$0\" \"$last/bin/python3\"; exit;; esac
exit 1";

#[test]
fn the_client_fetches_or_its_failure_is_told() {
    for (name, script, complaint) in [
        ("pip is there", GOOD, None),
        ("pip only in an environment", ONLY_VENV, None),
        ("neither pip nor venv", "exit 1", Some("python3-venv")),
        (
            "interrupted",
            "case \"$args\" in *--version*) exit 0;; esac\nhead -c 40 \"$WHEEL\" > \"$dest/x.part\"; \
             echo connection lost; exit 1",
            Some("connection lost"),
        ),
        (
            "half a wheel",
            "case \"$args\" in *--version*) exit 0;; esac\nhead -c 40 \"$WHEEL\" > \"$dest/x.whl\"",
            Some("neither a wheel"),
        ),
        ("no wheel", "exit 0", Some("left no wheel")),
    ] {
        let scene = Scene::new(script);
        let pulled = scene.run();
        match (pulled, complaint) {
            (Ok(bundle), None) => bundle.verify().unwrap(),
            (Err(why), Some(complaint)) => {
                assert!(why.to_string().contains(complaint), "{name}: {why}");
                assert!(matches!(scene.bundles.find(), Err(BundleError::Missing(_))), "{name}");
            }
            (pulled, _) => panic!("{name}: {pulled:?}"),
        }
    }
}

#[test]
fn a_pull_after_an_interrupted_one_starts_clean() {
    let scene = Scene::new(GOOD);
    let stale = scene.bundles.folder().join(INCOMING);
    fs::create_dir_all(&stale).unwrap();
    fs::write(stale.join("model"), b"half").unwrap();
    fs::create_dir_all(scene.bundles.folder().join(BASE.folder)).unwrap();
    fs::write(scene.bundles.folder().join(BASE.folder).join(BASE.model.file), b"half").unwrap();
    assert!(matches!(scene.bundles.find(), Err(BundleError::Missing(_))));
    scene.run().unwrap().verify().unwrap();
}

#[test]
fn a_client_that_hangs_is_ended() {
    let mut scene = Scene::new("exec sleep 1000");
    scene.pull.time = Duration::ZERO;
    assert!(matches!(scene.run(), Err(PullError::NoClient { .. })));
}

#[test]
fn without_python_the_way_out_is_named() {
    let mut scene = Scene::new(GOOD);
    scene.pull.python = scene.folder.path().join("no-python").into();
    let why = scene.run().unwrap_err().to_string();
    assert!(why.contains("python3-pip") && why.contains("--file"), "{why}");
}

#[test]
fn two_pulls_do_not_meet() {
    let scene = Scene::new(GOOD);
    fs::create_dir_all(scene.bundles.folder()).unwrap();
    let held = File::create(scene.bundles.folder().join(".pull.lock")).unwrap();
    held.lock().unwrap();
    assert!(matches!(scene.pull.run(&scene.bundles, &mut |_| {}), Err(PullError::Busy)));
}

#[test]
fn a_file_is_taken_by_hand_when_it_is_the_right_one() {
    for (content, accept, complaint) in [
        (MODEL, true, None),
        (MODEL, false, Some("--accept-sha256")),
        (&b"GGUF another"[..], true, Some("SHA-256")),
        (b"text", true, Some("neither a wheel")),
        (b"", true, Some("neither a wheel")),
    ] {
        let mut scene = Scene::new("exit 1");
        let file = scene.folder.path().join("model.gguf");
        fs::write(&file, content).unwrap();
        scene.pull.file = Some(file);
        if !accept {
            scene.pull.accept_sha256 = None;
        }
        match (scene.run(), complaint) {
            (Ok(bundle), None) => bundle.verify().unwrap(),
            (Err(why), Some(complaint)) => assert!(why.to_string().contains(complaint), "{why}"),
            (pulled, _) => panic!("{content:?}: {pulled:?}"),
        }
    }
    let mut scene = Scene::new("exit 1");
    scene.pull.file = Some(scene.folder.path().join("good.whl"));
    scene.run().unwrap();
}
