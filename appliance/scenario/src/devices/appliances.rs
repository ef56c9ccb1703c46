//! The small devices: DNS and DHCP, wireless, storage, printer, backup.

use std::net::Ipv4Addr;

use crate::company::HostId;
use crate::stage::{Stage, pri};

impl Stage {
    pub(crate) fn dns_query(&mut self, at: f64, from: Ipv4Addr, (name, answer): (&str, Ipv4Addr)) {
        let dns = self.company.dns;
        self.daemon(at, dns, ("dnsmasq[812]", &format!("query[A] {name} from {from}")));
        self.daemon(at + 0.02, dns, ("dnsmasq[812]", &format!("reply {name} is {answer}")));
    }

    pub(crate) fn dhcp(&mut self, at: f64, client: HostId) {
        let host = self.company.host(client);
        let (address, mac, name) = (host.address, host.mac.clone(), host.name.clone());
        let dns = self.company.dns;
        self.daemon(at, dns, ("dnsmasq-dhcp[812]", &format!("DHCPREQUEST(ens18) {address} {mac}")));
        let text = format!("DHCPACK(ens18) {address} {mac} {name}");
        self.daemon(at + 0.01, dns, ("dnsmasq-dhcp[812]", &text));
    }

    pub(crate) fn wireless(&mut self, at: f64, mac: &str, comes: bool) {
        let text = if comes { "associated" } else { "disassociated" };
        let text = format!("wifi0ap0: STA {mac} IEEE 802.11: {text}");
        self.log(at, self.company.wireless, pri(3, 6), ("hostapd[2211]", &text));
    }

    pub(crate) fn nas_file(
        &mut self,
        at: f64,
        (user, from): (&str, Ipv4Addr),
        (action, path): (&str, &str),
    ) {
        let size = self.dice.range(4.0..=9000.0);
        let text = format!(
            "Event: {action}, Path: {path}, File/Folder: File, Size: {size:.2} KB, User: {}\\{user}, IP: {from}",
            self.company.realm
        );
        self.log(at, self.company.nas, pri(1, 6), ("WinFileService", &text));
    }

    pub(crate) fn printer(&mut self, at: f64, text: &str) {
        self.log(at, self.company.printer, pri(6, 6), ("printer", text));
    }

    pub(crate) fn backup(&mut self, at: f64, text: &str) {
        self.log(at, self.company.backup, pri(3, 6), ("restic[30211]", text));
    }
}
