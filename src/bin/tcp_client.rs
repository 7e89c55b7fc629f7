//! Mirrors `tcpClient.cc`: sends each line that is typed, shows what comes back, until `quit`.
//!
//! Its other half is any of the three servers.

#![no_std]
#![no_main]

use tcp::*;

program!(main);

fn usage(proc: &CStr) {
    // Erratum 16: as printed, the name and the first word are one.
    let space: &[u8] = if AS_PRINTED { b"" } else { b" " };
    cerr().put(b"Usage::\n\t").put(proc.to_bytes()).put(space).put(b"serverIp serverPort").endl();
    cerr().put(b"example::\n\t").put(proc.to_bytes()).put(space).put(b"127.0.0.1 8080").endl();
}

fn main(argc: c_int, argv: &[&CStr]) -> c_int {
    ignore_sigpipe(); // Erratum 10
    if argc != 3 {
        usage(argv[0]);
        exit(USE_ERR);
    }
    // Erratum 13: as printed, any word will do.
    if let Some((what, word)) = bad_word(Some(argv[1]), argv[2]) {
        cerr().put(b"bad ").put(what.as_bytes()).put(b": ").put(word.to_bytes()).endl();
        usage(argv[0]);
        exit(USE_ERR);
    }
    let server_ip = argv[1];
    let server_port = atoi(argv[2]) as u16;

    let sock_fd = socket(AF_INET, SOCK_STREAM, 0);
    if sock_fd < 0 {
        log_message!(FATAL, "socket() failed::%s %d", strerror(errno()), sock_fd);
        exit(SOCKET_ERR);
    }
    log_message!(DEBUG, "socket() success::%d", sock_fd);

    let mut server = zeroed();
    server.sin_port = if AS_PRINTED { server_port } else { htons(server_port) }; // Erratum 1
    server.sin_family = AF_INET as sa_family_t;
    inet_aton(server_ip, &mut server.sin_addr);
    if connect(sock_fd, &server) == -1 {
        log_message!(FATAL, "connect() failed::%s: %d", strerror(errno()), sock_fd);
        exit(CONNECT_ERR);
    }
    log_message!(DEBUG, "connect() success.");

    let talk = if AS_PRINTED { talk_as_printed } else { talk_mended }; // Errata 5 to 8
    talk(sock_fd);
    0
}

/// The article's loop, and the `close` after it, with errata 5 to 8.
fn talk_as_printed(sock_fd: c_int) {
    let (cin, mut cout) = (stdin(), cout());
    let mut quit = false;
    let mut message = Line::EMPTY;
    while !quit {
        message.clear();
        cout.put(b"Please enter").flush();
        getline(&mut message, &cin);
        if strcasecmp(c_str(&message), c"quit") == 0 {
            quit = true;
        }
        let sw = write(sock_fd, &message);
        if sw > 0 {
            let mut message = resized(&message);
            let sr = read(sock_fd, &mut message[..BUFFER_SIZE]);
            if sr > 0 {
                message[sr as usize] = b'\0';
            }
            if strcasecmp(c_str(&message), c"quit") != 0 {
                cout.put(b"Server Echo").put(&message[..BUFFER_SIZE]).endl();
            }
        } else if sw < 0 {
            log_message!(FATAL, "Client write() failed: %d : %s", sock_fd, strerror(errno()));
            break;
        }
    }
    free(message);
    close(sock_fd);
}

/// The article's `message.resize(BUFFER_SIZE)`: cut, or filled up with NULs. As in C++, one more is behind it.
fn resized(message: &[u8]) -> [u8; BUFFER_SIZE + 1] {
    let mut resized = [0; BUFFER_SIZE + 1];
    let len = message.len().min(BUFFER_SIZE);
    resized[..len].copy_from_slice(&message[..len]);
    resized
}

/// The same loop, errata 5 to 8 mended.
fn talk_mended(sock_fd: c_int) {
    let (cin, mut cout) = (stdin(), cout());
    let mut quit = false;
    let mut message = Line::EMPTY;
    while !quit {
        message.clear();
        // Erratum 7: the last echo is looked at here, too.
        if cout.put(b"Please enter").flush().bad {
            lost(sock_fd, c"write()", STDOUT_FILENO, &strerror(errno()));
        }
        // Erratum 5: the end of input ends the line on the terminal, and the conversation.
        if getline(&mut message, &cin) == -1 {
            if !feof(&cin) {
                lost(sock_fd, c"getline()", STDIN_FILENO, &strerror(errno()));
            }
            cout.endl();
            break;
        }
        if strcasecmp(&message, c"quit") == 0 {
            quit = true;
        }
        let mut echoed = false;
        // Erratum 8: a long line goes piece by piece, and each comes back whole.
        for piece in pieces(&message, BUFFER_SIZE - 1) {
            let sw = writen(sock_fd, piece);
            if sw > 0 {
                let mut reply = [0; BUFFER_SIZE];
                let sr = readn(sock_fd, &mut reply, piece.len());
                // Erratum 7: without an answer there is no echo. After quit there is none to come.
                if sr < 0 {
                    lost(sock_fd, c"read()", sock_fd, &strerror(errno()));
                } else if (sr as usize) < piece.len() && !quit {
                    lost(sock_fd, c"read()", sock_fd, b"The server has closed");
                }
                // Erratum 6: what came, and no more.
                let reply = &reply[..sr as usize];
                if sr > 0 && strcasecmp(reply, c"quit") != 0 {
                    cout.put(if echoed { b"" } else { b"Server Echo" }).put(reply);
                    echoed = true;
                }
            } else if sw < 0 {
                lost(sock_fd, c"write()", sock_fd, &strerror(errno()));
            }
        }
        if echoed {
            cout.endl();
        }
    }
    free(message);
    close(sock_fd);
}

/// Erratum 7: `call` on `fd` has failed, and with it the conversation.
fn lost(sock_fd: c_int, call: &CStr, fd: c_int, reason: &[u8]) -> ! {
    cout().flush(); // the pieces that did come back
    log_message!(FATAL, "Client %s failed: %d : %s", call, fd, reason);
    close(sock_fd);
    exit(LOST_ERR);
}
