//! What an erratum changes in one scenario alone, written as `diff` writes it: `-` the
//! article's C++, `+` the port, and between them what both do.
//!
//! What errata change wherever they show stands in `differences.rs`.

use super::conduct::Row;
use super::differences::Difference;

/// Who serves client 1: the server itself, its child, or its grandchild.
pub const SERVING: &str = "who serves";

/// A change in what one process does.
pub struct Change {
    pub erratum: u32,
    pub process: &'static str,
    pub diff: &'static str,
}

impl Change {
    /// The change as it is in `program`. `PROGRAM` stands for its name, `SIGCHLD` for
    /// the call that only version one makes.
    pub fn in_program(&self, program: &str) -> Difference {
        const IGNORE_SIGCHLD: &str = "rt_sigaction(SIGCHLD, {sa_handler=SIG_IGN, sa_mask=[CHLD], \
            sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x...}, {sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}, 8) = 0";
        let process = match (self.process, program) {
            (SERVING, "tcp_server") => "server",
            (SERVING, "tcp_server_fork") => "child 1",
            (SERVING, _) => "grandchild 1",
            (process, _) => process,
        };
        let mut difference = Difference {
            erratum: self.erratum,
            process: process.to_string(),
            cpp: Vec::new(),
            port: Vec::new(),
        };
        for line in self.diff.trim_matches('\n').lines() {
            let (side, row) = line.split_at(2);
            if row == "SIGCHLD" && program != "tcp_server_fork" {
                continue;
            }
            let row = row.replace("PROGRAM", program).replace("SIGCHLD", IGNORE_SIGCHLD);
            if side != "+ " {
                difference.cpp.push(Row::parse(&row));
            }
            if side != "- " {
                difference.port.push(Row::parse(&row));
            }
        }
        difference
    }
}

pub const END_OF_INPUT: Change = Change {
    erratum: 5,
    process: "client",
    diff: r#"
- write(3, "", 0) = 0
- write(1, "Please enter")
- ... again, for ever
+ close(3) = 0
+ exit_group(0)
+ +++ exited with 0 +++
"#,
};

pub const SERVER_GONE: Change = Change {
    erratum: 7,
    process: "client",
    diff: r#"
- write(1, "Server Echohello" "\0"*1019 "\n")
- write(1, "Please enter")
- read(0, "quit\n") = 5
- write(3, "quit", 4) = 4
- read(3, "", 1024) = 0
- close(3) = 0
- exit_group(0)
- +++ exited with 0 +++
+ write(2, "FATAL | TIME | me | Client read() failed: 3 : The server has closed\n")
+ exit_group(8)
+ +++ exited with 8 +++
"#,
};

pub const SERVER_RESETS: Change = Change {
    erratum: 7,
    process: "client",
    diff: r#"
- write(1, "Server Echohello" "\0"*1019 "\n")
- write(1, "Please enter")
- read(0, "quit\n") = 5
- write(3, "quit", 4) = -1 EPIPE
- --- SIGPIPE ---
- +++ killed by SIGPIPE +++
+ write(2, "FATAL | TIME | me | Client read() failed: 3 : Connection reset by peer\n")
+ exit_group(8)
+ +++ exited with 8 +++
"#,
};

pub const CLIENT_CANNOT_WRITE: Change = Change {
    erratum: 7,
    process: "client",
    diff: r#"
- exit_group(0)
- +++ exited with 0 +++
+ exit_group(8)
+ +++ exited with 8 +++
"#,
};

pub const LONG_LINE: Change = Change {
    erratum: 8,
    process: "client",
    diff: r#"
- write(3, "a"*1500, 1500) = 1500
- read(3, "A"*1024, 1024) = 1024
- write(1, "Server Echo" "A"*1024 "\n")
+ write(3, "a"*1023, 1023) = 1023
+ read(3, "A"*1023, 1024) = 1023
+ write(3, "a"*477, 477) = 477
+ read(3, "A"*477, 1024) = 477
+ write(1, "Server Echo" "A"*1500 "\n")
  write(1, "Please enter")
  read(0, "quit\n") = 5
  write(3, "quit", 4) = 4
- read(3, "A"*476, 1024) = 476
- write(1, "Server Echo" "A"*476 "\0"*548 "\n")
+ read(3, "", 1024) = 0
"#,
};

pub const NUL_WITHIN: Change = Change {
    erratum: 9,
    process: SERVING,
    diff: r#"
- write(1, "DEBUG | TIME | me | to_upper before:[127.0.0.1:PORT1]>> hello\n")
- write(1, "DEBUG | TIME | me | to_upper after:[127.0.0.1:PORT1]>>HELLO\n")
- write(4, "HELLO", 5) = 5
+ write(1, "DEBUG | TIME | me | to_upper before:[127.0.0.1:PORT1]>> hello\\x00world\n")
+ write(1, "DEBUG | TIME | me | to_upper after:[127.0.0.1:PORT1]>>HELLO\\x00WORLD\n")
+ write(4, "HELLO\0WORLD", 11) = 11
"#,
};

pub const NUL_FIRST: Change = Change {
    erratum: 9,
    process: SERVING,
    diff: r#"
- write(1, "DEBUG | TIME | me | to_upper before:[127.0.0.1:PORT1]>> \n")
- write(1, "DEBUG | TIME | me | to_upper after:[127.0.0.1:PORT1]>>\n")
- write(4, "", 0) = 0
+ write(1, "DEBUG | TIME | me | to_upper before:[127.0.0.1:PORT1]>> \\x00hello\n")
+ write(1, "DEBUG | TIME | me | to_upper after:[127.0.0.1:PORT1]>>\\x00HELLO\n")
+ write(4, "\0HELLO", 6) = 6
"#,
};

pub const SERVER_CANNOT_WRITE: Change = Change {
    erratum: 9,
    process: SERVING,
    diff: r#"
- read(4, "", 1023) = 0
- write(1, "DEBUG | TIME | me | Client has quited:[127.0.0.1:PORT1]\n")
+ write(1, "DEBUG | TIME | me | Client [127.0.0.1:PORT1] write::Connection reset by peer\n")
"#,
};

pub const SIGPIPE_IN_SERVER: Change = Change {
    erratum: 10,
    process: "server",
    diff: r#"
- read(4, "aaaaa", 1023) = 5
- write(1, "DEBUG | TIME | me | to_upper before:[127.0.0.1:PORT1]>> aaaaa\n")
- write(1, "DEBUG | TIME | me | to_upper after:[127.0.0.1:PORT1]>>AAAAA\n")
- write(4, "AAAAA", 5) = -1 EPIPE
- --- SIGPIPE ---
- +++ killed by SIGPIPE +++
+ write(1, "DEBUG | TIME | me | Client [127.0.0.1:PORT1] write::Connection reset by peer\n")
+ close(4) = 0
+ write(1, "DEBUG | TIME | me | Service close 4 sockFd\n")
+ accept(3, ...) = ?
+ --- SIGTERM ---
+ +++ killed by SIGTERM +++
"#,
};

pub const SIGPIPE_IN_CHILD: Change = Change {
    erratum: 10,
    process: SERVING,
    diff: r#"
- read(4, "aaaaa", 1023) = 5
- write(1, "DEBUG | TIME | me | to_upper before:[127.0.0.1:PORT1]>> aaaaa\n")
- write(1, "DEBUG | TIME | me | to_upper after:[127.0.0.1:PORT1]>>AAAAA\n")
- write(4, "AAAAA", 5) = -1 EPIPE
- --- SIGPIPE ---
- +++ killed by SIGPIPE +++
+ write(1, "DEBUG | TIME | me | Client [127.0.0.1:PORT1] write::Connection reset by peer\n")
+ close(4) = 0
+ write(1, "DEBUG | TIME | me | Service close 4 sockFd\n")
+ exit_group(0)
+ +++ exited with 0 +++
"#,
};

pub const NO_FORK: Change = Change {
    erratum: 11,
    process: "server",
    diff: r#"
- exit_group(6)
- +++ exited with 6 +++
+ close(4) = 0
+ accept(3, ...) = ?
+ --- SIGTERM ---
+ +++ killed by SIGTERM +++
"#,
};

pub const NO_GRANDCHILD: Change = Change {
    erratum: 11,
    process: "child 1",
    diff: r#"
- read(4, "hello", 1023) = 5
- write(1, "DEBUG | TIME | me | to_upper before:[127.0.0.1:PORT1]>> hello\n")
- write(1, "DEBUG | TIME | me | to_upper after:[127.0.0.1:PORT1]>>HELLO\n")
- write(4, "HELLO", 5) = 5
- read(4, "", 1023) = 0
- write(1, "DEBUG | TIME | me | Client has quited:[127.0.0.1:PORT1]\n")
- close(4) = 0
- write(1, "DEBUG | TIME | me | Service close 4 sockFd\n")
- exit_group(0)
- +++ exited with 0 +++
+ write(2, "FATAL | TIME | me | Server fork() failed:Resource temporarily unavailable\n")
+ exit_group(6)
+ +++ exited with 6 +++
"#,
};

pub const NO_WAITPID: Change = Change {
    erratum: 11,
    process: "server",
    diff: r#"
- exit_group(7)
- +++ exited with 7 +++
+ accept(3, ...) = ?
+ --- SIGTERM ---
+ +++ killed by SIGTERM +++
"#,
};

pub const ACCEPT_FAILS_ON: Change = Change {
    erratum: 12,
    process: "server",
    diff: r#"
  accept(3, 0x..., [16]) = -1 EMFILE (INJECTED)
  write(1, "WARINING | TIME | me | accept() failed::Too many open files : 3\n")
  accept(3, 0x..., [16]) = -1 EMFILE (INJECTED)
  write(1, "WARINING | TIME | me | accept() failed::Too many open files : 3\n")
+ clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=0, tv_nsec=20000000}, NULL) = 0
  accept(3, 0x..., [16]) = -1 EMFILE (INJECTED)
  write(1, "WARINING | TIME | me | accept() failed::Too many open files : 3\n")
+ clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=0, tv_nsec=20000000}, NULL) = 0
"#,
};

pub const WAITPID_INTERRUPTED: Change = Change {
    erratum: 12,
    process: "server",
    diff: r#"
- write(2, "FATAL | TIME | me | Server waitpid failed:Interrupted system call\n")
- exit_group(7)
- +++ exited with 7 +++
+ wait4(child 1, NULL, 0, NULL) = child 1
+ accept(3, ...) = ?
+ --- SIGTERM ---
+ +++ killed by SIGTERM +++
"#,
};

pub const BAD_PORT: Change = Change {
    erratum: 13,
    process: "server",
    diff: r#"
- socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
- write(1, "DEBUG | TIME | me | socket() success::3\n")
- bind(3, {sa_family=AF_INET, sin_port=htons(PORT), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
- write(1, "DEBUG | TIME | me | bind() success::3\n")
- listen(3, 5) = 0
- write(1, "DEBUG | TIME | me | listen() success::3\n")
- SIGCHLD
- accept(3, ...) = ?
- --- SIGTERM ---
- +++ killed by SIGTERM +++
+ write(2, "bad port: PORT+65536\n")
+ write(2, "Usage::\n")
+ write(2, "\t./PROGRAM port ip\n")
+ write(2, "example::\n")
+ write(2, "\t./PROGRAM 8080 127.0.0.1\n")
+ exit_group(4)
+ +++ exited with 4 +++
"#,
};

pub const BAD_ADDRESS: Change = Change {
    erratum: 13,
    process: "server",
    diff: r#"
- socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
- write(1, "DEBUG | TIME | me | socket() success::3\n")
- bind(3, {sa_family=AF_INET, sin_port=htons(PORT), sin_addr=inet_addr("0.0.0.0")}, 16) = 0
- write(1, "DEBUG | TIME | me | bind() success::3\n")
- listen(3, 5) = 0
- write(1, "DEBUG | TIME | me | listen() success::3\n")
- SIGCHLD
- accept(3, ...) = ?
- --- SIGTERM ---
- +++ killed by SIGTERM +++
+ write(2, "bad ip: 999.1.1.1\n")
+ write(2, "Usage::\n")
+ write(2, "\t./PROGRAM port ip\n")
+ write(2, "example::\n")
+ write(2, "\t./PROGRAM 8080 127.0.0.1\n")
+ exit_group(4)
+ +++ exited with 4 +++
"#,
};

pub const CLIENTS_BAD_ADDRESS: Change = Change {
    erratum: 13,
    process: "client",
    diff: r#"
- socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
- write(1, "DEBUG | TIME | me | socket() success::3\n")
- connect(3, {sa_family=AF_INET, sin_port=htons(PORT), sin_addr=inet_addr("0.0.0.0")}, 16) = -1 ECONNREFUSED
- write(2, "FATAL | TIME | me | connect() failed::Connection refused: 3\n")
- exit_group(5)
- +++ exited with 5 +++
+ write(2, "bad ip: 999.1.1.1\n")
+ write(2, "Usage::\n")
+ write(2, "\t./tcp_client serverIp serverPort\n")
+ write(2, "example::\n")
+ write(2, "\t./tcp_client 127.0.0.1 8080\n")
+ exit_group(4)
+ +++ exited with 4 +++
"#,
};

pub const RESTART: Change = Change {
    erratum: 17,
    process: "server, again",
    diff: r#"
- bind(3, {sa_family=AF_INET, sin_port=htons(PORT), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EADDRINUSE
- write(2, "FATAL | TIME | me | socket() failed::Address already in use : 3\n")
- exit_group(2)
- +++ exited with 2 +++
+ setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+ bind(3, {sa_family=AF_INET, sin_port=htons(PORT), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
+ write(1, "DEBUG | TIME | me | bind() success::3\n")
+ listen(3, 5) = 0
+ write(1, "DEBUG | TIME | me | listen() success::3\n")
+ SIGCHLD
+ accept(3, ...) = ?
+ --- SIGTERM ---
+ +++ killed by SIGTERM +++
"#,
};
