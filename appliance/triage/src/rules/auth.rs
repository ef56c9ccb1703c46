//! Logins: failures in the words of many products, and what they say when they give up on a source.

use vedette_event::{Severity, ThreatClass};

use super::Signal::{AuthFailure, Probe};
use super::Strength::{Likely, Strong, Weak};
use super::{Group, Signal};

pub(super) const GROUPS: &[Group] = &[
    Group {
        class: ThreatClass::BruteForce,
        techniques: &["T1110.001"],
        severity: Severity::Low,
        strength: Weak,
        signal: AuthFailure,
        rules: &[
            (
                "login failed",
                r"\b(?:fail(?:ed|ure|s)?|unsuccessful|invalid|incorrect|wrong|bad|unable to)\b[\w\s'\x22\]\[:/_.()-]{0,24}\b(?:log-?in|log-?on|log in|log on|sign-?in|auth|authenticat\w+|authorization|password|passwd|passphrase|credentials?|user ?name)\b",
            ),
            (
                "login failed",
                r"\b(?:log-?in|log-?on|sign-?in|auth|authenticat\w+|password|passwd|credentials?|sasl[\w -]{0,12} authentication|verification)(?:[\s_\x22:=>-]|&gt;){1,3}(?:attempt[\w\s]{0,40}|request[\w\s]{0,30}|of user \S+ |for \S+ |from \S+ |by \S+ |user \S+ |is |was |has |error[: ]{1,2}|status=|of |\S+: |event: )?(?:fail\w*|denied|reject\w*|unsuccessful|invalid|incorrect|error|mismatch|wrong|refused|did ?n.t match|not (?:valid|match|accepted))",
            ),
            (
                "login with a wrong password",
                r"\b(?:wrongpass|bad_?password|password_?mismatch|invalid_user_credentials|invalid_grant|user_not_found|nonexist|wrong_password|auth-?failure|auth-?error|auth_fail\w*|login_error|loginfail\w*|login-fail|login_failed|userloginfailed|failed-?auth|ssl-login-fail|logon_failure|badauth|bad auth\w*)\b|NT_STATUS_(?:WRONG_PASSWORD|NO_SUCH_USER|LOGON_FAILURE|ACCOUNT_LOCKED_OUT)",
            ),
            (
                "password refused",
                r"\binvalid (?:totp|otp|2fa|mfa|one-time|verification|security) code|\bRequest(?: '\w+')? from '.*' failed for '|\brejected because extension not found|\bRejecting unknown SIP|\bfailed for '\d+\.\d+\.\d+\.\d+|\bDigest: (?:user|invalid|unknown|client)|\buser denied: |\bRoot login attempted|\bfailure from \d+\.\d+|\bpossible SMTP attack: command=AUTH|\bop=(?:login|pubkey|PAM:\S+|password)\b.*\bres=(?:failed|0)|\bBad Rcon|\binvalid (?:admin |access |api |auth\w* )?token\b|\bpassword (?:does ?n.t|did not) match|\b(?:No|Wrong) registration for peer|\bSecurityEvent=\x22(?:FailedACL|ChallengeResponseFailed|InvalidPassword)|\bAuthorization of user \S+ .{0,80} failed|\buser \S+ in realm .{0,80} not found|\brealm mismatch\b|\binvalid nonce\b|\bpassword (?:mismatch|check failed|incorrect|is incorrect|was incorrect|does not match|not accepted)|\baccess denied for user|incorrect (?:authentication data|username|email|user)|\b5(?:35|30) 5\.7\.\d|\b535 (?:incorrect|authentication)|\bauthentication unsuccessful|\bnot authenticated\b",
            ),
            (
                "login with an unknown account",
                r"\b(?:invalid|illegal|unknown|no such|non-?existent|unexisting) user\b|\buser (?:name )?\S* ?(?:was |is )?(?:not found|not known|does(?: not|n.t) exist|unknown)|\bno such user|\bcan(?:'t|not) find user|\bcould not retrieve user|\bno matching peer|\baccount \S+ not found|InvalidAccountID|InvalidPassword|ChallengeResponseFailed|\bunknown account",
            ),
            (
                "login refused",
                r"\b(?:log-?in|log-?on|sign-?in|authentication|authenticate|access) attempt\b.*\bfail|\battempted to (?:log-?\s?in|authenticate)\b.*\bfail|\binvalid token\b|\btried to log ?in\b.*\b(?:fail|wrong|invalid)|\blogin attempt or request with invalid|\b(?:log-?in|login|root|connection|authentication)[\w\s]{0,30}(?:is )?not (?:permitted|allowed)\b|\bnot allowed because|\bunauthorized (?:access|login|user)|\b(?:login|authentication|access)[\w\s]{0,12}(?:denied|refused|rejected) (?:for|from|to|user)|\brefused (?:user|login)|\bfailed (?:password|publickey|keyboard|none|pam|hostbased|gssapi|public key|2fa|mfa|otp|ssh)|\bfailed \w+ for \S+ from|\bDENIED\x22?[^a-z]{1,4}login|\bMislukte login|\bmax(?:imum)? (?:authentication|login) (?:attempts|retries)",
            ),
            (
                "failed logon (Windows 4625)",
                r"\b(?:event_?id|eventcode|code)\W{1,12}(?:4625|4771|18456)\b|<EventID[^>]{0,40}>(?:4625|4771)<|\b(?:event_?id|eventcode|code)\W{1,12}4776\b.*\b0xc000\w{4}\b|<EventID[^>]{0,40}>4776<.*\b0xc000\w{4}\b|An account failed to log on|\bAUDIT_FAILURE\b.{0,40}\b(?:4625|529|4771)\b|pre-authentication failed",
            ),
            (
                "failed web login",
                r"\bPOST /\S*(?:login|signin|sign-in|auth|session|token)\S*( HTTP/[0-9.]{1,3}\\?.?,? \D{0,4}40[13]\b| .{0,40}returned 40[13])|\b(?:status(?:_?code)?|http_?status)[\x22:= ]{1,3}40[1]\b|\] 40[1]\b|\| 401 \||\b40[13]: POST|: 401 \d|\x22 401 (?:\d|-)",
            ),
            (
                "sudo or su: wrong password",
                r"\b\d+ incorrect password attempts?\b|\bauthentication failure;|\bFAILED su for|\bFAILED SU\b|su\[\d+\]: - |BAD SU|user NOT in sudoers",
            ),
            (
                "VPN login failed",
                r"\b(?:vpn|ssl-?vpn|globalprotect|anyconnect|ipsec|ike|eap|radius|l2tp|pptp|xauth)\b.{0,80}\b(?:auth\w*|login|user).{0,24}\b(?:fail\w*|denied|reject\w*|invalid)|%ASA-\d-(?:113015|113005|716039|109006|605004|611102)|\bno EAP key|AUTH_FAILED|TLS Auth Error|EAP method \S+ failed",
            ),
        ],
    },
    Group {
        class: ThreatClass::BruteForce,
        techniques: &["T1110"],
        severity: Severity::Medium,
        strength: Strong,
        signal: Signal::None,
        rules: &[
            (
                "a product reported password guessing",
                r"\bbrute[- ]?forc\w*\b.{0,40}\b(?:attempt|attack|detected|from|login)|(?:multiple|too many|repeated|excessive) (?:authentication|login|log-?on|password|sign-?in)[\w\s]{0,20}(?:fail\w*|attempts)|\bpassword spray|\bcredential stuffing",
            ),
            (
                "failed web logins in a row",
                r"(?:\bPOST /\S{0,200} HTTP/[0-9.]{1,3}\x22 40[13]\b.{1,300}?){2}\bPOST /\S{0,200} HTTP/[0-9.]{1,3}\x22 40[13]\b",
            ),
            (
                "a product blocked a source for failed logins",
                r"\bhas locked out IP|\bBlocked in csf|\blfd\b.{0,80}\bfailed|\bhas been rate-?limited|\blogin attempts? (?:limit|threshold)|\bfail2ban\S*.{0,40}\bBan \d|\blocked out due to|sshguard\S*:? (?:Attack|Block)",
            ),
        ],
    },
    Group {
        class: ThreatClass::BruteForce,
        techniques: &["T1110", "T1078"],
        severity: Severity::Medium,
        strength: Likely,
        signal: Signal::None,
        rules: &[
            (
                "account locked out",
                r"\b(?:event_?id|eventcode)\W{1,12}4740\b|\baccount (?:was |has been |is )?locked(?: out)?\b|\buser locked out|pam_tally2?\S*: user .{0,64} tally|pam_faillock\S*: Consecutive login failures",
            ),
            (
                "login of a service account that should not log in",
                r"\bAccepted (?:password|publickey) for (?:nobody|www-data|daemon|bin|games|mail|news|sync) from",
            ),
        ],
    },
    Group {
        class: ThreatClass::BruteForce,
        techniques: &["T1110", "T1021.004"],
        severity: Severity::Low,
        strength: Weak,
        signal: Probe,
        rules: &[
            (
                "SSH probe",
                r"\bDid not receive identification string|\bBad protocol version identification|\bbanner exchange: |\bUnable to negotiate with|\bno matching (?:key exchange|host key|cipher|mac)|\bkex_(?:exchange_identification|protocol_error)|\bConnection (?:closed|reset) by (?:invalid|authenticating) user|\b(?:Disconnected from|Received disconnect from|Connection (?:closed|reset) by) .*\[preauth\]|\bmaximum authentication attempts exceeded|\bfatal: Timeout before authentication|\bTimeout before authentication|\binvalid protocol|\bCorrupted MAC on input|\bssh_dispatch_run_fatal",
            ),
            (
                "connection to a trap",
                r"\bendlessh\b.{0,60}\bACCEPT\b|\bcowrie\b.*(?:New connection|login attempt)|\bhoneypot\b|\bsshesame\b",
            ),
            (
                "connection refused by access rules",
                r"\brefused connect from\b|\bclient denied by server configuration|\bTLS Error: (?:cannot locate HMAC|TLS (?:handshake|key negotiation) failed)|\bTLS handshake failed|\baccess (?:forbidden|denied) by rule|\bhosts\.deny\b|\btcpwrappers? refused",
            ),
        ],
    },
];
