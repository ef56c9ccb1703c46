//! The web server's access and error log, in the combined format of nginx and Apache.

use std::net::Ipv4Addr;

use crate::stage::{Stage, pri};

/// A request and its answer.
pub(crate) struct Request<'a> {
    pub(crate) from: Ipv4Addr,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) agent: &'a str,
}

pub(crate) const BROWSERS: [&str; 5] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
];

impl Stage {
    pub(crate) fn request(&mut self, at: f64, request: &Request<'_>) {
        let time = self.time(at);
        let month = &time.month().to_string()[..3];
        let bytes = match request.status {
            200 => self.dice.range(480..=48_000),
            204 | 304 => 0,
            _ => self.dice.range(150..=700),
        };
        let text = format!(
            "{} - - [{:02}/{month}/{}:{} +0000] \"{} {} HTTP/1.1\" {} {bytes} \"-\" \"{}\"",
            request.from,
            time.day(),
            time.year(),
            crate::stage::clock(time),
            request.method,
            request.path,
            request.status,
            request.agent,
        );
        self.log(at, self.company.web, pri(23, 6), (self.company.web_server, &text));
    }

    pub(crate) fn web_error(&mut self, at: f64, from: Ipv4Addr, what: &str) {
        let time = self.time(at);
        let clock = crate::stage::clock(time);
        let date = crate::stage::iso_date(time).replace('-', "/");
        let pid = self.dice.pid();
        let text = match self.company.web_server {
            "nginx" => format!(
                "{date} {clock} [error] {pid}#{pid}: *{} {what}, client: {from}, server: www.{}",
                self.dice.range(1..=90_000),
                self.company.domain
            ),
            _ => format!(
                "[{date} {clock}] [error] [pid {pid}] [client {from}:{}] {what}",
                self.dice.port()
            ),
        };
        self.log(at, self.company.web, pri(23, 3), (self.company.web_server, &text));
    }
}
