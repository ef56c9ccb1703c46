//! Suricata, EVE JSON over syslog.

use crate::devices::firewall::Flow;
use crate::stage::{Stage, clock, iso_date, pri};

/// What a signature says.
#[derive(Clone, Copy)]
pub(crate) struct Signature {
    pub(crate) id: u32,
    pub(crate) name: &'static str,
    pub(crate) category: &'static str,
    /// 1 (worst) to 3.
    pub(crate) severity: u8,
}

impl Stage {
    fn eve(&mut self, at: f64, flow: Flow, (kind, rest): (&str, &str)) {
        let time = self.time(at);
        let text = format!(
            "{{\"timestamp\":\"{}T{}.{:06}+0000\",\"flow_id\":{},\"in_iface\":\"ens19\",\"event_type\":\"{kind}\",\"src_ip\":\"{}\",\"src_port\":{},\"dest_ip\":\"{}\",\"dest_port\":{},\"proto\":\"TCP\",{rest}}}",
            iso_date(time),
            clock(time),
            time.microsecond(),
            self.dice.range(100_000_000_000_000..=2_000_000_000_000_000u64),
            flow.from,
            self.dice.port(),
            flow.to,
            flow.port,
        );
        self.log(at, self.company.sensor, pri(17, 5), ("suricata[1377]", &text));
    }

    pub(crate) fn eve_alert(&mut self, at: f64, flow: Flow, signature: Signature) {
        let Signature { id, name, category, severity } = signature;
        let rest = format!(
            "\"alert\":{{\"action\":\"allowed\",\"gid\":1,\"signature_id\":{id},\"rev\":3,\"signature\":\"{name}\",\"category\":\"{category}\",\"severity\":{severity}}}"
        );
        self.eve(at, flow, ("alert", &rest));
    }

    pub(crate) fn eve_flow(&mut self, at: f64, flow: Flow) {
        let rest = format!(
            "\"app_proto\":\"tls\",\"flow\":{{\"pkts_toserver\":{},\"pkts_toclient\":{},\"bytes_toserver\":{},\"bytes_toclient\":{},\"age\":{},\"state\":\"closed\",\"reason\":\"timeout\",\"alerted\":false}}",
            flow.sent / 1200 + 3,
            flow.received / 1200 + 3,
            flow.sent,
            flow.received,
            flow.duration,
        );
        self.eve(at, flow, ("flow", &rest));
    }

    pub(crate) fn eve_tls(&mut self, at: f64, flow: Flow, name: &str) {
        let rest = format!("\"tls\":{{\"sni\":\"{name}\",\"version\":\"TLS 1.3\"}}");
        self.eve(at, flow, ("tls", &rest));
    }

    pub(crate) fn eve_http(
        &mut self,
        at: f64,
        flow: Flow,
        (host, path, agent): (&str, &str, &str),
    ) {
        let rest = format!(
            "\"http\":{{\"hostname\":\"{host}\",\"url\":\"{path}\",\"http_user_agent\":\"{agent}\",\"http_method\":\"GET\",\"protocol\":\"HTTP/1.1\",\"status\":200,\"length\":{}}}",
            flow.received
        );
        self.eve(at, flow, ("http", &rest));
    }
}
