//! Twenty thousand clients of every kind leave the servers as they were.

use crate::harness::builds::SERVERS;
use crate::harness::pool::parallel;
use crate::needs_strace;
use crate::soak::run::soak;

/// In all; `make soak CLIENTS=1000000` is the long run.
const CLIENTS: usize = 20_000;

#[test]
fn servers_hold_the_same_after_many_clients() {
    needs_strace!();
    parallel(SERVERS.len(), &SERVERS, |server| {
        let soaked = soak(server, CLIENTS / SERVERS.len()).unwrap_or_else(|why| panic!("{why}"));
        let [first, last] = soaked.held;
        assert_eq!(first, last, "{server}, after 1000 clients and after {}", soaked.clients);
        // Standard streams and the listening socket.
        assert_eq!((last.descriptors, last.processes, last.zombies), (4, 1, 0), "{server}");
    });
}
