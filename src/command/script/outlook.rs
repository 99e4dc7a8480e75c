//! What a core does for its clients while a script of its keeps it busy.
//!
//! The core stands below the script on the thread's stack, so it leaves itself in a slot of the thread, and the script lets it attend now and
//! then. What it may do then for a client is little: `flag::ALLOW_BUSY`.

use scoped_tls_hkt::scoped_thread_local;

/// A core that can look after its clients in the midst of a script.
pub trait Outlook {
    /// Takes what has arrived, and answers it.
    fn attend(&mut self);

    /// Wakes the log's writer, if it is to be.
    fn wake_log(&mut self);
}

scoped_thread_local!(static mut OUTLOOK: for<'a> &'a mut (dyn Outlook + 'a));

/// Lets `f` run with a core in the thread's slot.
pub fn with_outlook<R>(core: &mut dyn Outlook, f: impl FnOnce() -> R) -> R {
    OUTLOOK.set(core, f)
}

/// Lets the core in the thread's slot attend, if there is one.
pub fn attend() {
    with_core(|core| core.attend());
}

/// Lets it wake the log's writer.
pub fn wake_log() {
    with_core(|core| core.wake_log());
}

fn with_core(f: impl FnOnce(&mut dyn Outlook)) {
    if OUTLOOK.is_set() {
        OUTLOOK.with(|core| f(core));
    }
}
