use std::env;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use memmap2::{Mmap, MmapOptions};

use super::*;
use crate::files::mapped::Mapped;

#[test]
fn a_table_finds_its_regions_and_takes_no_more_than_it_has_room_for() {
    let slots = [const { Slot::free() }; 3];
    assert!(find(&slots, 0).is_none(), "a free slot is no region");
    let first = claim(&slots, 0x1000, 0x3000).unwrap();
    claim(&slots, 0x3000, 0x4000).unwrap();
    claim(&slots, 0x8000, 0x9000).unwrap();
    assert!(claim(&slots, 0xa000, 0xb000).is_none(), "there is no room");
    let found = |address| find(&slots, address).map(|(_, start, end)| (start, end));
    assert_eq!(found(0xfff), None);
    assert_eq!(found(0x1000), Some((0x1000, 0x3000)));
    assert_eq!(found(0x2fff), Some((0x1000, 0x3000)));
    assert_eq!(found(0x3000), Some((0x3000, 0x4000)));
    assert_eq!(found(0x4000), None);
    assert_eq!(found(0x8fff), Some((0x8000, 0x9000)));
    assert_eq!(found(0xa000), None);

    first.broken.store(true, SeqCst);
    first.release();
    assert_eq!(found(0x1000), None);
    let again = claim(&slots, 0xa000, 0xb000).unwrap();
    assert!(ptr::eq(first, again), "the free slot is used again");
    assert!(!again.broken.load(SeqCst), "a new region is not broken");
    assert_eq!(found(0xafff), Some((0xa000, 0xb000)));
}

#[test]
fn a_slot_that_changes_while_it_is_looked_at_is_no_region() {
    let slot = Slot::free();
    assert_eq!(slot.region_with(|| assert!(slot.claim(0x1000, 0x2000))), None, "claimed");
    assert_eq!(slot.region_with(|| ()), Some((0x1000, 0x2000)));
    let reuse = || {
        slot.release();
        assert!(slot.claim(0x5000, 0x9000));
    };
    assert_eq!(slot.region_with(reuse), None, "0x1000..0x9000 never was a region");
    assert_eq!(slot.region(), Some((0x5000, 0x9000)));
    assert_eq!(slot.region_with(|| slot.release()), None, "released");

    // In the middle of a claim.
    assert!(slot.claim(0x1000, 0x2000));
    slot.changes.fetch_add(1, SeqCst);
    assert_eq!(slot.region(), None);
    assert!(!slot.claim(0x5000, 0x9000));
}

#[test]
fn a_slot_is_given_to_the_first_of_two() {
    let slot = Slot::free();
    assert!(!slot.claim_with(0x1000, 0x2000, || assert!(slot.claim(0x5000, 0x9000))));
    assert_eq!(slot.region(), Some((0x5000, 0x9000)));
    slot.release();
    // In the middle of another claim.
    let half = || {
        slot.changes.fetch_add(1, SeqCst);
    };
    assert!(!slot.claim_with(0x1000, 0x2000, half));
}

/// Runs [`child`] as a process of its own.
fn run_child(role: &str) -> ExitStatus {
    // Its core, if it leaves one, goes with the folder.
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "files::mapped::guard::tests::child",
            "--ignored",
            "--test-threads",
            "1",
            "--nocapture",
        ])
        .env("NARROWS_SIGBUS", role)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("survived its own"),
        "{role}: {said} {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.status
}

#[test]
fn a_fault_elsewhere_still_kills() {
    for before in ["rust", "default", "ignore"] {
        let status = run_child(before);
        assert_eq!(status.signal(), Some(libc::SIGBUS), "{before}: {status}");
    }
}

#[test]
fn a_fault_elsewhere_is_passed_on_to_the_handler_that_was_there() {
    for (before, code) in [("plain", 40), ("informed", 41)] {
        let status = run_child(before);
        assert_eq!(status.code(), Some(code), "{before}: {status}");
    }
}

#[test]
fn a_signal_that_is_sent_does_what_it_did() {
    assert_eq!(run_child("sent-default").signal(), Some(libc::SIGBUS));
    assert_eq!(run_child("sent-ignore").code(), Some(0));
    assert_eq!(run_child("sent-plain").code(), Some(40));
}

#[test]
fn where_another_handler_took_over_nothing_is_mapped() {
    assert_eq!(run_child("taken-over").code(), Some(0));
}

extern "C" fn plain(signal: c_int) {
    // SAFETY: ends the process, which a handler may.
    unsafe { libc::_exit(if signal == libc::SIGBUS { 40 } else { 50 }) }
}

/// Where the map of the child begins that is not guarded.
static ELSEWHERE: AtomicUsize = AtomicUsize::new(0);

extern "C" fn informed(_: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: as in `handle`.
    let address = unsafe { (*info).si_addr() }.addr();
    let right = address == ELSEWHERE.load(SeqCst) + 4 && !context.is_null();
    // SAFETY: ends the process, which a handler may.
    unsafe { libc::_exit(if right { 41 } else { 51 }) }
}

fn install_for_test(handler: libc::sighandler_t, flags: c_int) {
    let mut action = zeroed_action();
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    // SAFETY: the tests name handlers of the signature that their flags say.
    assert_eq!(unsafe { libc::sigaction(libc::SIGBUS, &action, ptr::null_mut()) }, 0);
}

/// Reads a byte of a file that is empty by now.
fn touch_behind_the_end(path: &Path, map: &[u8], at: usize) -> u8 {
    fs::File::options().write(true).open(path).unwrap().set_len(0).unwrap();
    // SAFETY: a byte of the slice; volatile, so that it is read.
    unsafe { ptr::from_ref(&map[at]).read_volatile() }
}

#[test]
#[ignore = "a part of other tests, which run it as a process that may die"]
fn child() {
    let Ok(role) = env::var("NARROWS_SIGBUS") else { return };
    let (sent, before) =
        role.strip_prefix("sent-").map_or((false, &role[..]), |before| (true, before));
    match before {
        "default" => install_for_test(libc::SIG_DFL, 0),
        "ignore" => install_for_test(libc::SIG_IGN, 0),
        "plain" => install_for_test(plain as extern "C" fn(c_int) as usize, 0),
        "informed" => {
            let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = informed;
            install_for_test(handler as usize, libc::SA_SIGINFO);
        }
        _ => {}
    }
    let put = |name: &str| {
        fs::write(name, [7; 10_000]).unwrap();
        fs::File::open(name).unwrap()
    };
    let guarded = Mapped::open(&put("guarded"), 10_000).unwrap();
    assert_eq!((guarded[9_999], guarded.broken()), (7, false));
    assert_eq!(touch_behind_the_end(Path::new("guarded"), &guarded, 9_999), 0);
    assert!(guarded.broken());
    println!("survived its own");

    if before == "taken-over" {
        install_for_test(libc::SIG_DFL, 0);
        let error = Mapped::open(&put("refused"), 10_000).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    } else if sent {
        // SAFETY: a valid signal.
        unsafe { libc::raise(libc::SIGBUS) };
    } else {
        // SAFETY: that it is truncated while it is mapped is what is tested: the process is to end.
        let elsewhere: Mmap =
            unsafe { MmapOptions::new().map_copy_read_only(&put("elsewhere")).unwrap() };
        ELSEWHERE.store(elsewhere.as_ptr().addr(), SeqCst);
        touch_behind_the_end(Path::new("elsewhere"), &elsewhere, 4);
    }
}
