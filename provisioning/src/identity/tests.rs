use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::*;

const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

/// Bytes that count up: "random" enough to differ, and the same every time.
#[derive(Default)]
pub(crate) struct Counting(pub(crate) u8);

impl Entropy for Counting {
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        for byte in buffer {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

fn load(
    folder: &Path,
    host_name: &str,
    now: OffsetDateTime,
) -> Result<Identity, ProvisioningError> {
    let host_name = host_name.to_owned();
    Identity::load_or_create(folder, Surroundings { now, host_name, entropy: &mut Counting(7) })
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn an_identity_is_made_once_and_kept() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("identity");
    let first = load(&folder, "Edge-1", NOW).unwrap();
    let again = load(&folder, "edge-1", NOW + Duration::days(300)).unwrap();
    assert_eq!(first.device_id(), again.device_id());
    assert_eq!(first.certificate(), again.certificate());
    let id = first.device_id().as_str();
    assert!(id.len() == 19 && id.starts_with("vd-"), "{id}");
    assert_eq!(files(&folder).len(), 2, "no half-written file stays");
    for file in files(&folder) {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[test]
fn signatures_verify_under_the_public_key() {
    let folder = tempfile::tempdir().unwrap();
    let identity = load(folder.path(), "edge", NOW).unwrap();
    let key = VerifyingKey::from_bytes(&identity.public_key()).unwrap();
    let signature = Signature::from_bytes(&identity.sign(b"status"));
    assert!(key.verify(b"status", &signature).is_ok());
    assert!(key.verify(b"statue", &signature).is_err());
}

#[test]
fn the_certificate_is_reissued_when_it_must_be() {
    for (host_name, now, reissued) in [
        ("edge", NOW, false),
        ("edge", NOW + Duration::days(750), false),
        ("edge", NOW + Duration::days(770), true),
        ("edge", NOW + Duration::days(9_000), true),
        ("edge", datetime!(1970-01-02 0:00 UTC), false),
        ("renamed", NOW, true),
        ("a name that no certificate can carry", NOW, true),
        ("", NOW, true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let first = load(folder.path(), "edge", NOW).unwrap();
        let second = load(folder.path(), host_name, now).unwrap();
        let changed =
            first.certificate().certificate_pem() != second.certificate().certificate_pem();
        assert_eq!(changed, reissued, "{host_name:?} {now}");
        assert_eq!(first.certificate().key_pem(), second.certificate().key_pem());
        let third = load(folder.path(), host_name, now).unwrap();
        assert_eq!(second.certificate(), third.certificate(), "{host_name:?}: and then kept");
    }
}

#[test]
fn what_is_wrong_with_a_file_is_told_and_nothing_overwritten() {
    for (name, contents, mode, part) in [
        ("device.key", "zz", 0o600, "not 64 hexadecimal digits"),
        ("device.key", "", 0o600, "delete it to start over as a new device"),
        ("device.key", &"é".repeat(32), 0o600, "not 64 hexadecimal digits"),
        ("device.key", &"a".repeat(64), 0o644, "chmod 600"),
        ("console.pem", "nothing", 0o600, "no private key in it"),
        ("console.pem", "-----BEGIN PRIVATE KEY-----", 0o600, "the certificate cannot be read"),
        ("console.pem", "", 0o600, "the next start makes a new one"),
        ("console.pem", "", 0o640, "others may read it (mode 0640)"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        load(folder.path(), "edge", NOW).unwrap();
        let path = folder.path().join(name);
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let error = load(folder.path(), "edge", NOW).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains(name), "{name}: {error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), contents);
    }
}

#[test]
fn certificate_and_key_must_belong_together() {
    let [one, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let first = load(one.path(), "edge", NOW).unwrap();
    let second = load(other.path(), "edge", NOW).unwrap();
    let path = one.path().join("console.pem");
    let (certificate, key) =
        (first.certificate().certificate_pem(), second.certificate().key_pem());
    fs::write(&path, format!("{certificate}{key}")).unwrap();
    let error = load(one.path(), "edge", NOW).unwrap_err().to_string();
    assert!(error.contains("do not belong together"), "{error}");
}

#[test]
fn a_half_written_file_of_an_earlier_life_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("device.new"), "half").unwrap();
    load(folder.path(), "edge", NOW).unwrap();
    assert!(!folder.path().join("device.new").exists());
}

#[test]
fn secrets_do_not_show() {
    let folder = tempfile::tempdir().unwrap();
    let identity = load(folder.path(), "edge", NOW).unwrap();
    let shown = format!("{identity:?} {:?}", identity.certificate());
    assert!(!shown.contains("PRIVATE") && !shown.contains("0708090a"), "{shown}");
}
