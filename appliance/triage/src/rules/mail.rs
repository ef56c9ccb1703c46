//! Mail: relays, spam, lures.

use vedette_event::{Severity, ThreatClass};

use super::Group;
use super::Signal::{MailRefused, None as Nothing};
use super::Strength::{Likely, Strong, Weak};

pub(super) const GROUPS: &[Group] = &[
    Group {
        class: ThreatClass::Phishing,
        techniques: &["T1566"],
        severity: Severity::High,
        strength: Strong,
        signal: Nothing,
        rules: &[(
            "a lure reported",
            r"\b(?:spear)?phish(?:ing|ed)?\b|\bbusiness email compromise\b|\bbec attack|\bmalicious (?:attachment|link|email|mail)|\bphishScore\W{1,4}(?:[6-9]\d|100)\b|\bcredential harvest\w*|\bimpersonation (?:attempt|attack|detected)|\bspoofed sender\b",
        )],
    },
    Group {
        class: ThreatClass::Phishing,
        techniques: &["T1566"],
        severity: Severity::Medium,
        strength: Likely,
        signal: MailRefused,
        rules: &[(
            "spam or relay attempt refused",
            r"\brelay(?:ing)? (?:access )?denied|\brelay not permitted|\bis blacklisted\b|\bfound in (?:\S+ )?(?:rbl|dnsbl|blacklist)|\bblocked using \S+|\b(?:listed (?:at|by|in|on)|rejected because) \S*(?:spamhaus|spamcop|barracuda|sorbs|rbl|dnsbl)\S*|\bis spam\b|\brelay attempt blocked|\[RelayAttempt\]|\b(?:message|mail|email) (?:is|was|identified as|classified as|rejected as|considered) (?:unsolicited |high-probability )?spam\b|\bspam (?:message |mail )?(?:rejected|blocked|detected|quarantined)|\bspamd\b.*\bidentified spam|\bBlocked SPAM(?:MY)?\b|\bSpamDetect\w*|\bSMTP AUTH is required|\bdmarc\W{1,4}fail.*\b(?:reject|quarantine)|\brejected (?:RCPT|MAIL|EHLO|HELO).*\b(?:spam|blacklist|block|policy|sender verify|auth)",
        )],
    },
    Group {
        class: ThreatClass::Phishing,
        techniques: &["T1589.002"],
        severity: Severity::Low,
        strength: Weak,
        signal: MailRefused,
        rules: &[(
            "mail refused",
            r"\bdeliver to unknown recipient|\bno MAIL in SMTP connection|\bRelay attempt from\b|\bSpam attack detected|\bNOQUEUE: (?:reject|milter-reject)|\brejected (?:RCPT|MAIL|EHLO|HELO)\b|\b(?:unknown user|user unknown|no such (?:user|recipient|mailbox)|Recipient address rejected|Sender address rejected|Helo command rejected|Client host rejected|unrouteable address|invalid HELO)\b|\bSMTP (?:protocol|syntax|call) .*(?:error|dropped|violation)|\bimproper command pipelining|\blost connection after (?:AUTH|RCPT|EHLO|UNKNOWN|CONNECT)|\btoo many (?:errors|syntax) (?:after|or)|\bnon-SMTP command|\bdropped by '.*' ACL|\bclosed by DROP in ACL|\bsender verify fail|\brejected: sender domain|\bcheck_relay\b.*\breject=|\bruleset=check_\w+.*\breject=5|\bdid not issue MAIL/EXPN/VRFY/ETRN",
        )],
    },
];
