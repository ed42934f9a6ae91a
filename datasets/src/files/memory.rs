//! The memory that there is.

use std::fs;

/// Half of the memory that the system has available, or that this process's control group may have,
/// whichever is less, in bytes. `None` if the platform does not tell.
pub(crate) fn available_half() -> Option<u64> {
    let limits = [system(), control_group()];
    limits.into_iter().flatten().min().map(|bytes| bytes / 2)
}

/// The memory that Linux holds to be available without swapping.
fn system() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The limit of this process's control group, of version 2 or 1: the smallest on the way up.
fn control_group() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/cgroup").ok()?;
    let limits = text.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (controllers, path) = (parts.nth(1)?, parts.next()?);
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => return None,
        };
        let ancestors = std::path::Path::new(path).ancestors();
        let limit = |folder: &std::path::Path| {
            let folder = folder.strip_prefix("/").unwrap_or(folder);
            // "max" is no number, and no limit.
            fs::read_to_string(std::path::Path::new(root).join(folder).join(file))
                .ok()?
                .trim()
                .parse()
                .ok()
        };
        ancestors.filter_map(limit).min()
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn linux_says() {
        // No machine that runs this has less than 16 MB or more than 1 PB.
        let half = super::available_half().unwrap();
        assert!((8 << 20..1 << 49).contains(&half), "{half}");
    }
}
