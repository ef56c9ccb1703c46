//! What systemd expects of a service: sockets taken over, readiness, heartbeats, an announced end.

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;

use crate::appliance::{Appliance, NO_MODEL, hears, vedette};
use crate::lines::harmless;

const ACTIVATE: &str = "/usr/bin/systemd-socket-activate";

/// Looks for a word on the notification socket: a minute of them.
const LOOKS: usize = 600;

/// No socket of its own: whatever is received came over one that was handed over.
const NO_SOCKETS: &str =
    "[ingest.udp]\nlisten = []\n[ingest.tcp]\nlisten = []\n[console]\nlisten = \"127.0.0.1:0\"\n";

#[test]
fn sockets_are_taken_over() {
    if !Path::new(ACTIVATE).exists() {
        return println!(
            "skipped: sockets_are_taken_over: {ACTIVATE} is not installed (Debian: systemd)"
        );
    }
    for transport in ["udp", "tcp"] {
        let mut appliance = Appliance::prepare(&format!("{NO_SOCKETS}{NO_MODEL}"));
        let address = free_address(transport);
        let mut activate = Command::new(ACTIVATE);
        activate.args(["--listen", &address, "--setenv", "NOTIFY_SOCKET"]);
        if transport == "udp" {
            activate.arg("--datagram");
        }
        activate.arg(vedette().get_program()).arg("serve").arg("--config").arg(appliance.config());
        // The first line starts the appliance, which has to read it from the socket it is given.
        let line = harmless(1);
        let sent = std::thread::spawn({
            let (address, line) = (address.clone(), line.clone());
            move || send(transport, &address, &line)
        });
        appliance.launch_as(activate);
        sent.join().expect("the line is sent");
        assert_eq!(appliance.address(transport).to_string(), address);
        appliance.wait_stored(1);
        let exported = appliance.export();
        let received = String::from_utf8_lossy(&exported);
        assert!(received.lines().all(|stored| stored == line), "{transport}: {received}");
        appliance.stop();
    }
}

/// An address that nobody listens on just now.
fn free_address(transport: &str) -> String {
    let address = match transport {
        "udp" => UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()),
        _ => TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()),
    };
    address.expect("a port").to_string()
}

/// Sends a line as soon as somebody listens. Datagrams to nobody come back as an error on the next
/// one, so a few may be sent.
fn send(transport: &str, address: &str, line: &str) {
    use std::io::Write as _;
    for _ in 0..LOOKS {
        if transport == "udp" {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
            socket.connect(address).expect("a datagram socket connects to anything");
            let _ = socket.send(line.as_bytes());
            std::thread::sleep(std::time::Duration::from_millis(50));
            // A port that nobody holds answers with an error by now.
            if socket.take_error().is_ok_and(|error| error.is_none()) {
                return;
            }
        } else if let Ok(mut stream) = TcpStream::connect(address) {
            stream.write_all(format!("{line}\n").as_bytes()).expect("it reads");
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("nobody listens on {transport} {address}");
}

#[test]
fn the_watchdog_hears_heartbeats_and_the_end_is_announced() {
    let mut appliance = Appliance::prepare(&format!("{NO_SOCKETS}{NO_MODEL}"));
    let mut command = vedette();
    command.arg("serve").arg("--config").arg(appliance.config()).env("WATCHDOG_USEC", "200000");
    let told = appliance.launch_as(command);
    for beat in 0..3 {
        assert!((0..LOOKS).any(|_| hears(&told, "WATCHDOG=1")), "no heartbeat {beat}");
    }
    appliance.terminate();
    assert!((0..LOOKS).any(|_| hears(&told, "STOPPING=1")), "the end is not announced");
    appliance.wait();
}
