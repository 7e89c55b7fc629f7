//! One processor for client and server: on two, most of a round trip is waking the other one.

use std::mem::{size_of, zeroed};

/// While this value lives, this thread and a server, with what they start, share a processor.
pub struct OneProcessor {
    server: libc::pid_t,
    all: libc::cpu_set_t,
}

impl OneProcessor {
    pub fn with(server: u32) -> Self {
        let server = server as libc::pid_t;
        unsafe {
            let (mut all, mut one): (libc::cpu_set_t, libc::cpu_set_t) = (zeroed(), zeroed());
            libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut all);
            let ours = (0..libc::CPU_SETSIZE as usize).rev().find(|&cpu| libc::CPU_ISSET(cpu, &all));
            libc::CPU_SET(ours.expect("we run on one"), &mut one);
            bind(server, &one);
            OneProcessor { server, all }
        }
    }
}

impl Drop for OneProcessor {
    fn drop(&mut self) {
        bind(self.server, &self.all);
    }
}

fn bind(server: libc::pid_t, set: &libc::cpu_set_t) {
    for pid in [0, server] {
        unsafe { libc::sched_setaffinity(pid, size_of::<libc::cpu_set_t>(), set) };
    }
}
