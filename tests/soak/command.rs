//! `make soak`: `CLIENTS` in all, a third of them for each server.

use crate::harness::builds::SERVERS;
use crate::harness::switches::value;
use crate::say;
use crate::soak::run::{Soaked, soak};

/// Whether every server holds at the end what it held after the first thousand.
pub fn run() -> Result<bool, String> {
    let text = value("CLIENTS").unwrap_or("20000".into());
    let clients: usize =
        text.parse().map_err(|_| say!("CLIENTS={text}: give a number", "CLIENTS={text}：应为数字"))?;
    let mut all_same = true;
    for server in SERVERS {
        let Soaked { clients, refused, seconds, held, pss, .. } =
            soak(server, clients.div_ceil(SERVERS.len()))?;
        let rate = clients as f64 / seconds;
        println!(
            "{}",
            say!(
                "{server}: {clients} clients in {seconds:.1} s, {rate:.0} per second, and {refused} whose fork was refused",
                "{server}：{clients} 个客户端，{seconds:.1} 秒，每秒 {rate:.0} 个；另有 {refused} 个的 fork 失败"
            )
        );
        let names = [say!("after 1000", "1000 个之后"), say!("at the end", "结束时")];
        for ((name, held), pss) in names.iter().zip(held).zip(pss) {
            println!("    {name}: {held}, Pss {} kB", pss.map_or("-".into(), |kb| kb.to_string()));
        }
        let same = held[0] == held[1];
        println!("    {}", if same { say!("the same", "相同") } else { say!("NOT the same", "不相同") });
        all_same &= same;
    }
    Ok(all_same)
}
