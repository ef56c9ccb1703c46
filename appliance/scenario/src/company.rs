//! The company: people, machines, addresses, habits.

use std::net::Ipv4Addr;

use crate::dice::Dice;

/// Index into [`Company::hosts`].
pub(crate) type HostId = usize;

/// How a host frames its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Bsd,
    Ietf,
}

/// How a Windows host's events are forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forwarder {
    Nxlog,
    Snare,
}

/// Make of the firewall at the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    FortiGate,
    PfSense,
}

pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) mac: String,
    pub(crate) device: &'static str,
    pub(crate) frame: Frame,
    pub(crate) forwarder: Forwarder,
}

pub(crate) struct User {
    pub(crate) login: String,
    pub(crate) workstation: HostId,
}

pub(crate) struct Company {
    /// Mail and web domain.
    pub(crate) domain: String,
    /// NetBIOS name of the Windows domain.
    pub(crate) realm: String,
    pub(crate) wan: Ipv4Addr,
    pub(crate) hosts: Vec<Host>,
    pub(crate) users: Vec<User>,
    /// Who runs the machines; one of the users' colleagues, with an account of their own.
    pub(crate) admin: User,
    pub(crate) edge_make: Edge,
    pub(crate) edge: HostId,
    pub(crate) asa: HostId,
    pub(crate) web: HostId,
    pub(crate) mail: HostId,
    pub(crate) app: HostId,
    pub(crate) dns: HostId,
    pub(crate) backup: HostId,
    pub(crate) sensor: HostId,
    pub(crate) controller: HostId,
    pub(crate) files: HostId,
    pub(crate) nas: HostId,
    pub(crate) wireless: HostId,
    pub(crate) printer: HostId,
    /// `nginx` or `apache2`.
    pub(crate) web_server: &'static str,
    /// Program behind the web site, with a path of its own.
    pub(crate) web_app: &'static [&'static str],
    pub(crate) sid: String,
    /// Sites people visit, with an address each.
    pub(crate) sites: Vec<(&'static str, Ipv4Addr)>,
    /// Where people log in from at home.
    pub(crate) homes: Vec<Ipv4Addr>,
    /// Where backups go.
    pub(crate) vault: Ipv4Addr,
}

const FIRST_NAMES: [&str; 32] = [
    "anna", "jonas", "maria", "peter", "claire", "luca", "sofia", "emil", "nora", "felix", "greta",
    "hugo", "ines", "karl", "lea", "marco", "olga", "paul", "rita", "stefan", "tara", "viktor",
    "wanda", "yusuf", "zoe", "helen", "oscar", "amir", "bela", "dora", "ivan", "julia",
];
const LAST_NAMES: [&str; 28] = [
    "berger", "costa", "dubois", "ferrari", "gruber", "hansen", "ivanov", "jansen", "kowalski",
    "lang", "moreau", "novak", "olsen", "peeters", "rossi", "schmid", "toth", "ulrich", "vogel",
    "weber", "young", "zimmer", "baker", "clarke", "evans", "hughes", "mason", "turner",
];
const COMPANY_WORDS: [&str; 16] = [
    "nordlicht",
    "hafen",
    "alpen",
    "linden",
    "birken",
    "stein",
    "fluss",
    "sonnen",
    "harbour",
    "maple",
    "granite",
    "willow",
    "falcon",
    "copper",
    "bright",
    "stone",
];
const TRADES: [&str; 10] =
    ["optik", "metall", "druck", "legal", "dental", "logistik", "design", "bau", "foods", "tools"];
const SERVER_NAMES: [&str; 16] = [
    "atlas", "juno", "titan", "vega", "orion", "luna", "nova", "rhea", "larix", "acer", "fagus",
    "quercus", "kestrel", "heron", "osprey", "wren",
];
const SITES: [&str; 14] = [
    "www.example.com",
    "mail.partner-gmbh.example",
    "cdn.office-suite.example",
    "updates.vendor.example",
    "news.daily.example",
    "maps.travel.example",
    "shop.paper.example",
    "login.bank.example",
    "meet.video-call.example",
    "api.weather.example",
    "docs.cloud.example",
    "static.fonts.example",
    "search.web.example",
    "time.clock.example",
];
const WEB_APPS: [&[&str]; 4] = [
    &[
        "/",
        "/shop/",
        "/shop/product.php?id=4",
        "/shop/product.php?id=17",
        "/shop/cart.php",
        "/css/site.css",
        "/js/app.js",
    ],
    &[
        "/",
        "/blog/",
        "/blog/2026/opening-hours/",
        "/wp-content/themes/house/style.css",
        "/wp-includes/js/jquery/jquery.min.js",
        "/contact/",
        "/?s=price",
    ],
    &[
        "/",
        "/portal/",
        "/portal/index.jsp",
        "/portal/view?doc=1204",
        "/portal/search?q=invoice",
        "/portal/static/main.css",
    ],
    &[
        "/",
        "/api/v1/products",
        "/api/v1/products/88",
        "/api/v1/stock?sku=7781",
        "/static/app.8f21.js",
        "/static/app.css",
        "/favicon.ico",
    ],
];

/// How the names of workstations look here.
#[derive(Clone, Copy)]
enum Naming {
    Numbered,
    Random,
    ByUser,
}

struct Builder<'a> {
    dice: &'a mut Dice,
    net: [u8; 3],
    next: u8,
    hosts: Vec<Host>,
    frame: Frame,
    forwarder: Forwarder,
}

impl Builder<'_> {
    fn host(&mut self, name: String, device: &'static str) -> HostId {
        let [a, b, c] = self.net;
        self.next += self.dice.range(1..=3u8);
        let frame = if device.starts_with("Linux") { self.frame } else { Frame::Bsd };
        self.hosts.push(Host {
            name,
            address: Ipv4Addr::new(a, b, c, self.next),
            mac: self.dice.mac(),
            device,
            frame,
            forwarder: self.forwarder,
        });
        self.hosts.len() - 1
    }
}

impl Company {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let name = format!("{}{}", dice.pick(&COMPANY_WORDS), dice.pick(&TRADES));
        let net = if dice.chance(0.5) {
            [10, dice.range(0..=250), dice.range(1..=250)]
        } else {
            [192, 168, dice.range(0..=250)]
        };
        let frame = if dice.chance(0.5) { Frame::Bsd } else { Frame::Ietf };
        let forwarder = if dice.chance(0.5) { Forwarder::Nxlog } else { Forwarder::Snare };
        let builder = Builder { dice, net, next: 0, hosts: Vec::new(), frame, forwarder };
        Self::build(builder, name)
    }

    fn build(mut b: Builder<'_>, name: String) -> Self {
        let mut names = SERVER_NAMES.map(str::to_owned);
        b.dice.shuffle(&mut names);
        let [web, mail, app, dns, backup, sensor, controller, files, nas, ..] = names;
        let edge_make = *b.dice.pick(&[Edge::FortiGate, Edge::PfSense]);
        let model = *b.dice.pick(&["fgt-60f", "edge-fw", "gw01", "fw-main"]);
        let edge = b.host(
            model.to_owned(),
            match edge_make {
                Edge::FortiGate => "FortiGate firewall",
                Edge::PfSense => "pfSense firewall",
            },
        );
        let vpn = *b.dice.pick(&["asa-vpn", "vpn01", "asa5506", "remote-gw"]);
        let asa = b.host(vpn.to_owned(), "Cisco ASA, VPN");
        let wireless_name = format!("UAP-{}", b.dice.pick(&["Lobby", "Floor1", "Office", "Hall"]));
        let printer_name = format!("NPI{}", b.dice.hex(6).to_uppercase());
        let ids = [
            b.host(web, "Linux, web server"),
            b.host(mail, "Linux, mail server"),
            b.host(app, "Linux, application server"),
            b.host(dns, "Linux, DNS and DHCP"),
            b.host(backup, "Linux, backup"),
            b.host(sensor, "Linux, Suricata sensor"),
            b.host(controller.to_uppercase(), "Windows, domain controller"),
            b.host(files.to_uppercase(), "Windows, file server"),
            b.host(nas, "NAS"),
            b.host(wireless_name, "UniFi access point"),
            b.host(printer_name, "printer"),
        ];
        let (users, admin) = draw_people(&mut b);
        Self::assemble(b, name, (users, admin), (edge_make, edge, asa), ids)
    }

    fn assemble(
        b: Builder<'_>,
        name: String,
        (users, admin): (Vec<User>, User),
        (edge_make, edge, asa): (Edge, HostId, HostId),
        ids: [HostId; 11],
    ) -> Self {
        let [web, mail, app, dns, backup, sensor, controller, files, nas, wireless, printer] = ids;
        let Builder { dice, hosts, .. } = b;
        Self {
            domain: format!("{name}.example"),
            realm: name.chars().take(12).collect::<String>().to_uppercase(),
            wan: dice.public(),
            users,
            admin,
            edge_make,
            edge,
            asa,
            web,
            mail,
            app,
            dns,
            backup,
            sensor,
            controller,
            files,
            nas,
            wireless,
            printer,
            web_server: *dice.pick(&["nginx", "apache2"]),
            web_app: *dice.pick(&WEB_APPS),
            sid: format!(
                "S-1-5-21-{}-{}-{}",
                dice.range(1_000_000_000..=2_000_000_000u32),
                dice.range(1_000_000_000..=2_000_000_000u32),
                dice.range(1_000_000_000..=2_000_000_000u32)
            ),
            sites: SITES.iter().map(|site| (*site, dice.public())).collect(),
            homes: (0..8).map(|_| dice.public()).collect(),
            vault: dice.public(),
            hosts,
        }
    }

    pub(crate) fn host(&self, id: HostId) -> &Host {
        &self.hosts[id]
    }

    pub(crate) fn address(&self, id: HostId) -> Ipv4Addr {
        self.hosts[id].address
    }

    pub(crate) fn name(&self, id: HostId) -> String {
        self.hosts[id].name.clone()
    }

    /// Linux hosts that people log in to.
    pub(crate) fn linux(&self) -> [HostId; 5] {
        [self.web, self.mail, self.app, self.dns, self.backup]
    }
}

fn draw_people(b: &mut Builder<'_>) -> (Vec<User>, User) {
    let (mut first, mut last) = (FIRST_NAMES, LAST_NAMES);
    b.dice.shuffle(&mut first);
    b.dice.shuffle(&mut last);
    let style = b.dice.range(0..=2);
    let naming = *b.dice.pick(&[Naming::Numbered, Naming::Random, Naming::ByUser]);
    let count = b.dice.range(9..=18usize);
    b.next += 20;
    let mut people: Vec<User> = (0..count)
        .map(|at| {
            let login = match style {
                0 => format!("{}.{}", first[at], last[at]),
                1 => format!("{}{}", &first[at][..1], last[at]),
                _ => first[at].to_owned(),
            };
            let name = workstation_name(b.dice, naming, at, &login);
            let workstation = b.host(name, "Windows, workstation");
            User { login, workstation }
        })
        .collect();
    let mut admin = people.pop().expect("at least nine were drawn");
    if b.dice.chance(0.5) {
        admin.login = format!("{}-admin", admin.login);
    }
    (people, admin)
}

fn workstation_name(dice: &mut Dice, naming: Naming, at: usize, login: &str) -> String {
    match naming {
        Naming::Numbered => format!("WS-{:03}", at + 11),
        Naming::Random => {
            format!("DESKTOP-{}", dice.text(b"ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", 7))
        }
        Naming::ByUser => format!("PC-{}", login.replace('.', "").to_uppercase()),
    }
}
