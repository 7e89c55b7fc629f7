//! What the tools and the tests share: processes, sockets, strace's output, failure reports.

pub mod builds;
pub mod cases;
pub mod diff;
pub mod i18n;
pub mod pool;
pub mod preflight;
pub mod random;
pub mod report;
pub mod session;
pub mod skip;
pub mod switches;
pub mod tempdir;
pub mod terminal;
pub mod text;
pub mod wrap;

/// Starting a program, waiting for it, and ending it with all that it has started.
pub mod process {
    pub mod launch;
    pub mod output;
    pub mod procfs;
    pub mod quiet;
    pub mod supervisor;
    pub mod wait;
}

/// Sessions of which every step waits until all processes block again, so that two runs of one do the same.
pub mod lockstep {
    pub mod play;
    pub mod session;
}

/// Ports, the kernel's socket tables, and the test's own sockets.
pub mod net {
    pub mod namespace;
    pub mod ports;
    pub mod procnet;
    pub mod sockdiag;
    pub mod socket;
    pub mod test_client;
}

pub mod trace;

#[cfg(test)]
mod tests {
    mod preflight;
    mod process;
    mod report;
    mod sockets;
    mod structure;
    mod wrap;
}
