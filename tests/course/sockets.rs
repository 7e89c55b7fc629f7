//! What `ss` and `ps` show of a lesson's programs.

use std::process::Command;

use crate::course::views::ViewNames;
use crate::harness::process::launch::Running;
use crate::harness::process::wait::wait_for_some;

/// The first columns of [`ss`], for a table.
pub const SOCKETS: &str = "State\tRecv-Q\tSend-Q\tLocal\tPeer\n";

/// The output of a system command, each line as its words. Says what to install if the command is missing.
pub fn words(name: &str, args: &[&str]) -> Vec<Vec<String>> {
    let output = Command::new(name).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{name} is missing, install it ({error})"));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| line.split_whitespace().map(str::to_string).collect()).collect()
}

/// The sockets that `ss` lists for a filter, rows of a table, once they are `ready`: listening sockets
/// first, the others in the order of their names.
pub fn ss(filter: &str, names: &ViewNames, ready: impl Fn(&str) -> bool) -> String {
    let args: Vec<&str> = ["-Htan"].into_iter().chain(filter.split(' ')).collect();
    wait_for_some(&format!("ss {filter} shows the sockets of this lesson"), || {
        let mut rows = words("ss", &args);
        let key = |row: &Vec<String>| names.give(&[&row[0][..], &row[3], &row[4]].join(" "));
        rows.sort_by_cached_key(|row| (row[0] != "LISTEN", key(row)));
        let rows: String = rows.iter().map(|row| row.join("\t") + "\n").collect();
        ready(&names.give(&rows)).then(|| names.show(&rows))
    })
}

/// The local address of a program's only such socket: `-t` a connection, `-tl` a listening socket.
pub fn address(running: &Running, socket: &str) -> Option<String> {
    let process = format!("pid={},", running.pid());
    let mut rows = words("ss", &["-Hnp", socket]).into_iter();
    rows.find(|row| row.concat().contains(&process)).map(|row| row[3].clone())
}

/// The port of a connected client.
pub fn own_port(client: &Running) -> u16 {
    wait_for_some("the client is connected", || address(client, "-t")?.rsplit(':').next()?.parse().ok())
}

/// The children of a process, as `ps` lists these columns, once they are in these states: `Z  [tcp_server]`.
/// Only the first letter of a state counts: `ps` adds others (`ZN` under `nice`).
pub fn children_in(states: &str, parent: u32, columns: &str) -> Vec<String> {
    wait_for_some(&format!("the children of {parent} are in the states {states:?}"), || {
        let rows = words("ps", &["--ppid", &parent.to_string(), "-o", columns]);
        let seen: String = rows.iter().map(|row| &row[0][..1]).collect();
        let line = |row: &Vec<String>| format!("{}  {}", &row[0][..1], row[1..].join(" "));
        (seen == states).then(|| rows.iter().map(line).collect())
    })
}
