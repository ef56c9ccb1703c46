//! Postfix and Dovecot.

use std::net::Ipv4Addr;

use crate::stage::{Stage, pri};

const MAIL: u8 = 2;

impl Stage {
    fn mail(&mut self, at: f64, tag: &str, text: &str) {
        self.log(at, self.company.mail, pri(MAIL, 6), (tag, text));
    }

    /// A message on its way in.
    pub(crate) fn mail_delivered(&mut self, at: f64, (from, to): (&str, &str), client: Ipv4Addr) {
        let (id, pid) = (self.dice.hex(10).to_uppercase(), self.dice.pid());
        let size = self.dice.range(2_000..=900_000);
        let relay = from.split_once('@').map_or("unknown", |(_, domain)| domain).to_owned();
        self.mail(
            at,
            &format!("postfix/smtpd[{pid}]"),
            &format!("{id}: client=mx.{relay}[{client}]"),
        );
        let text = format!("{id}: message-id=<{}@{relay}>", self.dice.hex(20));
        self.mail(at + 0.2, &format!("postfix/cleanup[{}]", pid + 3), &text);
        let text = format!("{id}: from=<{from}>, size={size}, nrcpt=1 (queue active)");
        self.mail(at + 0.3, "postfix/qmgr[1188]", &text);
        let text = format!(
            "{id}: to=<{to}>, relay=dovecot, delay=0.6, delays=0.4/0/0/0.2, dsn=2.0.0, status=sent (delivered via dovecot service)"
        );
        self.mail(at + 0.6, &format!("postfix/pipe[{}]", pid + 7), &text);
    }

    pub(crate) fn imap_login(&mut self, at: f64, user: &str, from: Ipv4Addr) {
        let (lip, session) = (self.company.address(self.company.mail), self.dice.base64(16));
        let text = format!(
            "imap-login: Login: user=<{user}>, method=PLAIN, rip={from}, lip={lip}, mpid={}, TLS, session=<{session}>",
            self.dice.pid()
        );
        self.mail(at, "dovecot", &text);
    }

    pub(crate) fn imap_failed(&mut self, at: f64, user: &str, from: Ipv4Addr) {
        let (lip, session) = (self.company.address(self.company.mail), self.dice.base64(16));
        let text = format!(
            "imap-login: Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): user=<{user}>, method=PLAIN, rip={from}, lip={lip}, TLS, session=<{session}>"
        );
        self.mail(at, "dovecot", &text);
    }

    pub(crate) fn smtp_auth_failed(&mut self, at: f64, user: &str, from: Ipv4Addr) {
        let tag = format!("postfix/smtpd[{}]", self.dice.pid());
        let text = format!(
            "warning: unknown[{from}]: SASL LOGIN authentication failed: authentication failure, sasl_username={user}"
        );
        self.log(at, self.company.mail, pri(MAIL, 4), (&tag, &text));
    }
}
