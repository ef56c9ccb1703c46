use std::fs;
use std::path::Path;

use crate::{Check, CheckName, State};

/// Disks looked at; a box has a few, and a strange machine must not make the check slow.
const MAX_DISKS: usize = 32;

/// Life used in tenths (JEDEC eMMC 5.1, EXT_CSD 268 and 269): 1 is "up to 10 %", 11 "all of it".
const MMC_WORN: u32 = 9;
const MMC_WORN_OUT: u32 = 11;

/// Looks at every disk that says something of its health: one check each, or one that none does.
pub(crate) fn disks(sys: &Path) -> Vec<Check> {
    let mut disks: Vec<_> = fs::read_dir(sys.join("block"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|disk| disk.path())
        .collect();
    disks.sort();
    let checks: Vec<_> = disks.iter().take(MAX_DISKS).filter_map(|disk| health(disk)).collect();
    if checks.is_empty() {
        let detail = "no disk here tells of its health";
        return vec![Check::new(CheckName::DiskHealth, State::NotApplicable, detail)];
    }
    checks
}

fn health(disk: &Path) -> Option<Check> {
    let name = disk.file_name()?.to_string_lossy().into_owned();
    let told = [wear(disk), reserve(disk), device_state(disk), array(disk)];
    // The worst of what it tells.
    let (state, detail) = told.into_iter().flatten().max_by_key(|(state, _)| *state)?;
    let check = Check::new(CheckName::DiskHealth, state, format!("{name}: {detail}"));
    Some(match life_used(disk) {
        Some(tenths) => check.with("life_used_percent_at_most", f64::from(tenths * 10)),
        None => check,
    })
}

/// eMMC: estimated life used, the worse of its two kinds of memory.
fn life_used(disk: &Path) -> Option<u32> {
    read(disk, "device/life_time")?.split_ascii_whitespace().filter_map(hexadecimal).max()
}

fn wear(disk: &Path) -> Option<(State, String)> {
    // 0 stands for "not defined".
    let tenths = life_used(disk).filter(|tenths| *tenths > 0)?;
    let percent = tenths * 10;
    Some(match tenths {
        MMC_WORN_OUT.. => (State::Fail, "past its life; replace it now".to_owned()),
        MMC_WORN.. => (State::Warn, format!("up to {percent} % of its life used; replace it soon")),
        _ => (State::Ok, format!("up to {percent} % of its life used")),
    })
}

/// eMMC: reserved blocks used up (EXT_CSD 267).
fn reserve(disk: &Path) -> Option<(State, String)> {
    match hexadecimal(&read(disk, "device/pre_eol_info")?)? {
        1 => Some((State::Ok, "reserve blocks left".to_owned())),
        2 => Some((State::Warn, "80 % of its reserve blocks used; replace it soon".to_owned())),
        3 => Some((State::Fail, "no reserve blocks left; replace it now".to_owned())),
        _ => None,
    }
}

/// SCSI, SATA and NVMe: whether the kernel still speaks with it.
fn device_state(disk: &Path) -> Option<(State, String)> {
    let state = read(disk, "device/state")?;
    match state.as_str() {
        "running" | "live" => Some((State::Ok, "answers".to_owned())),
        _ => Some((State::Fail, format!("the system says {state:?}; check or replace it"))),
    }
}

/// Software RAID: members missing.
fn array(disk: &Path) -> Option<(State, String)> {
    match read(disk, "md/degraded")?.parse().ok()? {
        0_u32 => Some((State::Ok, "array complete".to_owned())),
        missing => Some((State::Warn, format!("array lacks {missing} disk(s); replace them"))),
    }
}

fn read(disk: &Path, file: &str) -> Option<String> {
    let text = fs::read_to_string(disk.join(file)).ok()?;
    Some(text.trim().to_owned())
}

fn hexadecimal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)]) -> Vec<Check> {
        let sys = tempfile::tempdir().unwrap();
        for (file, contents) in files {
            let path = sys.path().join("block").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, contents).unwrap();
        }
        disks(sys.path())
    }

    #[test]
    fn the_worst_that_a_disk_tells_counts() {
        for (files, state, part) in [
            (&[][..], State::NotApplicable, "no disk"),
            (&[("loop0/size", "0\n")], State::NotApplicable, "no disk"),
            (&[("mmcblk0/device/life_time", "0x01 0x02\n")], State::Ok, "up to 20 %"),
            (&[("mmcblk0/device/life_time", "0x0a 0x02\n")], State::Warn, "up to 100 %"),
            (&[("mmcblk0/device/life_time", "0x01 0x0b\n")], State::Fail, "past its life"),
            (&[("mmcblk0/device/life_time", "0x00 0x00\n")], State::NotApplicable, "no disk"),
            (&[("mmcblk0/device/life_time", "nonsense\n")], State::NotApplicable, "no disk"),
            (
                &[
                    ("mmcblk0/device/life_time", "0x01 0x01"),
                    ("mmcblk0/device/pre_eol_info", "0x03"),
                ],
                State::Fail,
                "no reserve blocks",
            ),
            (&[("nvme0n1/device/state", "live\n")], State::Ok, "nvme0n1: answers"),
            (&[("sda/device/state", "offline\n")], State::Fail, "\"offline\""),
            (&[("md0/md/degraded", "1\n")], State::Warn, "lacks 1 disk"),
        ] {
            let checks = check(files);
            assert_eq!(checks.len(), 1, "{files:?}");
            assert_eq!(checks[0].state, state, "{files:?}");
            assert!(checks[0].detail.contains(part), "{files:?}: {}", checks[0].detail);
        }
    }

    #[test]
    fn every_disk_that_tells_has_its_check() {
        let checks = check(&[
            ("sda/device/state", "running"),
            ("sdb/device/state", "offline"),
            ("zram0/size", "1"),
        ]);
        let states: Vec<_> = checks.iter().map(|check| check.state).collect();
        assert_eq!(states, [State::Ok, State::Fail]);
    }
}
