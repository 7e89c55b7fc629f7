//! Mirrors the article's `tcp.hpp`: what every listing includes, as `use tcp::*;`.
//!
//! | the article | here |
//! |---|---|
//! | `tcp.hpp` | this file; its system headers: [`c`]; the fixes: [`errata`] |
//! | `logMessage.hpp` | [`log_message`](mod@log_message); its varargs: [`vsnprintf`](mod@vsnprintf) |
//! | `tcpServer.cc` | `bin/tcp_server.rs`; what all three servers share: [`tcp_server`] |
//! | `tcpClient.cc` | `bin/tcp_client.rs`; `cin`, `cout`: [`iostream`] |
//! | multi-process version one | `bin/tcp_server_fork.rs` |
//! | multi-process version two | `bin/tcp_server_double_fork.rs` |

#![no_std]
#![warn(missing_docs)]

pub mod c;
pub mod errata;
pub mod iostream;
pub mod log_message;
pub mod tcp_server;
pub mod vsnprintf;

pub use c::*;
pub use core::ffi::{CStr, c_int};
pub use errata::{AS_PRINTED, SPACE, c_str, check_ip, check_port, chunk};
pub use errata::{ignore_sigpipe, pause_before_retry, read_at_least, writen};
pub use iostream::*;
pub use log_message::{DEBUG, FATAL, NOTICE, WARINING};

/// Exit status: `socket()` failed.
pub const SOCKET_ERR: c_int = 1;
/// Exit status: `bind()` failed.
pub const BIND_ERR: c_int = 2;
/// Exit status: `listen()` failed.
pub const LISTEN_ERR: c_int = 3;
/// Exit status: the arguments are wrong.
pub const USE_ERR: c_int = 4;
/// Exit status: `connect()` failed.
pub const CONNECT_ERR: c_int = 5;
/// Exit status: `fork()` failed.
pub const FORK_ERR: c_int = 6;
/// Exit status: `waitpid()` failed. Erratum 3: the article uses it but does not define it.
pub const WAIT_ERR: c_int = 7;
/// Exit status: the client lost its server or its terminal. Erratum 7: as printed, it continues.
pub const LOST_ERR: c_int = 8;

/// The size of the buffer for one `read`.
pub const BUFFER_SIZE: usize = 1024;
