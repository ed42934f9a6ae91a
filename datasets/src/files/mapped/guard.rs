//! The handler of `SIGBUS`, and the regions that it guards.
//!
//! ```text
//! SIGBUS at address a:
//!     a is in a guarded region?   mark it broken; map zero pages from a's page to its end; return
//!     else                        do what would have been done without this handler
//! ```
//!
//! 1. **The handler takes no lock and no memory.** The regions stand in a table of fixed size that
//!    consists of atomics.
//! 2. **A slot that changes is skipped** (a sequence lock whose reader does not try again). It
//!    cannot be the slot that the handler looks for: the thread that it interrupted reads through a
//!    borrow of that region, so nobody is dropping it. Without the counter, the start of one region
//!    and the end of the next in the same slot could be taken for a region, and zeros mapped over
//!    innocent memory.
//! 3. **Everything is `SeqCst`**, so that the order of the loads in the handler needs no argument;
//!    registering costs some nanoseconds more, once for each file.
//! 4. **Who had the signal before keeps it.** Rust's own handler, which reports stack overflows, is
//!    called for addresses that are not ours, and so is a handler of the program that we are a part
//!    of. If another handler took our place, it may not pass signals on: from then on maps are
//!    refused, and files are read by positioned reads.
//!
//! `mmap` is not on POSIX's list of functions that a handler may call. Where we run it is the bare
//! system call, and no lock of the C library lies before it.

use std::io;
use std::mem;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::SeqCst, compiler_fence};

use libc::{c_int, c_void, sigaction, siginfo_t};

/// Each map keeps a file open, and a process may usually open 1,024.
static REGIONS: [Slot; 1024] = [const { Slot::free() }; 1024];

/// The handling of the signal before ours. Set before our handler is, never freed.
static PREVIOUS: AtomicPtr<sigaction> = AtomicPtr::new(ptr::null_mut());

/// Asked for beforehand, as the handler may not ask the system.
static PAGE: AtomicUsize = AtomicUsize::new(0);

/// A map that may break without harm, as long as this lives.
#[derive(Debug)]
pub(super) struct Region(&'static Slot);

impl Region {
    /// Guards the map of `length` bytes that begins at `start`. An error if our handler is not in
    /// place, or if there are too many regions.
    ///
    /// # Safety
    ///
    /// `start` is the first byte of a private, read-only map that nobody has written to, which
    /// stays mapped as long as the region lives, and is read only by those who borrow its owner.
    pub(super) unsafe fn new(start: *const u8, length: usize) -> io::Result<Region> {
        if !in_place() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "SIGBUS is handled by someone else",
            ));
        }
        let start = start.addr();
        // The last page is mapped as a whole, and an empty file's map has one page.
        let end = start + length.max(1).next_multiple_of(PAGE.load(SeqCst));
        match claim(&REGIONS, start, end) {
            Some(slot) => Ok(Region(slot)),
            None => Err(io::Error::new(io::ErrorKind::Unsupported, "too many files are mapped")),
        }
    }

    /// Tells whether zeros took the place of a part of it.
    pub(super) fn broken(&self) -> bool {
        // The compiler must not move the caller's reads behind this load: the handler, which writes
        // the flag, runs in the middle of the reading thread.
        compiler_fence(SeqCst);
        self.0.broken.load(SeqCst)
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// A place for a region in the table.
#[derive(Debug)]
struct Slot {
    /// Odd while the slot is being changed.
    changes: AtomicUsize,
    start: AtomicUsize,
    /// 0 if the slot is free.
    end: AtomicUsize,
    broken: AtomicBool,
}

impl Slot {
    const fn free() -> Slot {
        Slot {
            changes: AtomicUsize::new(0),
            start: AtomicUsize::new(0),
            end: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
        }
    }

    /// The slot's region, unless it is free or being changed.
    fn region(&self) -> Option<(usize, usize)> {
        self.region_with(|| ())
    }

    /// Runs `meanwhile` between the loads: there tests do what other threads hardly ever get done.
    fn region_with(&self, meanwhile: impl FnOnce()) -> Option<(usize, usize)> {
        let changes = self.changes.load(SeqCst);
        let start = self.start.load(SeqCst);
        meanwhile();
        let end = self.end.load(SeqCst);
        let stable = changes.is_multiple_of(2) && self.changes.load(SeqCst) == changes;
        (stable && end != 0).then_some((start, end))
    }

    /// Makes it the slot of this region, if it is free.
    fn claim(&self, start: usize, end: usize) -> bool {
        self.claim_with(start, end, || ())
    }

    /// Runs `meanwhile` between the look and the claim, as above.
    fn claim_with(&self, start: usize, end: usize, meanwhile: impl FnOnce()) -> bool {
        let changes = self.changes.load(SeqCst);
        if !changes.is_multiple_of(2) || self.end.load(SeqCst) != 0 {
            return false;
        }
        meanwhile();
        // It has been free since the count was read, or the count is another one by now.
        if self.changes.compare_exchange(changes, changes.wrapping_add(1), SeqCst, SeqCst).is_err()
        {
            return false;
        }
        self.broken.store(false, SeqCst);
        self.start.store(start, SeqCst);
        self.end.store(end, SeqCst);
        self.changes.fetch_add(1, SeqCst);
        true
    }

    fn release(&self) {
        self.changes.fetch_add(1, SeqCst);
        self.end.store(0, SeqCst);
        self.start.store(0, SeqCst);
        self.changes.fetch_add(1, SeqCst);
    }
}

fn claim(slots: &[Slot], start: usize, end: usize) -> Option<&Slot> {
    slots.iter().find(|slot| slot.claim(start, end))
}

fn find(slots: &[Slot], address: usize) -> Option<(&Slot, usize, usize)> {
    slots.iter().find_map(|slot| {
        let (start, end) = slot.region()?;
        (start..end).contains(&address).then_some((slot, start, end))
    })
}

/// Tells whether our handler gets the signal. The first call installs it.
fn in_place() -> bool {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    let installed = *INSTALLED.get_or_init(|| install().is_some());
    installed && current().is_some_and(|action| action.sa_sigaction == handler_address())
}

fn install() -> Option<()> {
    // SAFETY: asks for a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    PAGE.store(usize::try_from(page).ok().filter(|page| page.is_power_of_two())?, SeqCst);
    let before = current()?;
    PREVIOUS.store(Box::leak(Box::new(before)), SeqCst);

    let mut action = before;
    action.sa_sigaction = handler_address();
    // The mask and these flags stay those of the handler that ours may call. On a stack of its own,
    // because that handler may be the one for stack overflows.
    action.sa_flags = libc::SA_SIGINFO
        | libc::SA_ONSTACK
        | (before.sa_flags & (libc::SA_NODEFER | libc::SA_RESTART));
    let mut replaced = zeroed_action();
    // SAFETY: `action` is filled in: a handler with the three arguments that `SA_SIGINFO` says, a
    // mask and flags. The handler only calls what a handler may (see the top).
    if unsafe { libc::sigaction(libc::SIGBUS, &action, &mut replaced) } != 0 {
        return None;
    }
    // Another thread may have installed one in between. Leaked as well: the handler may be looking
    // at either.
    if replaced.sa_sigaction != before.sa_sigaction {
        PREVIOUS.store(Box::leak(Box::new(replaced)), SeqCst);
    }
    Some(())
}

fn handler_address() -> libc::sighandler_t {
    let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = handle;
    handler as libc::sighandler_t
}

fn zeroed_action() -> sigaction {
    // SAFETY: a plain C struct of integers (and, on some systems, an optional function pointer),
    // for which zeros are a value: no flags, and the default action.
    unsafe { mem::zeroed() }
}

/// The handling of the signal now.
fn current() -> Option<sigaction> {
    let mut action = zeroed_action();
    // SAFETY: changes nothing, as no new action is given, and writes to `action`, which is ours.
    (unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &mut action) } == 0).then_some(action)
}

/// Called by the system, on the thread whose load failed.
extern "C" fn handle(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the system passes a valid `info`, as `SA_SIGINFO` is set (`install`). Where the
    // signal was sent by `kill`, the address is another field of a union; any bits are an address,
    // and it is then not looked at.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
    if !was_sent(code)
        && let Some((slot, start, end)) = find(&REGIONS, address)
    {
        // Before there are zeros to read: another thread may read them, and look at the flag, at
        // once.
        slot.broken.store(true, SeqCst);
        let page = address & !(PAGE.load(SeqCst) - 1);
        // From the page on; if the system has no room to split the map in two, the whole. What is
        // read is void anyway.
        if zeros(page, end) || zeros(start, end) {
            return;
        }
    }
    pass_on(signal, info, context, was_sent(code));
}

/// Tells whether a process sent the signal, and no load failed.
fn was_sent(code: c_int) -> bool {
    // Elsewhere codes are not ordered like this, and the address has to do.
    cfg!(any(target_os = "linux", target_os = "android")) && code <= 0
}

/// Maps zero pages over `start..end`, a page-aligned part of a region.
fn zeros(start: usize, end: usize) -> bool {
    // SAFETY: called by the handler alone, with a part of a stable region that the interrupted
    // thread borrows: so it is mapped, private and read-only, as `Region::new` was promised, and
    // stays so. The new pages are all of that too, so that nobody sees more than the values change,
    // which they do as soon as the file does.
    let mapped = unsafe {
        libc::mmap(
            ptr::with_exposed_provenance_mut(start),
            end - start,
            libc::PROT_READ,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
            -1,
            0,
        )
    };
    mapped != libc::MAP_FAILED
}

/// Does what would be done with the signal if our handler were not there.
fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void, sent: bool) {
    // SAFETY: set by `install` before our handler was, and never freed.
    let previous = unsafe { &*PREVIOUS.load(SeqCst) };
    match previous.sa_sigaction {
        // The system ignores signals that were sent, never those of a load that failed.
        libc::SIG_IGN if sent => {}
        libc::SIG_IGN | libc::SIG_DFL => {
            restore_default(signal);
            // A load that failed fails again as soon as we return; a signal that was sent does not
            // come again by itself.
            if sent {
                // SAFETY: a function that a handler may call, with a valid signal.
                unsafe { libc::raise(signal) };
            }
        }
        handler => {
            if previous.sa_flags & libc::SA_RESETHAND != 0 {
                restore_default(signal);
            }
            if previous.sa_flags & libc::SA_SIGINFO != 0 {
                // SAFETY: who installed it said by `SA_SIGINFO` that it is a function of this
                // signature. It gets what the system passed to us.
                let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) =
                    unsafe { mem::transmute(handler) };
                handler(signal, info, context);
            } else {
                // SAFETY: neither of the two constants, and without `SA_SIGINFO`: a function of
                // this signature.
                let handler: extern "C" fn(c_int) = unsafe { mem::transmute(handler) };
                handler(signal);
            }
        }
    }
}

fn restore_default(signal: c_int) {
    let mut default = zeroed_action();
    default.sa_sigaction = libc::SIG_DFL;
    // SAFETY: a function that a handler may call; the action is filled in, and the old one is not
    // asked for.
    unsafe { libc::sigaction(signal, &default, ptr::null_mut()) };
}

#[cfg(test)]
mod tests;
