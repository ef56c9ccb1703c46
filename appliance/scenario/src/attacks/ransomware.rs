use std::net::Ipv4Addr;

use crate::Kind;
use crate::attacks::new_attacker;
use crate::company::HostId;
use crate::stage::{Plot, Stage};

const POWERSHELL: &str = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe";
const CMD: &str = "C:\\Windows\\System32\\cmd.exe";
const WORD: &str = "C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE";

/// A lure, an encoded script, no way back for the victim.
pub(crate) fn precursor(stage: &mut Stage, start: f64) {
    let server = new_attacker(stage);
    let user = stage.dice.pick(&stage.company.users);
    let (login, host) = (user.login.clone(), user.workstation);
    let plot = Plot {
        kind: Kind::RansomwarePrecursor,
        attackers: vec![server],
        victim: stage.company.name(host),
        class: "ransomware",
        techniques: &["T1566.001", "T1204.002", "T1059.001", "T1562.001", "T1489", "T1490"],
    };
    stage.tell(plot, |stage| {
        let to = format!("{login}@{}", stage.company.domain);
        let from = stage
            .dice
            .pick(&[
                "rechnung@invoice-portal.example",
                "hr@job-offers.example",
                "scan@copier-cloud.example",
            ])
            .to_string();
        stage.mail_delivered(start, (&from, &to), server);
        let at = run_lure(stage, start + 240.0, (&login, host), server);
        let at = blind_defender(stage, at + 60.0, (&login, host));
        let at = stop_services(stage, at + 30.0, (&login, host));
        delete_copies(stage, at + 20.0, (&login, host));
    });
}

fn run_lure(stage: &mut Stage, start: f64, (login, host): (&str, HostId), server: Ipv4Addr) -> f64 {
    let document = *stage.dice.pick(&["Invoice_4471.docm", "Bewerbung.docm", "Scan_0098.docm"]);
    let open = format!("\"WINWORD.EXE\" /n \"C:\\Users\\{login}\\Downloads\\{document}\"");
    stage.process(start, host, login, (WORD, &open, "C:\\Windows\\explorer.exe"));
    let script = stage.dice.base64(280);
    let flags = *stage.dice.pick(&[
        "-nop -w hidden -enc",
        "-NoP -NonI -W Hidden -EncodedCommand",
        "-ep bypass -e",
    ]);
    let command = format!("powershell.exe {flags} {script}");
    stage.process(start + 6.0, host, login, (POWERSHELL, &command, WORD));
    for call in 1..=stage.dice.range(2..=4u8) {
        stage.connection(start + 6.0 + f64::from(call) * 4.0, host, (POWERSHELL, server, 443));
    }
    let program = format!("C:\\Users\\{login}\\AppData\\Roaming\\{}.exe", stage.dice.hex(6));
    let fields = vec![("Image", POWERSHELL.to_owned()), ("TargetFilename", program.clone())];
    stage.sysmon(start + 25.0, host, (11, "File created:"), fields);
    stage.process(start + 30.0, host, login, (&program, &program, POWERSHELL));
    start + 30.0
}

fn blind_defender(stage: &mut Stage, at: f64, (login, host): (&str, HostId)) -> f64 {
    let command = *stage.dice.pick(&[
        "powershell.exe Set-MpPreference -DisableRealtimeMonitoring $true",
        "powershell.exe Add-MpPreference -ExclusionPath C:\\",
        "reg add \"HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows Defender\" /v DisableAntiSpyware /t REG_DWORD /d 1 /f",
    ]);
    stage.process(at, host, login, (POWERSHELL, command, CMD));
    let headline = "Microsoft Defender Antivirus Real-time Protection scanning for malware and other potentially unwanted software was disabled.";
    stage.defender(
        at + 2.0,
        host,
        (5001, "WARNING", headline),
        vec![("Product Name", "Microsoft Defender Antivirus".to_owned())],
    );
    at + 2.0
}

fn stop_services(stage: &mut Stage, start: f64, (login, host): (&str, HostId)) -> f64 {
    let mut services = [
        ("VSS", "Volume Shadow Copy"),
        ("SQLSERVERAGENT", "SQL Server Agent"),
        ("VeeamEndpointBackupSvc", "Veeam Agent for Microsoft Windows"),
        ("wbengine", "Block Level Backup Engine Service"),
        ("MSSQLSERVER", "SQL Server"),
        ("AcronisAgent", "Acronis Managed Machine Service"),
    ];
    stage.dice.shuffle(&mut services);
    let mut at = start;
    for (service, shown) in services.into_iter().take(4) {
        at += stage.dice.range(0.5..=5.0);
        let command = *stage.dice.pick(&[
            "net stop NAME /y",
            "sc config NAME start= disabled",
            "taskkill /F /IM NAME.exe",
        ]);
        let command = format!("{CMD} /c {}", command.replace("NAME", service));
        stage.process(at, host, login, (CMD, &command, POWERSHELL));
        stage.service_state(at + 0.6, host, (shown, "stopped"));
    }
    at
}

fn delete_copies(stage: &mut Stage, start: f64, (login, host): (&str, HostId)) {
    let mut commands = [
        "vssadmin.exe delete shadows /all /quiet",
        "wmic.exe shadowcopy delete",
        "wbadmin.exe delete catalog -quiet",
        "bcdedit.exe /set {default} recoveryenabled no",
        "powershell.exe Get-WmiObject Win32_Shadowcopy | ForEach-Object {$_.Delete();}",
    ];
    stage.dice.shuffle(&mut commands);
    let mut at = start;
    let count = stage.dice.range(3..=5);
    for command in commands.into_iter().take(count) {
        at += stage.dice.range(0.5..=8.0);
        let program = command.split(' ').next().unwrap_or(command);
        let image = format!("C:\\Windows\\System32\\{program}");
        stage.process(at, host, login, (&image, command, CMD));
    }
}

/// Stolen rights, used from one machine to the next.
pub(crate) fn lateral_movement(stage: &mut Stage, start: f64) {
    let user = stage.dice.pick(&stage.company.users);
    let (login, origin) = (user.login.clone(), user.workstation);
    let admin = stage.company.admin.login.clone();
    let from = stage.company.address(origin);
    let plot = Plot {
        kind: Kind::LateralMovement,
        attackers: vec![from],
        victim: stage.company.name(stage.company.files),
        class: "lateral_movement",
        techniques: &["T1003.001", "T1021.002", "T1569.002", "T1078.002", "T1053.005"],
    };
    stage.tell(plot, |stage| {
        let dump = "rundll32.exe C:\\Windows\\System32\\comsvcs.dll, MiniDump 648 C:\\Windows\\Temp\\l.dmp full";
        stage.process(start, origin, &login, ("C:\\Windows\\System32\\rundll32.exe", dump, CMD));
        let mut targets = vec![stage.company.files, stage.company.controller];
        for _ in 0..stage.dice.range(1..=4) {
            targets.push(stage.dice.pick(&stage.company.users).workstation);
        }
        let mut at = start + 300.0;
        for target in targets.into_iter().filter(|target| *target != origin) {
            at += stage.dice.range(20.0..=400.0);
            hop(stage, at, target, (&admin, from));
        }
    });
}

fn hop(stage: &mut Stage, at: f64, target: HostId, (admin, from): (&str, Ipv4Addr)) {
    if stage.dice.chance(0.5) {
        stage.win_logon(at - 3.0, target, (admin, from), (3, false));
    }
    stage.win_logon(at, target, (admin, from), (3, true));
    let headline = "Special privileges assigned to new logon.";
    let fields = vec![
        ("SubjectUserName", admin.to_owned()),
        ("PrivilegeList", "SeDebugPrivilege SeTakeOwnershipPrivilege".to_owned()),
    ];
    stage.security(at + 0.1, target, (4672, "AUDIT_SUCCESS", headline), fields);
    if stage.dice.chance(0.6) {
        let service = *stage.dice.pick(&["PSEXESVC", "RemComSvc", "BTOBTO", "winupdsvc"]);
        stage.service_installed(
            at + 2.0,
            target,
            (service, &format!("%SystemRoot%\\{service}.exe")),
        );
        stage.service_state(at + 2.5, target, (service, "running"));
    } else {
        let task = format!(
            "<Command>cmd.exe</Command><Arguments>/c C:\\Windows\\Temp\\{}.bat</Arguments>",
            stage.dice.hex(5)
        );
        let fields = vec![
            ("SubjectUserName", admin.to_owned()),
            ("TaskName", "\\Microsoft\\Windows\\UpdCheck".to_owned()),
            ("TaskContent", task),
        ];
        stage.security(
            at + 2.0,
            target,
            (4698, "AUDIT_SUCCESS", "A scheduled task was created."),
            fields,
        );
    }
    stage.process(
        at + 5.0,
        target,
        "SYSTEM",
        (
            CMD,
            "cmd.exe /c whoami /all & net group \"Domain Admins\" /domain",
            "C:\\Windows\\PSEXESVC.exe",
        ),
    );
}
