//! How a call reads in a drawing: as in the article, and the same in every run.

use std::collections::HashMap;

use crate::harness::trace::calls::{Kind, data, kind, waited_for};
use crate::harness::trace::parse::{Call, Event, unquoted};

/// `RAW=1`: a run's own ports and process ids, not names for them.
pub fn raw() -> bool {
    std::env::var_os("RAW").is_some_and(|value| !value.is_empty())
}

/// Each kind of call at full length, then shorter. In brackets: an argument's number, or a name of [`Names::words`].
const PATTERNS: [(Kind, &str); 15] = [
    (Kind::Socket, "socket({0}, {1}){=}|socket(){=}"),
    (Kind::Option, "setsockopt({0}, {2}){=0}|setsockopt({2}){=0}|setsockopt(){=0}"),
    (Kind::Bind, "bind({0}, {ip}:{port}){=0}|bind({0}, :{port}){=0}|bind(:{port}){=0}"),
    (Kind::Listen, "listen({0}, {1}){=0}"),
    (Kind::Connect, "connect({0}, {ip}:{port}){=0}|connect({0}, :{port}){=0}|connect(:{port}){=0}"),
    (Kind::Accept, "{name}({0}){=}|{name}(){=}"),
    (Kind::Read, "{name}({0}){=}"),
    (Kind::Write, "{name}({0}, {data}){=}|{name}({0}, {data}){=-1}|{name}({data}){=-1}"),
    (Kind::Shutdown, "shutdown({0}, {1}){=0}|shutdown({0}){=0}"),
    (Kind::Wait, "{name}({wanted}){=ready}|{name}(){=ready}"),
    (Kind::Fork, "{fork}(){=child}|{fork}(){=-1}"),
    (
        Kind::WaitForChild,
        "waitpid({child}{options}){=child}|waitpid({child}{options}){errno}|waitpid(){=-1}",
    ),
    (Kind::Signal, "signal({0}, {handler}){=0}|signal({0}){=0}"),
    (Kind::Sleep, "usleep()"),
    (Kind::Exit, "exit({0})"),
];
const READ_SOMETHING: &str = "{name}({0}) = {data}|{name}({data})";
const OTHERS: &str = "{name}({all}){=0}";

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
                ("accept" | "accept4", Some(number)) => _ = ports.insert(number, "client"),
                _ => {}
            }
        }
        Names { processes, ports }
    }

    /// A call in words: at full length, then shorter. `asleep`: it has not returned.
    pub fn words(&self, call: &Call, asleep: bool) -> Vec<String> {
        // `-yy` says behind a descriptor what it is.
        let plain = |text: &str| text.split('<').next().unwrap_or("").to_string();
        let kind = kind(&call.name);
        let arg = |index: usize| call.args.get(index).map_or("", String::as_str);
        let fd = plain(arg(0));
        let returned = call.errno.is_none() && !asleep;
        if returned && kind == Kind::Write && ["1", "2"].contains(&fd.as_str()) {
            return vec![self.log(&data(call))];
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
            "data" => data(call),
            "wanted" => listed(&waited_for(call).0),
            "=ready" if returned && !waited_for(call).1.is_empty() => {
                format!(" = [{}]", listed(&waited_for(call).1))
            }
            "fork" => {
                if call.args.concat().contains("CLONE_THREAD") { "clone" } else { "fork" }.to_string()
            }
            "=child" if returned => format!(" = {}", process(&call.result)),
            "=-1" | "errno" if returned => String::new(),
            "errno" => result.replace(" = -1", ""),
            "child" => process(&fd),
            "options" if arg(2) == "0" => String::new(),
            // Erratum 4: the client's port, where `waitpid` takes flags, and strace shows them.
            "options" if flags(arg(2)).and_then(port).is_some() => ", peer_port".to_string(),
            "options" => format!(", {}", arg(2).split(" /*").next().unwrap_or("")),
            "ip" => {
                let six = between(arg(1), "inet_pton(AF_INET6, \"", &['"']).map(|ip| format!("[{ip}]"));
                between(arg(1), "inet_addr(\"", &['"']).map(str::to_string).or(six).unwrap_or_default()
            }
            "port" => {
                let number = self::port(arg(1)).unwrap_or(0);
                port(number).unwrap_or(number.to_string())
            }
            "handler" => {
                let handler = between(arg(1), "sa_handler=", &[',', '}']).unwrap_or("…");
                if handler.starts_with("0x") { "…" } else { handler }.to_string()
            }
            "name" => call.name.clone(),
            "all" => call.args.join(", "),
            _ => result.clone(),
        };
        let known = PATTERNS.iter().find(|(known, _)| *known == kind);
        let pattern = match known {
            Some((Kind::Read, _)) if returned && call.result != "0" => READ_SOMETHING,
            Some((_, pattern)) => pattern,
            None => OTHERS,
        };
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
    kind(&call.name) == Kind::Fork
}

fn listed(fds: &[i32]) -> String {
    fds.iter().map(i32::to_string).collect::<Vec<String>>().join(", ")
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
    let port = between(address, "sin_port=htons(", &[')']).or(between(address, "sin6_port=htons(", &[')']));
    // `-X raw` has its two bytes.
    let bytes = || unquoted(address.split_once("_port=")?.1)?.0.try_into().ok().map(u16::from_be_bytes);
    port.map_or_else(bytes, |port| port.parse().ok())
}

fn between<'a>(text: &'a str, before: &str, behind: &[char]) -> Option<&'a str> {
    text.split_once(before)?.1.split(behind).next()
}
