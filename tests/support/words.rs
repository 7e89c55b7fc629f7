//! How a call reads in a drawing: as in the article, and the same in every run.

use std::collections::HashMap;

use super::strace::{Call, Event};

/// `RAW=1`: a run's own ports and process ids, not names for them.
pub fn raw() -> bool {
    std::env::var_os("RAW").is_some_and(|value| !value.is_empty())
}

/// Names for the numbers that are others in every run.
#[derive(Default)]
pub struct Names {
    pub processes: HashMap<u32, String>,
    ports: HashMap<u16, &'static str>,
}

impl Names {
    pub fn of(events: &[&Event], processes: HashMap<u32, String>) -> Self {
        let mut ports = HashMap::new();
        for call in events.iter().filter_map(|event| event.call()).filter(|_| !raw()) {
            let Some(number) = call.args.get(1).and_then(|address| port(address)) else {
                continue;
            };
            match call.name.as_str() {
                "bind" => {
                    // Erratum 1: the client's bytes stand the other way round.
                    ports.entry(number.swap_bytes()).or_insert("port-swapped");
                    ports.insert(number, "port")
                }
                "accept" => ports.insert(number, "client"),
                _ => None,
            };
        }
        Names { processes, ports }
    }

    fn process(&self, number: &str) -> String {
        let name = number.parse().ok().and_then(|pid: u32| self.processes.get(&pid));
        name.cloned().unwrap_or(number.to_string())
    }

    /// A call in words: at full length, then shorter. `asleep`: it has not returned.
    pub fn words(&self, call: &Call, asleep: bool) -> Vec<String> {
        let plain =
            |text: &str| text.split_once('<').map_or(text.to_string(), |(number, _)| number.to_string());
        let fd = call.args.first().map_or(String::new(), |fd| plain(fd));
        let arg =
            |index: usize| if index == 0 { &fd } else { call.args.get(index).map_or("", String::as_str) };
        let printed = call.name == "write" && ["1", "2"].contains(&arg(0));
        if printed && call.errno.is_none() && !asleep {
            return vec![self.log(arg(1))];
        }
        let result = match &call.errno {
            _ if asleep => " …".to_string(),
            Some(errno) => format!(" = -1 {errno}"),
            None => format!(" = {}", plain(&call.result)),
        };
        // What a call returns is shown where it says something.
        let returned = call.errno.is_none() && !asleep;
        let unless_0 = if returned && call.result == "0" { "" } else { &result };
        let if_not = if returned { "" } else { &result };
        let who = if returned { format!(" = {}", self.process(&call.result)) } else { result.clone() };
        match call.name.as_str() {
            "socket" => {
                vec![format!("socket({}, {}){result}", arg(0), arg(1)), format!("socket(){result}")]
            }
            "setsockopt" => vec![
                format!("setsockopt({}, {}){unless_0}", arg(0), arg(2)),
                format!("setsockopt({}){unless_0}", arg(2)),
                format!("setsockopt(){unless_0}"),
            ],
            "bind" | "connect" => {
                let (name, number) = (&call.name, port(arg(1)).unwrap_or(0));
                let known = self.ports.get(&number).map(|name| name.to_string());
                let port = known.unwrap_or(number.to_string());
                let ip = arg(1).split("inet_addr(").nth(1).unwrap_or("");
                let ip = ip.trim_matches('"').split('"').next().unwrap_or("");
                vec![
                    format!("{name}({}, {ip}:{port}){unless_0}", arg(0)),
                    format!("{name}({}, :{port}){unless_0}", arg(0)),
                    format!("{name}(:{port}){unless_0}"),
                ]
            }
            "accept" => vec![format!("accept({}){result}", arg(0))],
            "read" if returned && call.result != "0" => {
                vec![format!("read({}) = {}", arg(0), arg(1)), format!("read({})", arg(1))]
            }
            "read" => vec![format!("read({}){result}", arg(0))],
            "write" => vec![
                format!("write({}, {}){result}", arg(0), arg(1)),
                format!("write({}, {}){if_not}", arg(0), arg(1)),
                format!("write({}){if_not}", arg(1)),
            ],
            "wait4" => {
                let child = self.process(arg(0));
                let options = if arg(2) == "0" { "".into() } else { format!(", {}", self.options(arg(2))) };
                vec![
                    format!("waitpid({child}{options}){who}"),
                    format!("waitpid({child}{options}){}", if_not.replace(" = -1", "")),
                    format!("waitpid(){if_not}"),
                ]
            }
            "rt_sigaction" => {
                let handler = arg(1).split("sa_handler=").nth(1).unwrap_or("…");
                let handler = handler.split([',', '}']).next().unwrap_or("…");
                vec![
                    format!("signal({}, {handler}){unless_0}", arg(0)),
                    format!("signal({}){unless_0}", arg(0)),
                ]
            }
            "clock_nanosleep" => vec!["usleep()".to_string()],
            "exit_group" => vec![format!("exit({})", arg(0))],
            _ if forks(call) => vec![format!("fork(){who}"), format!("fork(){if_not}")],
            _ => vec![format!("{}({}){unless_0}", call.name, call.args.join(", "))],
        }
    }

    /// Erratum 4: the client's port, where `waitpid` takes flags, and strace shows them.
    fn options(&self, flags: &str) -> String {
        let flags = flags.split(" /*").next().unwrap_or(flags);
        let values = flags.split('|').map(|flag| match flag {
            "WNOHANG" => Some(1),
            "WUNTRACED" | "WSTOPPED" => Some(2),
            "WEXITED" => Some(4),
            "WCONTINUED" => Some(8),
            number => u16::from_str_radix(number.trim_start_matches("0x"), 16).ok(),
        });
        let port = values.sum::<Option<u16>>().and_then(|value| self.ports.get(&value));
        port.map_or(flags.to_string(), |_| "peer_port".to_string())
    }

    /// What a line of log says, without its time: `log accept() success:: …`.
    fn log(&self, text: &str) -> String {
        let text = text.trim_matches('"').trim_end_matches("\\n");
        let mut text = match text.splitn(4, " | ").nth(3) {
            Some(message) => format!("log {message}"),
            None => format!("print {text}"),
        };
        for (number, name) in &self.ports {
            text = text.replace(&number.to_string(), name);
        }
        text
    }
}

pub fn forks(call: &Call) -> bool {
    ["fork", "vfork", "clone", "clone3"].contains(&call.name.as_str())
}

/// The port number in an address as strace prints it.
fn port(address: &str) -> Option<u16> {
    let digits = address.split("sin_port=htons(").nth(1)?;
    digits.split(')').next()?.parse().ok()
}
