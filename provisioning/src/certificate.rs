use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;

use crate::{ProvisioningError, files};

/// One file for both, so that a crash cannot part them.
const FILE: &str = "console.pem";

/// The longest that Apple's systems accept of any server certificate.
const VALIDITY: Duration = Duration::days(825);

/// Reissued this long before the end, so that a box switched on once a month still makes it.
const RENEW_BEFORE: Duration = Duration::days(60);

/// The clock of a browser may be behind ours.
const CLOCK_SLACK: Duration = Duration::days(1);

/// The self-signed certificate of the console and its key (ECDSA P-256, which every browser takes).
#[derive(Clone, PartialEq, Eq)]
pub struct ConsoleCertificate {
    certificate_pem: String,
    key_pem: String,
    fingerprint: [u8; 32],
}

/// What a stored certificate says of itself.
struct Contents {
    names: BTreeSet<String>,
    not_after: OffsetDateTime,
    public_key: Vec<u8>,
    fingerprint: [u8; 32],
}

impl ConsoleCertificate {
    /// The certificate, PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Its private key, PEM (PKCS #8).
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// SHA-256 of the certificate in the notation of browsers (`AB:CD:…`), to compare by eye.
    pub fn fingerprint(&self) -> String {
        let pairs: Vec<_> = self.fingerprint.iter().map(|byte| format!("{byte:02X}")).collect();
        pairs.join(":")
    }

    pub(crate) fn load_or_issue(
        folder: &Path,
        host_name: &str,
        now: OffsetDateTime,
    ) -> Result<Self, ProvisioningError> {
        let path = folder.join(FILE);
        let wanted = names(host_name);
        let key = match files::read_secret(&path)? {
            None => generate(&wanted)?,
            Some(text) => {
                let (stored, contents, key) = read(&text).map_err(|what| {
                    let mend = "delete it, and the next start makes a new one";
                    ProvisioningError::Damaged { path: path.clone(), what, mend }
                })?;
                if contents.names == wanted && now < contents.not_after - RENEW_BEFORE {
                    return Ok(stored);
                }
                key
            }
        };
        let issued = issue(&key, &wanted, now)?;
        files::write_secret(&path, &format!("{}{}", issued.certificate_pem, issued.key_pem))?;
        Ok(issued)
    }
}

impl fmt::Debug for ConsoleCertificate {
    /// Shows no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fingerprint = self.fingerprint();
        f.debug_struct("ConsoleCertificate")
            .field("fingerprint", &fingerprint)
            .finish_non_exhaustive()
    }
}

/// How a browser on this machine, or one that knows its name, addresses the console.
fn names(host_name: &str) -> BTreeSet<String> {
    let mut names: BTreeSet<_> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    let host_name = host_name.to_ascii_lowercase();
    let valid = |character: u8| character.is_ascii_alphanumeric() || b"-.".contains(&character);
    if !host_name.is_empty() && host_name.len() <= 253 && host_name.bytes().all(valid) {
        names.insert(host_name);
    }
    names
}

fn generate(names: &BTreeSet<String>) -> Result<KeyPair, ProvisioningError> {
    KeyPair::generate().map_err(|source| certificate_error(names, source))
}

fn issue(
    key: &KeyPair,
    names: &BTreeSet<String>,
    now: OffsetDateTime,
) -> Result<ConsoleCertificate, ProvisioningError> {
    let sign = || {
        let mut parameters = CertificateParams::new(names.iter().cloned().collect::<Vec<_>>())?;
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, "Vedette console");
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.not_before = now - CLOCK_SLACK;
        parameters.not_after = parameters.not_before + VALIDITY;
        parameters.self_signed(key)
    };
    let certificate = sign().map_err(|source| certificate_error(names, source))?;
    Ok(ConsoleCertificate {
        certificate_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
        fingerprint: Sha256::digest(certificate.der()).into(),
    })
}

fn certificate_error(names: &BTreeSet<String>, source: rcgen::Error) -> ProvisioningError {
    ProvisioningError::Certificate { names: names.iter().cloned().collect(), source }
}

/// Takes a stored file apart; the error says what is wrong with it.
fn read(text: &str) -> Result<(ConsoleCertificate, Contents, KeyPair), String> {
    let split = text.find("-----BEGIN PRIVATE KEY-----").ok_or("no private key in it")?;
    let (certificate_pem, key_pem) = text.split_at(split);
    let contents = parse(certificate_pem).ok_or("the certificate cannot be read")?;
    let key = KeyPair::from_pem(key_pem).map_err(|_| "the private key cannot be read")?;
    if contents.public_key != key.public_key_raw() {
        return Err("certificate and key do not belong together".to_owned());
    }
    let stored = ConsoleCertificate {
        certificate_pem: certificate_pem.to_owned(),
        key_pem: key_pem.to_owned(),
        fingerprint: contents.fingerprint,
    };
    Ok((stored, contents, key))
}

fn parse(pem: &str) -> Option<Contents> {
    let (_, pem) = parse_x509_pem(pem.as_bytes()).ok()?;
    let certificate = pem.parse_x509().ok()?;
    let alternatives = certificate.subject_alternative_name().ok()??;
    Some(Contents {
        names: alternatives.value.general_names.iter().filter_map(name).collect(),
        not_after: certificate.validity().not_after.to_datetime(),
        public_key: certificate.public_key().subject_public_key.data.to_vec(),
        fingerprint: Sha256::digest(&pem.contents).into(),
    })
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let address = match <[u8; 4]>::try_from(*bytes) {
                Ok(v4) => IpAddr::V4(Ipv4Addr::from(v4)),
                Err(_) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(*bytes).ok()?)),
            };
            Some(address.to_string())
        }
        _ => None,
    }
}
