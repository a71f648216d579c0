//! The note's four tables in its order, with its headings; what stands in a cell is what this machine has just shown.
//!
//! Note: Socket的基本特征, 基于TCP/IP协议栈的Socket通讯 (the tables). Go: `net.Listen`. Man: socket(2).

mod domains;
mod layout;
pub mod types;

use shared::harness::report::Report;
use shared::linux::network::Network;
use socket2::{Domain, Protocol, Type};

use super::answer::{Answer, DOMAINS, TYPES, cell, name, protocols};
use layout::{NOT_SEEN, Table};

/// The note's 有效: a protocol without a name.
const VALID: &str = "valid";

/// Types come last, though not in print: their experiment may have to enter another network.
pub fn run(out: &mut Report) -> anyhow::Result<()> {
    let (domains, protocols, literals) = (domains()?, chosen_protocols()?, literals()?);
    let tables = [domains, types()?, protocols, literals];
    for (nth, table) in tables.iter().enumerate() {
        if nth > 0 {
            out.heading(format_args!(""))?;
        }
        table.print(out)?;
    }
    Ok(())
}

fn domains() -> anyhow::Result<Table> {
    let columns = vec![("domain", "通讯域"), ("meaning", "含义"), ("address", "地址形式"), ("scope", "通讯范围")];
    let rows = DOMAINS.map(domains::row).into_iter().collect::<anyhow::Result<_>>()?;
    Ok(Table { name: "domains", columns, rows })
}

fn types() -> anyhow::Result<Table> {
    let seen = TYPES.map(types::observe).into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let rows = types::FEATURES.iter().map(|(feature, tell)| {
        let cells = seen.iter().map(|seen| seen.as_ref().map_or_else(|| NOT_SEEN.to_owned(), tell));
        [(*feature).to_owned()].into_iter().chain(cells).collect()
    });
    Ok(Table { name: "types", columns: by_type("feature", "特性"), rows: rows.collect() })
}

fn chosen_protocols() -> anyhow::Result<Table> {
    let row = |domain| {
        let cells = TYPES.map(|kind| protocols_of(domain, kind));
        [Ok(format!("{domain:?}"))].into_iter().chain(cells).collect::<anyhow::Result<_>>()
    };
    let rows = DOMAINS.map(row).into_iter().collect::<anyhow::Result<_>>()?;
    Ok(Table { name: "protocols", columns: by_type("domain", "决定因素"), rows })
}

fn by_type(key: &'static str, heading: &'static str) -> Vec<(&'static str, &'static str)> {
    let types = ["SOCK_DGRAM", "SOCK_RAW", "SOCK_SEQPACKET", "SOCK_STREAM"];
    [(key, heading)].into_iter().chain(types.map(|kind| (kind, kind))).collect()
}

/// The protocols of the sockets that the kernel makes, its own choice first, and those of the note that it does not.
fn protocols_of(domain: Domain, kind: Type) -> anyhow::Result<String> {
    let (mut made, mut missing) = (Vec::new(), Vec::new());
    for &protocol in protocols(domain) {
        match Answer::of_the_kernel(domain, kind, protocol)?.result {
            Ok((other, _)) if other != kind => made.push(format!("{other:?} instead")),
            Ok((_, None)) => made.push(VALID.to_owned()),
            Ok((_, chosen)) => made.push(short(chosen)),
            Err(_) if cell(domain, kind).1.contains(&protocol) => missing.push(short(protocol)),
            Err(errno) if domain == Domain::UNIX => made.push(format!("invalid ({errno:?})")),
            Err(_) => (),
        }
    }
    made.dedup();
    if !missing.is_empty() {
        made.push(format!("{} {NOT_SEEN}", missing.join("/")));
    }
    Ok(made.join(", "))
}

fn literals() -> anyhow::Result<Table> {
    let columns = vec![("literal", "字面量"), ("protocol", "Socket协议"), ("remark", "备注")];
    let rows = Network::ALL.map(literal).into_iter().collect::<anyhow::Result<_>>()?;
    Ok(Table { name: "literals", columns, rows })
}

/// What its sockets say of themselves, in each domain that it admits.
fn literal(network: Network) -> anyhow::Result<Vec<String>> {
    let (mut protocols, mut remarks) = (Vec::new(), Vec::new());
    for domain in DOMAINS.into_iter().filter(|&domain| network.admits(domain)) {
        match Answer::of_the_kernel(domain, network.kind(), network.protocol())?.result {
            Ok((kind, protocol)) => {
                protocols.push(protocol.map_or_else(|| VALID.to_owned(), |_| short(protocol)));
                remarks.push(format!("{domain:?} {kind:?}"));
            }
            Err(_) => remarks.push(format!("{domain:?} {NOT_SEEN}")),
        }
    }
    protocols.dedup();
    Ok(vec![network.name().to_owned(), protocols.join(", "), remarks.join(", ")])
}

fn short(protocol: Option<Protocol>) -> String {
    name(protocol).replace("IPPROTO_", "")
}
