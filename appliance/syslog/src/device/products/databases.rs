//! Databases and directories.

use super::{CONNECTION, LOGIN_DONE, LOGIN_FAILED, Product, form};

pub(super) const TABLE: &[Product] = &[
    Product::of("mysql", "").marks(&["Access denied for user '"]).only(MYSQL),
    Product::of("mysql", "").apps(&["mysql*", "mariadb*"]).patterns(MYSQL),
    Product::of("postgresql", "").marks(&["password authentication failed for user \""]).only(POSTGRESQL),
    Product::of("postgresql", "").marks(&["no pg_hba.conf entry for host \""]).only(POSTGRESQL),
    Product::of("postgresql", "").apps(&["postgres*", "pgbouncer"]).patterns(POSTGRESQL),
    Product::of("mongodb", "").marks(&["\"c\":\"ACCESS\"", "\"attr\":"]).keys(MONGODB),
    Product::of("mongodb", "").marks(&["\"c\":", "\"ctx\":", "\"attr\":"]).keys(MONGODB),
    Product::of("mssql", "Microsoft").marks(&["Login failed for user '", "[CLIENT: "]).only(&[
        form("Login failed", r"Login failed for user '(?P<user.name>[^']*)'\. ?(?:Reason: (?P<event.reason>.*?) )?\[CLIENT: {src}\]", LOGIN_FAILED),
    ]),
    Product::of("couchdb", "").marks(&[" <0."]).only(&[
        form(" <0.", r"<0\.\d+\.\d+> [0-9a-f-]+ (?P<url.domain>\S+) {src} (?:undefined|(?P<user.name>\S+)) (?P<http.request.method>[A-Z]+) (?P<url.original>/\S*) (?P<http.response.status_code>\d{3}) ", ["web", "http_request", ""]),
    ]),
    Product::of("redis", "").apps(&["redis*", "valkey*"]),
    Product::of("elasticsearch", "").apps(&["elasticsearch", "opensearch*", "kibana"]),
    Product::of("opensearch.dashboards", "").marks(&["\"type\":\"response\"", "\"statusCode\":", "\"req\":"]).keys(&[("remoteAddress", "source.ip")]),
    Product::of("openldap", "").apps(&["slapd"]).patterns(&[
        form("ACCEPT from", r"ACCEPT from IP=\[?{src}\]?:(?P<source.port>\d+) ", CONNECTION),
        form(" BIND dn=", r#"BIND dn="(?P<user.name>[^"]*)""#, ["authentication", "ldap_bind", ""]),
    ]),
    Product::of("kerberos", "").apps(&["krb5kdc", "kadmind"]),
    Product::of("sssd", "").apps(&["sssd*", "krb5_child", "nslcd"]),
    Product::of("vault", "").apps(&["vault", "consul", "nomad"]),
];

const MONGODB: crate::device::Keys = &[
    ("remote", "source.ip"),
    ("principalName", "user.name"),
    ("user", "user.name"),
    ("id", "event.code"),
    ("msg", "event.action"),
    ("error", "event.reason"),
];

const MYSQL: &[super::Pattern] = &[form(
    "Access denied",
    r"Access denied for user '(?P<user.name>.*?)'@'(?:{src}|(?P<source.domain>[^']*))'",
    LOGIN_FAILED,
)];

const POSTGRESQL: &[super::Pattern] = &[
    form(
        "authentication failed",
        r#"(?:^|[ (]){src}(?:\((?P<source.port>\d+)\))?(?:[ )].*?)?password authentication failed for user "(?P<user.name>[^"]*)""#,
        LOGIN_FAILED,
    ),
    form(
        "authentication failed",
        r#"authentication failed for user "(?P<user.name>[^"]*)""#,
        LOGIN_FAILED,
    ),
    form(
        "no pg_hba",
        r#"no pg_hba.conf entry for host "{src}", user "(?P<user.name>[^"]*)""#,
        LOGIN_FAILED,
    ),
    form(
        "connection received",
        r"connection received: host={src} port=(?P<source.port>\d+)",
        CONNECTION,
    ),
    form("connection authorized", r"connection authorized: user=(?P<user.name>\S+)", LOGIN_DONE),
];
