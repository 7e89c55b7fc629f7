//! How a call reads in a drawing: as in the article, and the same in every run.

use std::collections::HashMap;

use crate::harness::trace::parse::{Call, Event};

/// `RAW=1`: a run's own ports and process ids, not names for them.
pub fn raw() -> bool {
    std::env::var_os("RAW").is_some_and(|value| !value.is_empty())
}

/// Each call at full length, then shorter. In brackets: an argument's number, or a name of [`Names::words`].
const PATTERNS: [(&str, &str); 14] = [
    ("socket", "socket({0}, {1}){=}|socket(){=}"),
    ("setsockopt", "setsockopt({0}, {2}){=0}|setsockopt({2}){=0}|setsockopt(){=0}"),
    ("bind", "bind({0}, {ip}:{port}){=0}|bind({0}, :{port}){=0}|bind(:{port}){=0}"),
    ("connect", "connect({0}, {ip}:{port}){=0}|connect({0}, :{port}){=0}|connect(:{port}){=0}"),
    ("accept", "accept({0}){=}|accept(){=}"),
    ("read", "read({0}){=}"),
    ("read something", "read({0}) = {1}|read({1})"),
    ("write", "write({0}, {1}){=}|write({0}, {1}){=-1}|write({1}){=-1}"),
    ("fork", "fork(){=child}|fork(){=-1}"),
    ("wait4", "waitpid({child}{options}){=child}|waitpid({child}{options}){errno}|waitpid(){=-1}"),
    ("rt_sigaction", "signal({0}, {handler}){=0}|signal({0}){=0}"),
    ("clock_nanosleep", "usleep()"),
    ("exit_group", "exit({0})"),
    ("", "{name}({all}){=0}"),
];

/// Names for the numbers that are others in every run.
#[derive(Default)]
pub struct Names {
    processes: HashMap<u32, String>,
    ports: HashMap<u16, &'static str>,
}

impl Names {
    pub fn of(events: &[Event], processes: HashMap<u32, String>) -> Self {
        let mut ports = HashMap::new();
        for call in events.iter().filter_map(Event::call).filter(|_| !raw()) {
            match (call.name.as_str(), call.args.get(1).and_then(|address| port(address))) {
                ("bind", Some(number)) => {
                    // Erratum 1: the client's bytes stand the other way round.
                    ports.entry(number.swap_bytes()).or_insert("port-swapped");
                    ports.insert(number, "port");
                }
                ("accept", Some(number)) => _ = ports.insert(number, "client"),
                _ => {}
            }
        }
        Names { processes, ports }
    }

    /// A call in words: at full length, then shorter. `asleep`: it has not returned.
    pub fn words(&self, call: &Call, asleep: bool) -> Vec<String> {
        // `-yy` says behind a descriptor what it is.
        let plain = |text: &str| text.split('<').next().unwrap_or("").to_string();
        let arg = |index: usize| call.args.get(index).map_or("", String::as_str);
        let fd = plain(arg(0));
        let returned = call.errno.is_none() && !asleep;
        if returned && call.name == "write" && ["1", "2"].contains(&fd.as_str()) {
            return vec![self.log(arg(1))];
        }
        let result = match &call.errno {
            _ if asleep => " …".to_string(),
            Some(errno) => format!(" = -1 {errno}"),
            None => format!(" = {}", plain(&call.result)),
        };
        let process = |number: &str| {
            let name = number.parse().ok().and_then(|pid: u32| self.processes.get(&pid));
            name.cloned().unwrap_or(number.to_string())
        };
        let port = |number: u16| self.ports.get(&number).map(ToString::to_string);
        let value = |name: &str| match name {
            "0" => fd.clone(),
            "1" => arg(1).to_string(),
            "2" => arg(2).to_string(),
            "=0" if returned && call.result == "0" => String::new(),
            "=child" if returned => format!(" = {}", process(&call.result)),
            "=-1" | "errno" if returned => String::new(),
            "errno" => result.replace(" = -1", ""),
            "child" => process(&fd),
            "options" if arg(2) == "0" => String::new(),
            // Erratum 4: the client's port, where `waitpid` takes flags, and strace shows them.
            "options" if flags(arg(2)).and_then(port).is_some() => ", peer_port".to_string(),
            "options" => format!(", {}", arg(2).split(" /*").next().unwrap_or("")),
            "ip" => between(arg(1), "inet_addr(\"", &['"']).unwrap_or("").to_string(),
            "port" => {
                let number = self::port(arg(1)).unwrap_or(0);
                port(number).unwrap_or(number.to_string())
            }
            "handler" => between(arg(1), "sa_handler=", &[',', '}']).unwrap_or("…").to_string(),
            "name" => call.name.clone(),
            "all" => call.args.join(", "),
            _ => result.clone(),
        };
        let name = match call.name.as_str() {
            "read" if returned && call.result != "0" => "read something",
            _ if forks(call) => "fork",
            name => name,
        };
        let pattern = PATTERNS.iter().find(|(known, _)| [name, ""].contains(known)).expect("the last").1;
        // Every other piece is a name.
        let piece = |(at, piece): (usize, &str)| if at % 2 == 0 { piece.into() } else { value(piece) };
        let filled = |text: &str| text.split(['{', '}']).enumerate().map(piece).collect();
        pattern.split('|').map(filled).collect()
    }

    /// What a line of log says, without its time: `log accept() success:: …`.
    fn log(&self, text: &str) -> String {
        let text = text.trim_matches('"').trim_end_matches("\\n");
        let message = text.splitn(4, " | ").nth(3).map(|message| format!("log {message}"));
        let said = message.unwrap_or_else(|| format!("print {text}"));
        self.ports.iter().fold(said, |said, (number, name)| said.replace(&number.to_string(), name))
    }
}

pub fn forks(call: &Call) -> bool {
    ["fork", "vfork", "clone", "clone3"].contains(&call.name.as_str())
}

/// The number that strace shows as flags of `waitpid`.
pub fn flags(text: &str) -> Option<u16> {
    let known = ["WNOHANG", "WSTOPPED", "WEXITED", "WCONTINUED"];
    let flags = text.split(" /*").next()?.replace("WUNTRACED", "WSTOPPED");
    let values = flags.split('|').map(|flag| match known.iter().position(|name| *name == flag) {
        Some(bit) => Some(1 << bit),
        None => u16::from_str_radix(flag.trim_start_matches("0x"), 16).ok(),
    });
    values.sum()
}

/// The port number in an address as strace prints it.
pub fn port(address: &str) -> Option<u16> {
    between(address, "sin_port=htons(", &[')'])?.parse().ok()
}

fn between<'a>(text: &'a str, before: &str, behind: &[char]) -> Option<&'a str> {
    text.split_once(before)?.1.split(behind).next()
}
